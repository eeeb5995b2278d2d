/**
 * How the engine's own things are written for DuckDB: the tables behind Snowflake's, and times.
 */
/**
 * The quoted DuckDB name of a table. By number, because DuckDB's names do not tell capitals from small letters, and a
 * table that replaces another is not that table.
 */
export function duckTable(tableId: number): string {
  return `_tables.t${String(tableId)}`
}

/** Milliseconds since 1970 as a DuckDB TIMESTAMP WITH TIME ZONE. `expression` is a BIGINT. */
export function timeOf(expression: string): string {
  return `(make_timestamp(${expression} * 1000) AT TIME ZONE 'UTC')`
}
