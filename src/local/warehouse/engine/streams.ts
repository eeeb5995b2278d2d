/**
 * Append-only streams: which rows of its table a stream shows. A row has the sequence number of its insertion, a stream an
 * offset among those; both are in the same file as the data, so that rows and offset move in one transaction.
 * A row that was deleted or changed after its insertion is gone or changed in the stream too; Snowflake would still show it.
 */
import type { Column, Relation } from '../sql/scope.ts'
import { sequenceColumn } from './row-sequence.ts'
import { constant, quoted } from '../sql/duck-text.ts'
import { duckTable } from './store-text.ts'

/** Rows with `after < sequence number <= until`. */
export type StreamRange = { readonly after: bigint; readonly until: bigint }

export const streamOffsets = {
  select: 'SELECT position FROM _catalog.stream_offsets WHERE stream_id = CAST($id AS BIGINT)',
  update: `UPDATE _catalog.stream_offsets SET position = CAST($offset AS BIGINT), fresh_ms = CAST($fresh AS BIGINT)
    WHERE stream_id = CAST($id AS BIGINT)`,
  insert: `INSERT INTO _catalog.stream_offsets (stream_id, position, fresh_ms)
    VALUES (CAST($id AS BIGINT), CAST($offset AS BIGINT), CAST($fresh AS BIGINT))`,
  refresh: 'UPDATE _catalog.stream_offsets SET fresh_ms = CAST($fresh AS BIGINT) WHERE stream_id = CAST($id AS BIGINT)',
  complete: 'UPDATE _catalog.stream_offsets SET fresh_ms = CAST($now AS BIGINT) WHERE fresh_ms IS NULL',
  remove: 'DELETE FROM _catalog.stream_offsets WHERE stream_id = CAST($id AS BIGINT)',
  touch: 'SELECT position FROM _catalog.stream_offsets LIMIT 0',
} as const

const streamMetadata: readonly Column[] = [
  { name: 'METADATA$ACTION', type: { kind: 'varchar', length: 16_777_216 } },
  { name: 'METADATA$ISUPDATE', type: { kind: 'boolean' } },
  { name: 'METADATA$ROW_ID', type: { kind: 'varchar', length: 16_777_216 } },
]

/** METADATA$ROW_ID is 40 hex digits that stay the same for a row, as in Snowflake. */
export function streamRelation(tableId: number, columns: readonly Column[], range: StreamRange): Relation {
  const visible = columns.map(({ name }) => quoted(name)).join(', ')
  const sequence = quoted(sequenceColumn)
  const rowId = `sha1(${constant(`${String(tableId)}:`)} || CAST(${sequence} AS VARCHAR))`
  const sql =
    `(SELECT ${visible}, 'INSERT' AS "METADATA$ACTION", FALSE AS "METADATA$ISUPDATE", ${rowId} AS "METADATA$ROW_ID" ` +
    `FROM ${duckTable(tableId)} WHERE ${between(range)})`
  return { sql, columns: [...columns, ...streamMetadata] }
}

/** A query that gives one row where the stream has something to show, and none where it has not. */
export function streamHasData(tableId: number, range: StreamRange): string {
  return `SELECT 1 FROM ${duckTable(tableId)} WHERE ${between(range)} LIMIT 1`
}

function between({ after, until }: StreamRange): string {
  const sequence = quoted(sequenceColumn)
  return `${sequence} > ${after.toString()} AND ${sequence} <= ${until.toString()}`
}
