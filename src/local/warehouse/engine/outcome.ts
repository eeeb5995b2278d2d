/**
 * Answers in the shapes that statements share: one row of status, one row of counts, a listing.
 */
import type { Result } from '../engine.ts'
import type { SqlType } from '../sql/statement.ts'
import type { Cell, Row } from './store.ts'

export const textType: SqlType = { kind: 'varchar', length: 16_777_216 }
export const timeType: SqlType = { kind: 'timestamp_ltz', scale: 3 }
const countType: SqlType = { kind: 'number', precision: 19, scale: 0 }

/** What a DDL answers. */
export function status(message: string): Result {
  return listing('ddl', [['status', textType]], [[message]])
}

export const done = status('Statement executed successfully.')

/** What a DML answers: how many rows of each kind. */
export function counts(
  kind: 'insert' | 'update' | 'delete' | 'merge',
  cells: readonly (readonly [string, number])[],
): Result {
  return listing(
    kind,
    cells.map(([name]) => [name, countType]),
    [cells.map(([, count]) => String(count))],
  )
}

export function listing(
  kind: Result['kind'],
  columns: readonly (readonly [string, SqlType])[],
  rows: readonly Row[],
): Result {
  return { kind, columns: columns.map(([name, type]) => ({ name, type, nullable: true })), rows }
}

/** A time as the protocol writes it. */
export function timeCell(ms: number | null): Cell {
  return ms === null ? null : (ms / 1000).toFixed(9)
}
