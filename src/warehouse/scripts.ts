/**
 * Reads the scripts under sql/, which lies beside src/ and beside dist/. What they say is rendered in render.ts.
 */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Template } from './render.ts'

const folder = fileURLToPath(new URL('../../sql/', import.meta.url))

/** The shared scripts, versioned ones before repeatable ones; then the templates. Each in the order of their names. */
export async function readTemplates(): Promise<readonly Template[]> {
  const shared = Map.groupBy(await readFolder(folder), ({ file }) => file.startsWith('R__'))
  return [...(shared.get(false) ?? []), ...(shared.get(true) ?? []), ...(await readFolder(`${folder}templates/`))]
}

/** The queries of the audit, which no migration runs. */
export function readAuditTemplates(): Promise<readonly Template[]> {
  return readFolder(`${folder}audit/`)
}

async function readFolder(path: string): Promise<readonly Template[]> {
  const files = (await readdir(path)).filter((file) => file.endsWith('.sql')).sort()
  return await Promise.all(files.map(async (file) => ({ file, text: await readFile(path + file, 'utf8') })))
}
