/** COPY INTO as a statement: what it loads again, what it forgets, and that all of it or nothing is there. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Failure } from '../../../../src/failure.ts'
import { type Fixture, openFixture, parquetOf, refusal, until } from './engine-fixture.ts'

const dayMs = 24 * 3600 * 1000
const from = '(SELECT $1:id::NUMBER(38, 0) FROM @st/in/)'
const format = `FILE_FORMAT = (FORMAT_NAME = 'pq')`
const copy = (options = ''): string => `COPY INTO t (id) FROM ${from} ${options} ${format}`

async function withStage(t: Parameters<typeof openFixture>[0]): Promise<Fixture> {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE t (id NUMBER NOT NULL)',
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE st URL = 's3://cdc/firn/' STORAGE_INTEGRATION = FIRN_S3`,
  )
  for (const id of [1, 2])
    f.stage.objects.set(`firn/in/${String(id)}.parquet`, await parquetOf(`SELECT ${String(id)} AS id`))
  return f
}

const ids = async (f: Fixture) => (await f.rows('SELECT id FROM t ORDER BY id')).map(([id]) => Number(id))
const bad = () => parquetOf('SELECT NULL AS id')

test('what a COPY loaded is skipped for 64 days, unless its content is another; FORCE loads it again', async (t) => {
  const f = await withStage(t)
  assert.equal((await f.run(copy())).rows.length, 2)
  await f.restart()
  assert.deepEqual((await f.run(copy())).rows, [['Copy executed with 0 files processed.']])
  f.stage.objects.set('firn/in/2.parquet', await parquetOf('SELECT 3 AS id'))
  assert.deepEqual(
    (await f.run(copy())).rows.map(([file]) => file),
    ['s3://cdc/firn/in/2.parquet'],
  )
  await f.run(copy('FORCE = TRUE'))
  assert.deepEqual(await ids(f), [1, 1, 2, 3, 3])
  f.clock.advance(65 * dayMs)
  await f.run(copy())
  assert.deepEqual(await ids(f), [1, 1, 1, 2, 3, 3, 3])
})

test('a file as old as the load metadata may have been loaded, and is skipped', async (t) => {
  const f = await withStage(t)
  await f.run(copy())
  f.clock.advance(65 * dayMs)
  f.stage.ageMs = 65 * dayMs
  assert.deepEqual((await f.run(copy())).rows, [['Copy executed with 0 files processed.']])
  await f.run(copy('FORCE = TRUE'))
  assert.deepEqual(await ids(f), [1, 1, 2, 2])
})

test('TRUNCATE forgets what was loaded', async (t) => {
  const f = await withStage(t)
  await f.run(copy(), 'TRUNCATE TABLE t', copy())
  assert.deepEqual(await ids(f), [1, 2])
})

test('pipes and COPY statements each have a history of their own', async (t) => {
  const f = await withStage(t)
  await f.run(`CREATE PIPE p AUTO_INGEST = TRUE AS COPY INTO t (id) FROM ${from} ${format}`)
  const announce = (key: string) => f.queue.give({ bucket: 'cdc', key, size: 1, stagedMs: 0 })
  await announce('firn/in/1.parquet')
  await until(async () => (await ids(f)).length === 1)
  await f.run(copy())
  assert.deepEqual(await ids(f), [1, 1, 2])
  await announce('firn/in/2.parquet')
  await until(async () => (await ids(f)).length === 4)
  assert.deepEqual(
    await f.rows(`SELECT file_name, pipe_name, pipe_received_time IS NULL FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(
      TABLE_NAME => 'T', START_TIME => '2020-01-01'::TIMESTAMP_LTZ)) ORDER BY file_name, pipe_name`),
    [
      ['in/1.parquet', 'P', '0'],
      ['in/1.parquet', null, '1'],
      ['in/2.parquet', 'P', '0'],
      ['in/2.parquet', null, '1'],
    ],
  )
})

test('a file at fault keeps all of them out, and nothing is remembered of them', async (t) => {
  const f = await withStage(t)
  f.stage.objects.set('firn/in/3.parquet', await bad())
  await assert.rejects(f.run(copy()), refusal('100072'))
  assert.deepEqual(await ids(f), [])
  f.stage.objects.delete('firn/in/3.parquet')
  assert.equal((await f.run(copy())).rows.length, 2)
})

test('in a transaction a COPY that fails undoes itself alone, and a rollback undoes what it remembered', async (t) => {
  const f = await withStage(t)
  await f.run('BEGIN', 'INSERT INTO t VALUES (9)')
  f.stage.objects.set('firn/in/3.parquet', await bad())
  await assert.rejects(f.run(copy()), refusal('100072'))
  assert.deepEqual(await ids(f), [9])
  // A bad file among good ones: what was loaded before it is read again.
  await f.run(copy('ON_ERROR = SKIP_FILE'), 'COMMIT')
  assert.deepEqual(await ids(f), [1, 2, 9])
  assert.deepEqual((await readdir(join(f.dir, 'load'))).length, 0)
  await f.run('BEGIN', copy('FORCE = TRUE ON_ERROR = SKIP_FILE'), 'ROLLBACK', 'TRUNCATE TABLE t', 'BEGIN')
  await f.run(copy('ON_ERROR = SKIP_FILE'), 'ROLLBACK', copy('ON_ERROR = SKIP_FILE'))
  assert.deepEqual(await ids(f), [1, 2])
})

test('what a COPY loads is in the streams of its table', async (t) => {
  const f = await withStage(t)
  await f.run('CREATE STREAM s ON TABLE t APPEND_ONLY = TRUE', copy())
  assert.deepEqual(await f.rows('SELECT id FROM s ORDER BY id'), [['1'], ['2']])
})

test('an array bind that fails in a transaction leaves none of its rows', async (t) => {
  const f = await withStage(t)
  await f.run('BEGIN', 'INSERT INTO t VALUES (9)')
  const binds = { 1: { type: 'FIXED', value: ['1', null] } }
  await assert.rejects(f.session.execute('INSERT INTO t VALUES (?)', binds, ''), refusal('100072'))
  await f.run('COMMIT')
  assert.deepEqual(await ids(f), [9])
})

test('a store that is away fails the statement', async (t) => {
  const f = await withStage(t)
  f.stage.failing = new Failure('STAGE_UNREACHABLE', 'no answer')
  await assert.rejects(f.run(copy()), refusal('091003'))
  await assert.rejects(f.run(copy(`FILES = ('1.parquet')`)), refusal('091003'))
})

test('FILES takes up to 1000 names', async (t) => {
  const f = await withStage(t)
  const names = Array.from({ length: 1001 }, (_, i) => `'${String(i)}'`)
  await assert.rejects(f.run(copy(`FILES = (${names.join(', ')})`)), refusal('001003'))
  await assert.rejects(f.run(copy(`FILES = (${names.slice(1).join(', ')})`)), refusal('091016'))
})

test('a stage whose integration is gone gives no files', async (t) => {
  const f = await withStage(t)
  await f.run('DROP INTEGRATION FIRN_S3')
  await assert.rejects(f.run(copy()), /Integration 'FIRN_S3' does not exist/)
  assert.deepEqual(await ids(f), [])
})
