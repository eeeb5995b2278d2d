/** Which files a pipe loads, how often, and what becomes of one that it cannot load. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../../src/failure.ts'
import { readNotification } from '../../../../src/local/warehouse/engine/event-queue.ts'
import { openFixture, parquetOf, refusal, until } from './engine-fixture.ts'
import { announce, arrive, good, history, idle, ids, pipe, status, withPipe } from './pipe-fixture.ts'

test('an announced file is loaded with its name, row numbers and time of loading', async (t) => {
  const f = await withPipe(t)
  await arrive(f, 'firn/orders/e1/a.parquet', await parquetOf(`SELECT i AS id, 'n' || i AS name FROM range(2) r(i)`))
  await idle(f)
  assert.deepEqual(await f.rows('SELECT * FROM orders ORDER BY id'), [
    ['0', 'n0', 'firn/orders/e1/a.parquet', '0', '1767225600.000000000'],
    ['1', 'n1', 'firn/orders/e1/a.parquet', '1', '1767225600.000000000'],
  ])
  assert.deepEqual(await history(f), [['orders/e1/a.parquet', 'Loaded', '2', null]])
})

test('METADATA$FILE_LAST_MODIFIED is the time of the object, not that of its notification', async (t) => {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE seen (id NUMBER, changed TIMESTAMP_NTZ)',
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE st URL = 's3://cdc/firn/' STORAGE_INTEGRATION = FIRN_S3`,
    `CREATE PIPE p AUTO_INGEST = TRUE AS COPY INTO seen (id, changed)
       FROM (SELECT $1:id::NUMBER(38, 0), METADATA$FILE_LAST_MODIFIED FROM @st/) FILE_FORMAT = (FORMAT_NAME = 'pq')`,
  )
  f.stage.ageMs = 3600_000
  await arrive(f, 'firn/a.parquet', await good(1))
  await until(async () => (await f.rows('SELECT * FROM seen')).length === 1)
  assert.deepEqual(await f.rows('SELECT changed::VARCHAR FROM seen'), [['2025-12-31 23:00:00.000']])
})

test('a name is loaded once, however often it is announced or refreshed, also after a restart', async (t) => {
  const f = await withPipe(t, { duplicate: true })
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  await announce(f, 'firn/orders/a.parquet')
  await idle(f)
  await f.restart()
  f.stage.objects.set('firn/orders/a.parquet', await good(2))
  await announce(f, 'firn/orders/a.parquet')
  assert.deepEqual((await f.run('ALTER PIPE orders_pipe REFRESH')).rows, [])
  await arrive(f, 'firn/orders/b.parquet', await good(3))
  await idle(f)
  assert.deepEqual(await ids(f), [1, 3])
})

test('a pipe takes what lies under its stage and path, and each pipe that matches takes it', async (t) => {
  const f = await withPipe(t)
  await f.run(pipe('wider', 'ord'))
  for (const key of ['firn/orders/a.parquet', 'firn/orders_old/b.parquet', 'other/orders/c.parquet']) {
    await arrive(f, key, await good(key.length))
  }
  const rows = () => f.rows('SELECT file FROM orders ORDER BY file')
  await until(async () => (await rows()).length === 3)
  assert.deepEqual(await rows(), [['firn/orders/a.parquet'], ['firn/orders/a.parquet'], ['firn/orders_old/b.parquet']])
})

test('a file that cannot be loaded is skipped whole and recorded; its neighbours are loaded', async (t) => {
  const f = await withPipe(t)
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ['cast', await parquetOf(`SELECT * FROM (VALUES ('1', 'ok'), ('x', 'no')) r(id, name)`)],
    ['garbage', new TextEncoder().encode('this is no Parquet file')],
    ['harmed', (await parquetOf('SELECT i AS id FROM range(1000) r(i)')).fill(0xff, 4, 200)],
    ['long', await parquetOf(`SELECT 1 AS id, 'sixsix' AS name`)],
    ['null', await parquetOf(`SELECT * FROM (VALUES (5, 'a'), (NULL, 'b')) r(id, name)`)],
  ]
  for (const [name, body] of bad) await arrive(f, `firn/orders/${name}.parquet`, body)
  await announce(f, 'firn/orders/missing.parquet')
  await arrive(f, 'firn/orders/ok.parquet', await good(7))
  await idle(f)
  assert.deepEqual(await ids(f), [7])
  const rows = await history(f)
  assert.deepEqual(
    rows.map(([file, state, count]) => [file, state, count]),
    [
      ['orders/cast.parquet', 'Load failed', '0'],
      ['orders/garbage.parquet', 'Load failed', '0'],
      ['orders/harmed.parquet', 'Load failed', '0'],
      ['orders/long.parquet', 'Load failed', '0'],
      ['orders/missing.parquet', 'Load failed', '0'],
      ['orders/null.parquet', 'Load failed', '0'],
      ['orders/ok.parquet', 'Loaded', '1'],
    ],
  )
  const errors = new Map(rows.map(([file, , , error]) => [file, error ?? '']))
  assert.match(errors.get('orders/long.parquet') ?? '', /too long/)
  assert.match(errors.get('orders/null.parquet') ?? '', /non-nullable column: ID/)
  assert.match(errors.get('orders/missing.parquet') ?? '', /not found/)
})

test('while the object store is away files wait, and are loaded when it is back', async (t) => {
  const f = await withPipe(t)
  f.stage.failing = new Failure('STAGE_UNREACHABLE', 'no answer')
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  await assert.rejects(f.run('ALTER PIPE orders_pipe REFRESH'), refusal('091003'))
  assert.equal((await status(f)).pendingFileCount, 1)
  f.stage.failing = null
  await idle(f)
  assert.deepEqual([await ids(f), (await history(f)).length], [[1], 1])
})

test('a paused pipe notes files and loads them when it goes on', async (t) => {
  const f = await withPipe(t)
  await f.run('ALTER PIPE orders_pipe SET PIPE_EXECUTION_PAUSED = TRUE')
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  assert.deepEqual([(await status(f)).executionState, (await status(f)).pendingFileCount], ['PAUSED', 1])
  await f.restart()
  assert.deepEqual(await ids(f), [])
  await f.run('ALTER PIPE orders_pipe SET PIPE_EXECUTION_PAUSED = FALSE')
  await idle(f)
  assert.deepEqual(await ids(f), [1])
})

test('REFRESH queues what was never announced, of the last seven days and under its prefix', async (t) => {
  const f = await withPipe(t)
  f.stage.objects.set('firn/orders/new/a.parquet', await good(1))
  f.stage.objects.set('firn/orders/b.parquet', await good(2))
  assert.deepEqual((await f.run(`ALTER PIPE orders_pipe REFRESH PREFIX = 'new/'`)).rows, [
    ['orders/new/a.parquet', 'SENT'],
  ])
  await idle(f)
  assert.deepEqual(await ids(f), [1])
  f.stage.ageMs = 8 * 24 * 3600 * 1000
  assert.deepEqual((await f.run('ALTER PIPE orders_pipe REFRESH')).rows, [])
  f.stage.ageMs = 0
  assert.equal((await f.run('ALTER PIPE orders_pipe REFRESH')).rows.length, 1)
})

test('REFRESH looks back as far as MODIFIED_AFTER, and leaves out what a COPY has loaded into the table', async (t) => {
  const f = await withPipe(t)
  f.stage.objects.set('firn/orders/a.parquet', await good(1))
  f.stage.objects.set('firn/orders/b.parquet', await good(2))
  f.stage.ageMs = 3600_000
  const refresh = async (options: string) => (await f.run(`ALTER PIPE orders_pipe REFRESH ${options}`)).rows
  assert.deepEqual(await refresh(`MODIFIED_AFTER = '2025-12-31T23:30:00Z'`), [])
  await f.run(`COPY INTO orders (id) FROM (SELECT $1:id::NUMBER(38, 0) FROM @st/orders/) FILES = ('a.parquet')
    FILE_FORMAT = (FORMAT_NAME = 'pq')`)
  assert.deepEqual(await refresh(`PREFIX = '' MODIFIED_AFTER = '2025-12-31T14:30:00-0800'`), [
    ['orders/b.parquet', 'SENT'],
  ])
  assert.deepEqual(await refresh(''), [])
  await assert.rejects(refresh(`MODIFIED_AFTER = 'yesterday'`), refusal('001003'))
  await assert.rejects(f.run('ALTER PIPE no_pipe REFRESH'), refusal('002003'))
  await f.run('ALTER PIPE IF EXISTS no_pipe REFRESH', 'ALTER PIPE IF EXISTS no_pipe SET PIPE_EXECUTION_PAUSED = TRUE')
})

test('a pipe that is made anew has forgotten what it loaded', async (t) => {
  const f = await withPipe(t)
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  await idle(f)
  await f.run(pipe('orders_pipe', 'orders/').replace('CREATE', 'CREATE OR REPLACE'), 'ALTER PIPE orders_pipe REFRESH')
  await idle(f)
  assert.deepEqual(await ids(f), [1, 1])
})

test('names are forgotten after 14 days', async (t) => {
  const f = await withPipe(t)
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  await idle(f)
  f.clock.advance(15 * 24 * 3600 * 1000)
  await arrive(f, 'firn/orders/b.parquet', await good(2))
  await idle(f)
  await announce(f, 'firn/orders/a.parquet')
  await idle(f)
  assert.deepEqual(await ids(f), [1, 1, 2])
})

test('a pipe whose parts are not there is refused', async (t) => {
  const f = await withPipe(t)
  const copy = (into: string, from: string) =>
    `CREATE PIPE p AUTO_INGEST = TRUE AS COPY INTO ${into} FROM (SELECT $1:id::NUMBER(38, 0) FROM @${from}/x/) FILE_FORMAT = (FORMAT_NAME = 'DB.PUBLIC.PQ')`
  await assert.rejects(f.run(copy('nowhere (id)', 'st')), refusal('002003'))
  await assert.rejects(f.run(copy('orders (nothing)', 'st')), refusal('000904'))
  await assert.rejects(f.run(copy('orders (id)', 'no_stage')), refusal('002003'))
  await assert.rejects(f.run(`CREATE STAGE g URL = 'gcs://cdc/' STORAGE_INTEGRATION = FIRN_S3`), refusal('001003'))
})

test('notifications announce the files that were created, and nothing else', () => {
  const record = (eventName: string, key: string) => ({
    eventName,
    eventTime: '2026-01-01T00:00:00.000Z',
    s3: { bucket: { name: 'cdc' }, object: { key, size: 3 } },
  })
  const read = (value: unknown) => readNotification(JSON.stringify(value)).map(({ key }) => key)
  assert.deepEqual(
    read({ Records: [record('s3:ObjectCreated:Put', 'a+b%2Fc'), record('ObjectRemoved:Delete', 'd')] }),
    ['a b/c'],
  )
  assert.deepEqual(read({ Records: [record('ObjectCreated:Copy', '100%')] }), ['100%'])
  assert.deepEqual(read({ Event: 's3:TestEvent' }), [])
  assert.deepEqual(read({ Records: [null, 1, { s3: 'x' }] }), [])
  assert.deepEqual(readNotification('{'), [])
  assert.deepEqual(readNotification('null'), [])
})
