/** INFORMATION_SCHEMA beyond what the contract says: which views there are, and what is inside the transaction. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFixture, refusal } from './engine-fixture.ts'

test('it lists one database, and knows when each table was made', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'CREATE DATABASE other', 'CREATE TABLE other.public.u (id NUMBER)')
  const tables = (database: string) =>
    f.rows(`SELECT table_schema, table_name, created FROM ${database}.INFORMATION_SCHEMA.TABLES`)
  const atMs = `${String(f.clock.nowMs() / 1000)}.000000000`
  assert.deepEqual(await tables('db'), [['PUBLIC', 'T', atMs]])
  assert.deepEqual(await tables('other'), [['PUBLIC', 'U', atMs]])
  // Where the session is.
  assert.deepEqual(await f.rows('SELECT table_name FROM INFORMATION_SCHEMA.TABLES'), [['U']])
})

test('without any table it has the columns all the same', async (t) => {
  const f = await openFixture(t)
  const { columns, rows } = await f.run('SELECT created, table_name FROM INFORMATION_SCHEMA.TABLES')
  assert.deepEqual(
    columns.map(({ name, type }) => [name, type.kind]),
    [
      ['CREATED', 'timestamp_ltz'],
      ['TABLE_NAME', 'varchar'],
    ],
  )
  assert.deepEqual(rows, [])
})

test('what it does not have is refused by name, and nothing can be written to it', async (t) => {
  const f = await openFixture(t)
  await assert.rejects(f.run('SELECT * FROM INFORMATION_SCHEMA.COLUMNS'), refusal('000002'))
  await assert.rejects(f.run('SELECT is_transient FROM INFORMATION_SCHEMA.TABLES'), refusal('000904'))
  await assert.rejects(f.run(`DELETE FROM INFORMATION_SCHEMA.TABLES`), refusal('002003'))
})
