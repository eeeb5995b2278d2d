/**
 * Options that name something: a topic or table of the configuration, a whole number. A wrong one is answered with what
 * there is, or with a command line that works.
 */
import type { Config, TableConfig } from '../config.ts'
import { Failure } from '../failure.ts'

/** @throws Failure USAGE */
export function required(value: string | undefined, name: string, example: string): string {
  if (value === undefined) throw new Failure('USAGE', `--${name} is missing; for example: ${example}`)
  return value
}

/** The table of that name, `SCHEMA.TABLE`. @throws Failure USAGE, naming the known ones */
export function tableNamed({ tables }: Config, name: string): TableConfig {
  const found = tables.find(({ table }) => table === name)
  if (found) return found
  const known = tables.map(({ table }) => table).join(', ')
  throw new Failure('USAGE', `the configuration has no table ${name}; there are ${known}`)
}

/** The tables of that topic, one at least. @throws Failure USAGE, naming the known topics */
export function tablesOfTopic({ tables }: Config, name: string): readonly [TableConfig, ...TableConfig[]] {
  const [first, ...others] = tables.filter(({ topic }) => topic === name)
  if (first) return [first, ...others]
  const known = [...new Set(tables.map(({ topic }) => topic))].join(', ')
  throw new Failure('USAGE', `no table of the configuration has the topic ${name}; there are ${known}`)
}

/** @throws Failure USAGE for what is not a whole number of at most so many digits */
export function wholeNumber(text: string, name: string, digits: number, example: string): bigint {
  if (/^\d+$/.test(text) && text.length <= digits) return BigInt(text)
  throw new Failure(
    'USAGE',
    `--${name} ${text} is not a whole number of up to ${digits} digits; for example: ${example}`,
  )
}
