/**
 * An engine with the table ORDERS and the pipe ORDERS_PIPE into it, and what tests ask of it.
 */
import type { TestContext } from 'node:test'
import type { Knobs } from '../../../../src/local/warehouse/engine/knobs.ts'
import { type Fixture, openFixture, parquetOf, until } from './engine-fixture.ts'

export async function withPipe(t: TestContext, knobs: Partial<Knobs> = {}): Promise<Fixture> {
  const f = await openFixture(t, knobs)
  await f.run(
    'CREATE TABLE orders (id NUMBER(38, 0) NOT NULL, name VARCHAR(5), file VARCHAR, line NUMBER, at TIMESTAMP_LTZ)',
    'CREATE FILE FORMAT pq TYPE = PARQUET BINARY_AS_TEXT = FALSE',
    `CREATE STAGE st URL = 's3://cdc/firn/' STORAGE_INTEGRATION = FIRN_S3 FILE_FORMAT = (FORMAT_NAME = 'DB.PUBLIC.PQ')`,
    pipe('orders_pipe', 'orders/'),
  )
  return f
}

export const pipe = (name: string, path: string) => `CREATE PIPE ${name} AUTO_INGEST = TRUE AS
  COPY INTO orders (id, name, file, line, at)
  FROM (SELECT $1:id::NUMBER(38, 0), $1:name::VARCHAR, METADATA$FILENAME, METADATA$FILE_ROW_NUMBER, METADATA$START_SCAN_TIME FROM @st/${path})
  FILE_FORMAT = (FORMAT_NAME = 'DB.PUBLIC.PQ')`

export const good = (id: number) => parquetOf(`SELECT ${id}::BIGINT AS id, 'n' || ${id} AS name`)

/** Stores a file and announces it. */
export async function arrive(f: Fixture, key: string, body: Uint8Array): Promise<void> {
  f.stage.objects.set(key, body)
  await announce(f, key)
}

export const announce = (f: Fixture, key: string) =>
  f.queue.give({ bucket: 'cdc', key, size: f.stage.objects.get(key)?.length ?? 0, stagedMs: f.clock.nowMs() })

export type PipeStatus = {
  readonly executionState: string
  readonly pendingFileCount: number
  readonly [member: string]: unknown
}

export async function status(f: Fixture): Promise<PipeStatus> {
  const rows = await f.rows(`SELECT SYSTEM$PIPE_STATUS('db.public.orders_pipe')`)
  return JSON.parse(rows[0]?.[0] ?? '') as PipeStatus
}

export const idle = (f: Fixture) => until(async () => (await status(f)).pendingFileCount === 0)
export const ids = async (f: Fixture) => (await f.rows('SELECT id FROM orders ORDER BY id')).map(([id]) => Number(id))

export const history = (f: Fixture) =>
  f.rows(
    `SELECT file_name, status, row_count, first_error_message FROM
     TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => 'ORDERS', START_TIME => '2020-01-01'::TIMESTAMP_LTZ)) ORDER BY file_name`,
  )
