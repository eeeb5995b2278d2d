/** What a session can rely on: results, transactions, names, refusals. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SqlError } from '../../../../src/local/warehouse/sql/statement.ts'
import { openFixture, refusal } from './engine-fixture.ts'

test('what was committed is there after a restart', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER NOT NULL, data VARIANT)', `INSERT INTO t SELECT 1, PARSE_JSON('{"a": 1}')`)
  await f.restart()
  assert.deepEqual(await f.rows('SELECT * FROM t'), [['1', '{"a":1}']])
})

test('a DML answers with its counts, a DDL with its status', async (t) => {
  const f = await openFixture(t)
  const created = await f.run('CREATE TABLE t (id NUMBER)')
  assert.deepEqual(
    [created.kind, created.columns[0]?.name, created.rows],
    ['ddl', 'status', [['Table T successfully created.']]],
  )
  const again = await f.run('CREATE TABLE IF NOT EXISTS t (id NUMBER)')
  assert.deepEqual(again.rows, [['T already exists, statement succeeded.']])
  const inserted = await f.run('INSERT INTO t VALUES (1), (2), (3)')
  assert.deepEqual(
    [inserted.kind, inserted.columns[0]?.name, inserted.rows],
    ['insert', 'number of rows inserted', [['3']]],
  )
  assert.deepEqual((await f.run('UPDATE t SET id = id + 10 WHERE id > 1')).rows, [['2', '0']])
  assert.deepEqual((await f.run('DELETE FROM t WHERE id = 12')).rows, [['1']])
  const merged = await f.run(
    `MERGE INTO t USING (SELECT 1 AS id UNION ALL SELECT 5 UNION ALL SELECT 13) s ON t.id = s.id
     WHEN MATCHED AND t.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET id = 99 WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)`,
  )
  assert.deepEqual(
    merged.columns.map(({ name }) => name),
    ['number of rows inserted', 'number of rows updated', 'number of rows deleted'],
  )
  assert.deepEqual(merged.rows, [['1', '1', '1']])
  assert.deepEqual(await f.rows('SELECT id FROM t ORDER BY id'), [['5'], ['99']])
})

test('values leave as the protocol writes them', async (t) => {
  const f = await openFixture(t)
  const [row] = await f.rows(
    `SELECT 12345678901234567890123456789012345678, 1.50::NUMBER(10,2), TRUE, NULL, 'a', '2024-10-03'::DATE,
     '2024-10-03 12:00:00.123456'::TIMESTAMP_NTZ, '1969-12-31 23:59:59.5'::TIMESTAMP_NTZ, 1.5::FLOAT`,
  )
  assert.deepEqual(row, [
    '12345678901234567890123456789012345678',
    '1.50',
    '1',
    null,
    'a',
    '19999',
    '1727956800.123456000',
    '-0.500000000',
    '1.5',
  ])
})

test('binds are values, never text of the statement; a bind of columns runs once a row', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER(38, 0), name VARCHAR)')
  const text = (value: string | null) => ({ type: 'TEXT', value })
  await f.session.execute(
    'INSERT INTO t SELECT ?, ?',
    { 1: { type: 'FIXED', value: '99999999999999999999' }, 2: text("o'clock; DROP TABLE t") },
    '',
  )
  await f.session.execute(
    'INSERT INTO t VALUES (?, ?)',
    { 1: { type: 'FIXED', value: ['1', '2'] }, 2: { type: 'TEXT', value: ['x', null] } },
    '',
  )
  assert.deepEqual(await f.rows('SELECT * FROM t ORDER BY id'), [
    ['1', 'x'],
    ['2', null],
    ['99999999999999999999', "o'clock; DROP TABLE t"],
  ])
  await assert.rejects(f.session.execute('SELECT ?', {}, ''), SqlError)
})

test('other sessions see a transaction when it is committed, and nothing of one that is rolled back', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'BEGIN', 'INSERT INTO t VALUES (1)')
  const other = await f.open()
  t.after(() => other.close())
  const seen = async () => (await other.execute('SELECT COUNT(*) FROM t', {}, '')).rows[0]?.[0]
  assert.equal(await seen(), '0')
  await f.run('COMMIT')
  assert.equal(await seen(), '1')
  await f.run('BEGIN TRANSACTION', 'INSERT INTO t VALUES (2)', 'ROLLBACK')
  assert.equal(await seen(), '1')
})

test('a statement that fails inside a transaction undoes itself alone', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER NOT NULL)', 'BEGIN', 'INSERT INTO t VALUES (1)')
  await assert.rejects(f.run('INSERT INTO t SELECT NULL'), refusal('100072'))
  await assert.rejects(f.run('INSERT INTO t VALUES (2), (NULL)'), refusal('100072'))
  await f.run('INSERT INTO t VALUES (3)')
  assert.deepEqual(await f.rows('SELECT id FROM t ORDER BY id'), [['1'], ['3']])
  await assert.rejects(f.run('INSERT INTO t VALUES (NULL)'), refusal('100072'))
  await f.run('COMMIT')
  assert.deepEqual(await f.rows('SELECT id FROM t ORDER BY id'), [['1'], ['3']])
})

test('a transaction that starts to write after another one has committed builds on what that one wrote', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'INSERT INTO t VALUES (1)', 'BEGIN', 'SELECT * FROM t')
  const other = await f.open()
  t.after(() => other.close())
  await other.execute('UPDATE t SET id = id + 1', {}, '')
  await f.run('UPDATE t SET id = id * 10', 'COMMIT')
  assert.deepEqual(await f.rows('SELECT id FROM t'), [['20']])
})

test('writers take turns: no update is lost', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'INSERT INTO t VALUES (0)')
  const sessions = await Promise.all(Array.from({ length: 8 }, () => f.open()))
  await Promise.all(sessions.map((session) => session.execute('UPDATE t SET id = id + 1', {}, '')))
  for (const session of sessions) await session.close()
  assert.deepEqual(await f.rows('SELECT id FROM t'), [['8']])
})

test('a DDL commits the open transaction first', async (t) => {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE t (id NUMBER)',
    'BEGIN',
    'INSERT INTO t VALUES (1)',
    'CREATE TABLE u (id NUMBER)',
    'ROLLBACK',
  )
  assert.deepEqual(await f.rows('SELECT id FROM t'), [['1']])
})

test('names keep their case in quotes, and tables that differ in it are two', async (t) => {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE "select" ("from" NUMBER, "Größe ""x""" VARCHAR)',
    'CREATE TABLE "Select" (a NUMBER)',
    `INSERT INTO "select" VALUES (1, 'g')`,
    'INSERT INTO "Select" VALUES (2)',
  )
  const result = await f.run('SELECT * FROM DB.PUBLIC."select"')
  assert.deepEqual(
    result.columns.map(({ name }) => name),
    ['from', 'Größe "x"'],
  )
  assert.deepEqual(await f.rows('SELECT A FROM "Select"'), [['2']])
  await assert.rejects(f.run('SELECT * FROM "SELECT"'), refusal('002003'))
  await assert.rejects(f.run('CREATE TABLE v (a NUMBER, "a" NUMBER)'), refusal('002025'))
})

test('what is not there, or there already, is refused by name', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)')
  await assert.rejects(f.run('SELECT * FROM nowhere'), /Object 'DB.PUBLIC.NOWHERE' does not exist/)
  await assert.rejects(f.run('CREATE TABLE t (id NUMBER)'), refusal('002002'))
  await assert.rejects(f.run('CREATE VIEW t AS SELECT 1 AS a'), refusal('002002'))
  await assert.rejects(f.run('DROP TABLE u'), refusal('002003'))
  assert.deepEqual((await f.run('DROP TABLE IF EXISTS u')).rows, [
    ['Drop statement executed successfully (U already dropped).'],
  ])
  await assert.rejects(f.run('CREATE TABLE no_db.s.t (id NUMBER)'), /Database 'NO_DB'/)
  await assert.rejects(f.run('USE ROLE nobody'), /Role 'NOBODY'/)
  await assert.rejects(f.run('USE WAREHOUSE none'), /Warehouse 'NONE'/)
  await assert.rejects(f.run('SELECT no_such_function(1)'), refusal('002140'))
  await assert.rejects(
    f.run(`CREATE STAGE s URL = 's3://cdc/x/' STORAGE_INTEGRATION = other_int`),
    /Integration 'OTHER_INT'/,
  )
  await assert.rejects(f.engine.openSession('FIRN', { role: 'NOBODY' }), /Role 'NOBODY'/)
  const lost = await f.engine.openSession('FIRN', {})
  await assert.rejects(lost.execute('SELECT * FROM t', {}, ''), refusal('090105'))
  await lost.close()
})

test('a view resolves its names where it was made, and follows a table that is made anew', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'CREATE VIEW v AS SELECT id + 1 AS n FROM t', 'CREATE SCHEMA other')
  await f.run('INSERT INTO db.public.t VALUES (1)')
  assert.deepEqual(await f.rows('SELECT n FROM db.public.v'), [['2']])
  await f.run('CREATE OR REPLACE TABLE db.public.t (id NUMBER)')
  assert.deepEqual(await f.rows('SELECT n FROM db.public.v'), [])
  await assert.rejects(f.run('CREATE VIEW w AS SELECT nothing FROM db.public.t'), refusal('000904'))
})

test('dropping a database drops what lies in it', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'DROP DATABASE db', 'CREATE DATABASE db')
  assert.deepEqual(await f.rows('SHOW TABLES IN ACCOUNT'), [])
  await f.run('CREATE TABLE t (id NUMBER)')
  assert.deepEqual(await f.rows('SELECT * FROM t'), [])
})

test('SHOW lists what there is where it looks, under lower-case names', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE orders (id NUMBER)', `CREATE TABLE customers (id NUMBER) COMMENT = 'people'`)
  await f.run('CREATE SCHEMA other', 'CREATE TABLE orders (id NUMBER)')
  const names = async (sql: string) => {
    const { columns, rows } = await f.run(sql)
    const at = columns.findIndex(({ name }) => name === 'name')
    return rows.map((row) => row[at])
  }
  assert.deepEqual(await names('SHOW TABLES'), ['ORDERS'])
  assert.deepEqual(await names('SHOW TABLES IN DATABASE db'), ['ORDERS', 'CUSTOMERS', 'ORDERS'])
  assert.deepEqual(await names(`SHOW TABLES LIKE 'cust%' IN ACCOUNT`), ['CUSTOMERS'])
  assert.deepEqual(await names('SHOW SCHEMAS'), ['OTHER', 'PUBLIC'])
  assert.deepEqual(await names('SHOW DATABASES'), ['DB'])
  const described = await f.run('DESC TABLE public.customers')
  assert.deepEqual(described.rows[0]?.slice(0, 4), ['ID', 'NUMBER(38,0)', 'COLUMN', 'Y'])
})

test('a MERGE whose source meets a target row twice is refused', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER, n NUMBER)', 'INSERT INTO t VALUES (1, 0)')
  const merge = `MERGE INTO t USING (SELECT 1 AS id, 1 AS n UNION ALL SELECT 1, 2) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = s.n`
  await assert.rejects(f.run(merge), refusal('100090'))
  assert.deepEqual(await f.rows('SELECT n FROM t'), [['0']])
})

test('a block that fails takes back what it wrote, and says why', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER NOT NULL)')
  const handled = `BEGIN BEGIN TRANSACTION; INSERT INTO t VALUES (1); INSERT INTO t VALUES (NULL); COMMIT;
    EXCEPTION WHEN OTHER THEN ROLLBACK; RAISE; END`
  await assert.rejects(f.run(handled), refusal('100072'))
  await assert.rejects(
    f.run(
      'EXECUTE IMMEDIATE $$ BEGIN BEGIN TRANSACTION; INSERT INTO t VALUES (1); INSERT INTO t VALUES (NULL); COMMIT; END $$',
    ),
    refusal('100072'),
  )
  await assert.rejects(f.run('BEGIN BEGIN TRANSACTION; INSERT INTO t VALUES (1); END'), refusal('090232'))
  assert.deepEqual(await f.rows('SELECT * FROM t'), [])
  await f.run(
    'BEGIN BEGIN TRANSACTION; INSERT INTO t VALUES (1); COMMIT; EXCEPTION WHEN OTHER THEN ROLLBACK; RAISE; END',
  )
  await f.run('BEGIN INSERT INTO t VALUES (NULL); EXCEPTION WHEN OTHER THEN INSERT INTO t VALUES (7); END')
  assert.deepEqual(await f.rows('SELECT id FROM t ORDER BY id'), [['1'], ['7']])
})

test('too long and too wide values are refused', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (a VARCHAR(3), n NUMBER(3, 0))')
  await assert.rejects(f.run(`INSERT INTO t (a) VALUES ('abcd')`), refusal('100078'))
  await assert.rejects(f.run(`INSERT INTO t (n) VALUES (1000)`), SqlError)
  await f.run(`INSERT INTO t VALUES ('äöü', 999)`)
  await assert.rejects(f.run(`UPDATE t SET a = a || 'x'`), refusal('100078'))
})
