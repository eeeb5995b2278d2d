/**
 * What `firn migrate --render` writes: every script as a file that a DBA can read, and apply with schemachange, Flyway, the
 * Snowflake CLI or by hand, and the AWS side. What they say is decided in render.ts and aws.ts.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '../config.ts'
import { Failure } from '../failure.ts'
import { awsDocuments } from './aws.ts'
import { ledgerStatement } from './migrations.ts'
import { renderAccountScript, renderScripts, type Template } from './render.ts'
import { warehouseOf } from './values.ts'

export type RenderedFile = { readonly path: string; readonly text: string }

/**
 * Paths relative to the folder. No version of Firn stands in them: a script that says the same is the same file, for tools that
 * compare files with what they have applied. Each script but the account's ends with its own line in the ledger.
 *
 * @throws as renderScripts
 */
export function renderedFiles(templates: readonly Template[], config: Config): readonly RenderedFile[] {
  const account = renderAccountScript(templates, config)
  const scripts = renderScripts(templates, config).map((script) => {
    const ledger = ledgerStatement(script, warehouseOf(config), 'as rendered')
    return { path: script.name, text: `${script.text.trimEnd()}\n\n-- The ledger of firn migrate.\n${ledger};\n` }
  })
  const aws = awsDocuments(config).map(({ name, text }) => ({ path: join('aws', name), text }))
  return [{ path: account.name, text: account.text }, ...scripts, ...aws]
}

/**
 * Writes the files; those of an earlier rendering are replaced.
 *
 * @throws Failure FOLDER_TAKEN where a script lies there that is not among them: it would be applied too
 */
export async function writeRenderedFiles(folder: string, files: readonly RenderedFile[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  const known = new Set(files.map(({ path }) => path))
  const strangers = (await readdir(folder)).filter((name) => name.endsWith('.sql') && !known.has(name))
  if (strangers.length > 0) {
    throw new Failure(
      'FOLDER_TAKEN',
      `${folder} holds scripts that this configuration does not give: ${strangers.join(', ')}`,
    )
  }
  for (const { path, text } of files) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
}
