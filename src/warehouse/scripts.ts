/**
 * Reads the scripts under sql/, which lies beside src/ and beside dist/. What they say is rendered in render.ts.
 */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Template } from './render.ts'

const folder = fileURLToPath(new URL('../../sql/', import.meta.url))

/** The shared scripts, then the templates, each in the order of their names. */
export async function readTemplates(): Promise<readonly Template[]> {
  return [...(await readFolder(folder)), ...(await readFolder(`${folder}templates/`))]
}

async function readFolder(path: string): Promise<readonly Template[]> {
  const files = (await readdir(path)).filter((file) => file.endsWith('.sql')).sort()
  return await Promise.all(files.map(async (file) => ({ file, text: await readFile(path + file, 'utf8') })))
}
