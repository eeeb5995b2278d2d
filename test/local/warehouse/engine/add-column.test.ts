/** ALTER TABLE ... ADD COLUMN: what becomes of the rows, and of the objects that stand on the table. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFixture, parquetOf, refusal, until } from './engine-fixture.ts'

test('streams, views, pipes and tasks on the table go on, old rows show NULL or the default, also after a restart', async (t) => {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE landing (id NUMBER NOT NULL)',
    'CREATE TABLE target (id NUMBER, extra VARCHAR, n NUMBER)',
    'CREATE STREAM s ON TABLE landing APPEND_ONLY = TRUE',
    'CREATE VIEW v AS SELECT id FROM landing',
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE st URL = 's3://cdc/firn/' STORAGE_INTEGRATION = FIRN_S3`,
    `CREATE PIPE p AUTO_INGEST = TRUE AS COPY INTO landing (id) FROM (SELECT $1:id::NUMBER(38, 0) FROM @st/)
       FILE_FORMAT = (FORMAT_NAME = 'pq')`,
    `CREATE TASK k SCHEDULE = '10 SECONDS' WHEN SYSTEM$STREAM_HAS_DATA('s') AS INSERT INTO target (id) SELECT id FROM v`,
    'INSERT INTO landing VALUES (1)',
    `ALTER TABLE landing ADD COLUMN extra VARCHAR(5) COMMENT 'new', n NUMBER(5, 0) NOT NULL DEFAULT 7`,
  )
  await f.restart()
  assert.deepEqual(await f.rows('SELECT * FROM landing'), [['1', null, '7']])
  assert.deepEqual(await f.rows('SELECT id, extra, n FROM s'), [['1', null, '7']])
  assert.deepEqual(await f.rows('SELECT * FROM v'), [['1']])
  f.stage.objects.set('firn/a.parquet', await parquetOf('SELECT 2 AS id'))
  await f.queue.give({ bucket: 'cdc', key: 'firn/a.parquet', size: 1, stagedMs: 0 })
  await until(async () => (await f.rows('SELECT id FROM landing')).length === 2)
  assert.deepEqual(await f.rows('SELECT id, extra, n FROM s ORDER BY id'), [
    ['1', null, '7'],
    ['2', null, '7'],
  ])
  await f.run('EXECUTE TASK k')
  await f.engine.tasksSettled()
  assert.deepEqual(await f.rows('SELECT id FROM target ORDER BY id'), [['1'], ['2']])
  await f.run('INSERT INTO target SELECT id, extra, n FROM s')
  assert.deepEqual(await f.rows('SELECT id FROM s'), [])
  await assert.rejects(f.run(`INSERT INTO landing VALUES (3, 'sixsix', 1)`), refusal('100078'))
  await assert.rejects(f.run('INSERT INTO landing VALUES (3, NULL, NULL)'), refusal('100072'))
})

test('a default that is no constant, or does not fit, is refused and nothing is added', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE a (id NUMBER)', 'INSERT INTO a VALUES (1)')
  await assert.rejects(f.run('ALTER TABLE a ADD COLUMN b TIMESTAMP_NTZ DEFAULT SYSDATE()'), refusal('000002'))
  await assert.rejects(f.run(`ALTER TABLE a ADD COLUMN b NUMBER, c VARCHAR(1) DEFAULT 'xx'`), refusal('100078'))
  await assert.rejects(
    f.run('ALTER TABLE a ADD COLUMN b NUMBER NOT NULL DEFAULT NULL'),
    /unless it has a non-null default/,
  )
  assert.deepEqual((await f.run('SELECT * FROM a')).columns.length, 1)
})

test('a default of CREATE TABLE stands where a row names no value', async (t) => {
  const f = await openFixture(t)
  await f.run(`CREATE TABLE a (id NUMBER, b VARCHAR DEFAULT 'x', d DATE DEFAULT '2026-01-02')`)
  await f.run('INSERT INTO a (id) VALUES (1)', `INSERT INTO a VALUES (2, NULL, NULL)`)
  assert.deepEqual(await f.rows('SELECT id, b, d::VARCHAR FROM a ORDER BY id'), [
    ['1', 'x', '2026-01-02'],
    ['2', null, null],
  ])
})

test('a table that is empty takes a NOT NULL column, and rows keep their numbers', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE a (id NUMBER)', 'CREATE STREAM s ON TABLE a APPEND_ONLY = TRUE')
  await f.run('ALTER TABLE a ADD COLUMN b NUMBER NOT NULL')
  await assert.rejects(f.run('INSERT INTO a (id) VALUES (1)'), refusal('100072'))
  await f.run(
    'INSERT INTO a VALUES (1, 1)',
    `ALTER TABLE a ADD COLUMN c VARCHAR NOT NULL DEFAULT 'y'`,
    'INSERT INTO a (id, b) VALUES (2, 2)',
  )
  assert.deepEqual(await f.rows('SELECT id, c FROM s ORDER BY id'), [
    ['1', 'y'],
    ['2', 'y'],
  ])
})
