/** What a session can rely on: transactions, names, results. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SqlError } from '../../../src/local/warehouse/statement.ts'
import { openFixture } from './engine-fixture.ts'

const refusal = (code: string) => (error: unknown) => {
  assert.ok(error instanceof SqlError, String(error))
  assert.equal(error.code, code, error.message)
  return true
}

test('what was committed is there after a restart', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER NOT NULL, data VARIANT)', `INSERT INTO t SELECT 1, PARSE_JSON('{"a": 1}')`)
  await f.restart()
  assert.deepEqual(await f.rows('SELECT * FROM t'), [['1', '{"a":1}']])
})

test('a DML answers with its count, a DDL with its status', async (t) => {
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
    'MERGE INTO t USING (SELECT 1 AS id UNION ALL SELECT 5 UNION ALL SELECT 13) s ON t.id = s.id WHEN MATCHED AND t.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET id = 99 WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)',
  )
  assert.deepEqual(
    merged.columns.map(({ name }) => name),
    ['number of rows inserted', 'number of rows updated', 'number of rows deleted'],
  )
  assert.deepEqual(merged.rows, [['1', '1', '1']])
  assert.deepEqual(await f.rows('SELECT id FROM t ORDER BY id'), [['5'], ['99']])
})
