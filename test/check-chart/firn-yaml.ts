/**
 * Whether Firn takes a configuration from the chart, with something behind each of its references to secrets.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../src/config.ts'
import { loadConfig } from '../../src/config-source.ts'

/** `dir` is an empty folder. @throws Failure CONFIG_INVALID where it does not */
export async function readAsFirn(text: string, dir: string): Promise<Config> {
  const secret = join(dir, 'secret')
  await writeFile(secret, 'a secret')
  const file = join(dir, 'firn.yaml')
  await writeFile(file, text.replace(/file:\/secrets\/\S+?(?=["'\s]|$)/g, `file:${secret}`))
  const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)
  return loadConfig({ file, env: Object.fromEntries(names.map((name) => [name, 'a secret'])) })
}
