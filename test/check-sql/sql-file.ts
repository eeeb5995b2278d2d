/**
 * Rendered files as texts, and the scripting bodies inside them, which a parser of the whole file sees as mere strings.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** `name` without a folder. */
export type SqlFile = { readonly name: string; readonly text: string }

export async function readSqlFiles(folder: string): Promise<readonly SqlFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return await Promise.all(names.map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8') })))
}

export async function writeSqlFiles(folder: string, files: readonly SqlFile[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { name, text } of files) await writeFile(join(folder, name), text)
}

/** What stands between `$$` and `$$`, each as a file of its own. */
export function bodiesOf({ name, text }: SqlFile): readonly SqlFile[] {
  return [...text.matchAll(/\$\$(.*?)\$\$/gs)].map(([, body = ''], index) => ({
    name: name.replace(/\.sql$/, `.body${String(index + 1)}.sql`),
    text: `${body.trim()}\n`,
  }))
}
