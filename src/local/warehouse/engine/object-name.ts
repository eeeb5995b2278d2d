/**
 * A name inside a string, as SYSTEM$PIPE_STATUS('db.schema."pipe"') and the like take it.
 */
import { type Name, SqlError } from '../sql/statement.ts'

const part = /^(?:"((?:[^"]|"")+)"|([A-Za-z_][A-Za-z0-9_$]*))(?:\.|$)/

/** @throws SqlError 001003 */
export function parseName(text: string): Name {
  const parts: string[] = []
  let rest = text.trim()
  do {
    const found = part.exec(rest)
    if (!found) throw new SqlError('001003', '42000', `SQL compilation error:\n'${text}' is not the name of an object.`)
    const [whole, quoted, bare] = found
    parts.push(quoted === undefined ? (bare ?? '').toUpperCase() : quoted.replaceAll('""', '"'))
    const ended = rest.length === whole.length && !whole.endsWith('.')
    rest = rest.slice(whole.length)
    if (ended) return parts
  } while (parts.length < 3)
  throw new SqlError('001003', '42000', `SQL compilation error:\n'${text}' is not the name of an object.`)
}
