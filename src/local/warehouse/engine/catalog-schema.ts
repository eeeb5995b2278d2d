/**
 * The tables behind the catalogue, in the same file as the data, so that both change in one transaction.
 * Times are milliseconds since 1970.
 */
import type { Connection } from './store.ts'

const statements = [
  'CREATE SCHEMA IF NOT EXISTS _tables',
  'CREATE SCHEMA IF NOT EXISTS _catalog',
  // Numbers of inserted rows, in the order of commits.
  'CREATE SEQUENCE IF NOT EXISTS _catalog.rows',
  // Numbers of objects: never used again, so that a stream on a dropped table cannot mean the next one of that name.
  'CREATE SEQUENCE IF NOT EXISTS _catalog.ids',
  `CREATE TABLE IF NOT EXISTS _catalog.objects (
    id BIGINT NOT NULL, kind VARCHAR NOT NULL, name VARCHAR NOT NULL, created_ms BIGINT NOT NULL, definition VARCHAR NOT NULL,
    owner VARCHAR)`,
  // Folders from before objects had an owner.
  'ALTER TABLE _catalog.objects ADD COLUMN IF NOT EXISTS owner VARCHAR',
  `CREATE TABLE IF NOT EXISTS _catalog.grants (
    object_id BIGINT NOT NULL, privilege VARCHAR NOT NULL, grantee_kind VARCHAR NOT NULL, grantee VARCHAR NOT NULL,
    granted_by VARCHAR NOT NULL, created_ms BIGINT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS _catalog.future_grants (
    schema_id BIGINT NOT NULL, kind VARCHAR NOT NULL, privilege VARCHAR NOT NULL, grantee VARCHAR NOT NULL,
    granted_by VARCHAR NOT NULL)`,
  'CREATE TABLE IF NOT EXISTS _catalog.stream_offsets (stream_id BIGINT NOT NULL, position BIGINT NOT NULL)',
  // When it was made or consumed, or last found empty.
  'ALTER TABLE _catalog.stream_offsets ADD COLUMN IF NOT EXISTS fresh_ms BIGINT',
  // Each file once per pipe and name: waiting, loaded or failed.
  `CREATE TABLE IF NOT EXISTS _catalog.pipe_files (
    pipe_id BIGINT NOT NULL, key VARCHAR NOT NULL, size BIGINT, staged_ms BIGINT NOT NULL, received_ms BIGINT NOT NULL,
    state VARCHAR NOT NULL, finished_ms BIGINT)`,
  `CREATE TABLE IF NOT EXISTS _catalog.event_positions (
    topic VARCHAR NOT NULL, partition INTEGER NOT NULL, next_offset BIGINT NOT NULL)`,
  'ALTER TABLE _catalog.event_positions ADD COLUMN IF NOT EXISTS received_ms BIGINT',
  `CREATE TABLE IF NOT EXISTS _catalog.copy_history (
    table_id BIGINT NOT NULL, pipe_id BIGINT NOT NULL, pipe VARCHAR NOT NULL, file_name VARCHAR NOT NULL,
    stage_location VARCHAR NOT NULL, loaded_ms BIGINT NOT NULL, row_count BIGINT NOT NULL, row_parsed BIGINT NOT NULL,
    file_size BIGINT, first_error VARCHAR, error_count BIGINT NOT NULL, status VARCHAR NOT NULL, received_ms BIGINT NOT NULL)`,
  // A COPY statement has no pipe.
  ...['pipe_id', 'pipe', 'received_ms'].map(
    (column) => `ALTER TABLE _catalog.copy_history ALTER COLUMN ${column} DROP NOT NULL`,
  ),
  // What COPY statements loaded, by table and file; and when a table got its first file.
  `CREATE TABLE IF NOT EXISTS _catalog.loaded_files (
    table_id BIGINT NOT NULL, url VARCHAR NOT NULL, size BIGINT NOT NULL, version VARCHAR NOT NULL, loaded_ms BIGINT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS _catalog.first_loads (table_id BIGINT NOT NULL, first_ms BIGINT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS _catalog.task_history (
    run_id VARCHAR NOT NULL, task_id BIGINT NOT NULL, name VARCHAR NOT NULL, query_text VARCHAR NOT NULL, condition_text VARCHAR,
    state VARCHAR NOT NULL, error_code VARCHAR, error_message VARCHAR, scheduled_ms BIGINT NOT NULL, started_ms BIGINT,
    completed_ms BIGINT, scheduled_from VARCHAR NOT NULL)`,
]

/** Objects without an owner, of a folder from before there were any, go to `formerOwner`. */
export async function createCatalogTables(connection: Connection, formerOwner: string): Promise<void> {
  for (const statement of statements) await connection.run(statement)
  await connection.run('UPDATE _catalog.objects SET owner = $owner WHERE owner IS NULL', { owner: formerOwner })
}
