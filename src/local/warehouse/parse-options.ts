/**
 * `NAME = value` lists after CREATE. Each statement names the options that it knows; any other one, and a second of the
 * same name, is refused. Nothing is ignored.
 */
import type { Cursor } from './cursor.ts'

export type OptionReaders = Readonly<Record<string, () => void>>

/** Reads options, with or without commas between, until something that is none. */
export function parseOptions(cursor: Cursor, readers: OptionReaders): void {
  const seen = new Set<string>()
  for (;;) {
    const token = cursor.peek()
    if (token?.kind !== 'word' || !cursor.isOperator('=', 1)) return
    const read = readers[token.value]
    if (read === undefined) throw cursor.refuse()
    if (seen.has(token.value)) throw cursor.refuse(token, 'The option is given twice.')
    seen.add(token.value)
    cursor.at += 2
    read()
    cursor.acceptOperator(',')
  }
}

/** One of these words, bare or in quotes. */
export function choice(cursor: Cursor, ...allowed: readonly string[]): string {
  const token = cursor.peek()
  const value = token?.value.toUpperCase()
  if (value === undefined || token?.kind === 'quoted' || !allowed.includes(value)) {
    throw cursor.refuse(token, `The development warehouse knows: ${allowed.join(', ')}.`)
  }
  cursor.at += 1
  return value
}
