/**
 * The numbers that rows get when they are inserted, in the order of commits: what a stream's offset counts in.
 */
import type { Connection } from './store.ts'
import { duckTable } from './store-text.ts'

/** The hidden column of every table. Its name cannot be written without quotes. */
export const sequenceColumn = '$sequence'

/** The last number that was given out since the start; 0 where there was none. */
export async function lastSequence(connection: Connection): Promise<bigint> {
  const sql = `SELECT COALESCE(last_value, 0) FROM duckdb_sequences() WHERE schema_name = '_catalog' AND sequence_name = 'rows'`
  const { rows } = await connection.run(sql)
  return BigInt(rows[0]?.[0] ?? 0)
}

/**
 * The number of the last committed row, at a start: DuckDB says a wrong one until the sequence is used.
 *
 * Invariant: every number that is given out from now on is greater.
 */
export async function restoreSequence(connection: Connection, tableIds: readonly number[]): Promise<bigint> {
  const greatest = tableIds.map((id) => `SELECT max("${sequenceColumn}") AS number FROM ${duckTable(id)}`)
  const all = [...greatest, 'SELECT max(position) FROM _catalog.stream_offsets', 'SELECT 0']
  const { rows } = await connection.run(`SELECT max(number) FROM (${all.join(' UNION ALL ')}) numbers(number)`)
  const committed = BigInt(rows[0]?.[0] ?? 0)
  const { rows: given } = await connection.run(`SELECT nextval('_catalog.rows')`)
  const behind = committed - BigInt(given[0]?.[0] ?? 0)
  if (behind > 0n) await connection.run(`SELECT max(nextval('_catalog.rows')) FROM range(${behind.toString()})`)
  return committed
}
