/**
 * `NAME = value` lists after CREATE. Each statement names the options that it knows; any other one, and a second of the
 * same name, is refused. Nothing is ignored.
 */
import type { Cursor } from './cursor.ts'

type Readers = Readonly<Record<string, () => unknown>>
type Found<R extends Readers> = { readonly [K in keyof R]?: ReturnType<R[K]> }

/** Reads options, with or without commas between, until something that is none. What was not given is missing in the result. */
export function parseOptions<R extends Readers>(cursor: Cursor, readers: R): Found<R> {
  const found: Record<string, unknown> = {}
  for (;;) {
    const token = cursor.peek()
    if (token?.kind !== 'word' || !cursor.isOperator('=', 1)) return found as Found<R>
    const read = Object.hasOwn(readers, token.value) ? readers[token.value] : undefined
    if (read === undefined) throw cursor.refuse()
    if (Object.hasOwn(found, token.value)) throw cursor.refuse(token, 'The option is given twice.')
    cursor.at += 2
    found[token.value] = read()
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
