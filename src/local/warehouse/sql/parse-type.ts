/**
 * A type as it is written in SQL. Synonyms become the type that Snowflake stores; a type outside the set is refused.
 */
import type { Cursor } from './cursor.ts'
import { varcharLengthDefault, varcharLengthMax } from './sql-type.ts'
import type { SqlType } from './statement.ts'

const simple: Readonly<Record<string, SqlType>> = {
  INT: { kind: 'number', precision: 38, scale: 0 },
  INTEGER: { kind: 'number', precision: 38, scale: 0 },
  BIGINT: { kind: 'number', precision: 38, scale: 0 },
  SMALLINT: { kind: 'number', precision: 38, scale: 0 },
  TINYINT: { kind: 'number', precision: 38, scale: 0 },
  FLOAT: { kind: 'float' },
  DOUBLE: { kind: 'float' },
  REAL: { kind: 'float' },
  BOOLEAN: { kind: 'boolean' },
  VARIANT: { kind: 'variant' },
  OBJECT: { kind: 'object' },
  ARRAY: { kind: 'array' },
  DATE: { kind: 'date' },
}

const texts = new Set(['VARCHAR', 'STRING', 'TEXT'])
const numbers = new Set(['NUMBER', 'DECIMAL', 'NUMERIC'])
const times: Readonly<Record<string, 'timestamp_ntz' | 'timestamp_ltz' | 'time'>> = {
  TIMESTAMP_NTZ: 'timestamp_ntz',
  TIMESTAMP: 'timestamp_ntz',
  DATETIME: 'timestamp_ntz',
  TIMESTAMP_LTZ: 'timestamp_ltz',
  TIME: 'time',
}

function bounded(cursor: Cursor, least: number, most: number): number {
  const token = cursor.peek()
  const value = cursor.integer()
  if (value < least || value > most) throw cursor.refuse(token, `It must lie between ${least} and ${most}.`)
  return value
}

function numberType(cursor: Cursor): SqlType {
  if (!cursor.acceptOperator('(')) return { kind: 'number', precision: 38, scale: 0 }
  const precision = bounded(cursor, 1, 38)
  const scale = cursor.acceptOperator(',') ? bounded(cursor, 0, Math.min(37, precision)) : 0
  cursor.expectOperator(')')
  return { kind: 'number', precision, scale }
}

function inParentheses(cursor: Cursor, least: number, most: number, otherwise: number): number {
  if (!cursor.acceptOperator('(')) return otherwise
  const value = bounded(cursor, least, most)
  cursor.expectOperator(')')
  return value
}

export function parseType(cursor: Cursor): SqlType {
  const token = cursor.peek()
  if (token?.kind !== 'word') throw cursor.refuse()
  cursor.at += 1
  const word = token.value
  if (numbers.has(word)) return numberType(cursor)
  if (texts.has(word)) {
    return { kind: 'varchar', length: inParentheses(cursor, 1, varcharLengthMax, varcharLengthDefault) }
  }
  const time = times[word]
  // Nine digits, as Snowflake declares them; DuckDB keeps six.
  if (time !== undefined) return { kind: time, scale: inParentheses(cursor, 0, 9, 9) }
  const type = simple[word]
  if (type === undefined) throw cursor.refuse(token)
  return type
}
