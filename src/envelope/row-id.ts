/**
 * The id of a row: the values of its key columns as one text. Which row of a change it is read from is the dialect's choice.
 */
import { type Reject, reject } from './decoded.ts'
import { type ColumnText, type Row, columnOf, isColumnAlike } from './row.ts'

/**
 * Reads the id. One column: a string is its text, a number or boolean is as written. Several: a JSON array of them in the
 * configured order, numbers as written.
 *
 * @param fallback gives the columns that `row` does not carry, or has as null
 */
export function idOf(row: Row, key: readonly string[], fallback?: Row): string | Reject {
  const values: ColumnText[] = []
  for (const column of key) {
    const value = keyColumnOf(row, column) ?? (fallback ? keyColumnOf(fallback, column) : null)
    if (value === null) return reject('KEY_MISSING', `key column ${column} is missing or null`)
    if ('code' in value) return value
    if (key.length === 1) return value.text
    values.push(value)
  }
  return `[${values.map(({ text, isString }) => (isString ? JSON.stringify(text) : text)).join(',')}]`
}

/** Whether both rows carry all key columns in the same bytes: then their ids are the same. */
export function isKeyAlike(a: Row, b: Row, key: readonly string[]): boolean {
  for (const column of key) if (!isColumnAlike(a, b, column)) return false
  return true
}

function keyColumnOf(row: Row, column: string): ColumnText | Reject | null {
  const found = columnOf(row, column)
  if (!found) return null
  if (!found.isString && (found.text.startsWith('{') || found.text.startsWith('['))) {
    return reject('KEY_MISSING', `key column ${column} holds an object or array, which cannot be part of a key`)
  }
  if (found.isString && !found.text.isWellFormed()) {
    return reject('KEY_MISSING', `key column ${column} holds half of a surrogate pair, which is no text`)
  }
  return found
}
