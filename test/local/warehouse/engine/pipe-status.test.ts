/** What SYSTEM$PIPE_STATUS and SHOW PIPES tell of a pipe, and how one goes on that was paused for too long. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { announce, arrive, good, idle, ids, pipe, status, withPipe } from './pipe-fixture.ts'
import { type Fixture, refusal } from './engine-fixture.ts'

const dayMs = 24 * 3600 * 1000
const pause = 'ALTER PIPE orders_pipe SET PIPE_EXECUTION_PAUSED = TRUE'
const resume = 'ALTER PIPE orders_pipe SET PIPE_EXECUTION_PAUSED = FALSE'

async function shown(f: Fixture, column: string): Promise<string | null> {
  const { columns, rows } = await f.run('SHOW PIPES')
  return rows[0]?.[columns.findIndex(({ name }) => name === column)] ?? null
}

test('the status tells what waits, what was loaded last, and when the queue was read last', async (t) => {
  const f = await withPipe(t)
  assert.deepEqual(await status(f), {
    executionState: 'RUNNING',
    pendingFileCount: 0,
    notificationChannelName: 's3-events',
  })
  assert.equal(await shown(f, 'notification_channel'), 's3-events')
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  await idle(f)
  f.clock.advance(60_000)
  // A notification that is none of the pipe's is one of the queue's all the same.
  await announce(f, 'elsewhere/x.parquet')
  await f.run(pause)
  f.clock.advance(60_000)
  await announce(f, 'firn/orders/b.parquet')
  f.clock.advance(60_000)
  await announce(f, 'firn/orders/c.parquet')
  assert.deepEqual(await status(f), {
    executionState: 'PAUSED',
    pendingFileCount: 2,
    notificationChannelName: 's3-events',
    lastReceivedMessageTimestamp: '2026-01-01T00:03:00.000Z',
    lastIngestedTimestamp: '2026-01-01T00:00:00.000Z',
    lastIngestedFilePath: 'a.parquet',
    oldestPendingFilePath: 'b.parquet',
    oldestFileTimestamp: '2026-01-01T00:02:00.000Z',
  })
})

test('a pipe whose table, stage or file format is gone is stopped, says why, and loads nothing', async (t) => {
  const f = await withPipe(t)
  const told = async () => {
    const { executionState, error } = await status(f)
    assert.equal(error, (await shown(f, 'invalid_reason')) ?? undefined)
    return [executionState, error]
  }
  await f.run('DROP FILE FORMAT pq')
  assert.deepEqual(await told(), ['STOPPED_FILE_FORMAT_DROPPED', "File format 'DB.PUBLIC.PQ' does not exist"])
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  await f.run('DROP STAGE st')
  assert.deepEqual(await told(), ['STOPPED_STAGE_DROPPED', "Stage 'DB.PUBLIC.ST' does not exist"])
  await f.run('DROP TABLE orders')
  assert.deepEqual(await told(), ['STOPPED_MISSING_TABLE', "Table 'DB.PUBLIC.ORDERS' does not exist"])
  await f.run(pause)
  assert.equal((await told())[0], 'PAUSED')
})

// Snowflake documents neither the code nor the words of the refusal.
test('a pipe that was paused for more than 14 days goes on only where one says that one knows', async (t) => {
  const f = await withPipe(t)
  await f.run(pause)
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  f.clock.advance(2 * dayMs)
  await arrive(f, 'firn/orders/b.parquet', await good(2))
  // To pause what is paused does not start the days anew.
  await f.run(pause)
  await f.restart()
  f.clock.advance(12 * dayMs + 1)
  assert.equal((await status(f)).pendingFileCount, 1)
  await assert.rejects(f.run(resume), /stale.*SYSTEM\$PIPE_FORCE_RESUME\('DB.PUBLIC.ORDERS_PIPE'/)
  await assert.rejects(f.run(`SELECT SYSTEM$PIPE_FORCE_RESUME('orders_pipe')`), /stale/)
  await assert.rejects(f.run(`SELECT SYSTEM$PIPE_FORCE_RESUME('orders_pipe', 'please')`), refusal('001003'))
  await f.run(`SELECT SYSTEM$PIPE_FORCE_RESUME('db.public.orders_pipe', 'staleness_check_override')`)
  assert.equal((await status(f)).executionState, 'RUNNING')
  await idle(f)
  assert.deepEqual(await ids(f), [2])
})

test('a pipe that was paused for less goes on by itself, and one without notifications always', async (t) => {
  const f = await withPipe(t)
  await f.run(pause)
  f.clock.advance(14 * dayMs)
  await f.run(resume, pause, `SELECT SYSTEM$PIPE_FORCE_RESUME('orders_pipe')`)
  assert.equal((await status(f)).executionState, 'RUNNING')
  await f.run(pipe('orders_pipe', 'orders/').replace('CREATE', 'CREATE OR REPLACE').replace('= TRUE', '= FALSE'), pause)
  f.clock.advance(20 * dayMs)
  await f.run(resume)
})
