/** Where the numbers of rows go on after a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCatalogTables } from '../../../../src/local/warehouse/engine/catalog-schema.ts'
import { lastSequence, restoreSequence } from '../../../../src/local/warehouse/engine/row-sequence.ts'
import { openStore } from '../../../../src/local/warehouse/engine/store.ts'

test('the last number is that of the greatest row or offset there is, and all new ones are greater', async (t) => {
  const store = await openStore(':memory:', [])
  const connection = await store.connect()
  t.after(() => {
    connection.close()
    store.close()
  })
  await createCatalogTables(connection, 'ACCOUNTADMIN')
  assert.equal(await restoreSequence(connection, []), 0n)
  await connection.run('CREATE TABLE _tables.t1 AS SELECT 700 AS "$sequence"')
  assert.equal(await restoreSequence(connection, [1]), 700n)
  assert.ok((await lastSequence(connection)) >= 700n)
  await connection.run('INSERT INTO _catalog.stream_offsets (stream_id, position) VALUES (1, 9000)')
  assert.equal(await restoreSequence(connection, [1]), 9000n)
  const { rows } = await connection.run(`SELECT nextval('_catalog.rows')`)
  assert.ok(BigInt(rows[0]?.[0] ?? 0) > 9000n)
})
