/** What a session may set, where the documentation of Snowflake is silent: refused by name, or as said here. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFixture, refusal } from './engine-fixture.ts'

test('without AUTOCOMMIT a statement that fails leaves the transaction open, with what was written before', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER(3, 0))', 'ALTER SESSION SET AUTOCOMMIT = FALSE', 'INSERT INTO t VALUES (1)')
  await assert.rejects(f.run('INSERT INTO t VALUES (12345)'))
  await f.run('INSERT INTO t VALUES (2)', 'COMMIT', 'INSERT INTO t VALUES (3)', 'ROLLBACK')
  assert.deepEqual(await f.rows('SELECT id FROM t ORDER BY id'), [['1'], ['2']])
})

test('without AUTOCOMMIT a session that ends takes back what it has not committed', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'ALTER SESSION SET AUTOCOMMIT = FALSE', 'INSERT INTO t VALUES (1)')
  await f.restart()
  assert.deepEqual(await f.rows('SELECT id FROM t'), [])
})

test('AUTOCOMMIT that is set to what it was commits nothing', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'BEGIN', 'INSERT INTO t VALUES (1)', 'ALTER SESSION SET AUTOCOMMIT = TRUE')
  await f.run('ROLLBACK')
  assert.deepEqual(await f.rows('SELECT id FROM t'), [])
})

test('a block while AUTOCOMMIT is off is refused by name', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'ALTER SESSION SET AUTOCOMMIT = FALSE')
  await assert.rejects(f.run('EXECUTE IMMEDIATE $$ BEGIN INSERT INTO t VALUES (1); END $$'), refusal('000002'))
  await assert.rejects(f.run('BEGIN INSERT INTO t VALUES (1); END'), refusal('000002'))
})

test('IDENTIFIER is known in USE alone, of a string alone, and has no more parts than the name', async (t) => {
  const f = await openFixture(t)
  await f.run('USE SCHEMA IDENTIFIER($$DB.PUBLIC$$)')
  for (const sql of [
    `USE ROLE IDENTIFIER('A.B')`,
    `USE SCHEMA IDENTIFIER('A.B.C')`,
    `USE SCHEMA IDENTIFIER('')`,
    `USE SCHEMA IDENTIFIER(?)`,
    `USE SCHEMA IDENTIFIER('DB', 'PUBLIC')`,
    `DROP TABLE IDENTIFIER('T')`,
  ]) {
    await assert.rejects(f.run(sql), refusal('001003'), sql)
  }
  // A bare word is a name like any other.
  await assert.rejects(f.run('USE SCHEMA identifier'), refusal('002003'))
})
