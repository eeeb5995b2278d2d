import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identifier, stemOf } from '../../src/identifier.ts'
import { sharedNames, tableNames, topicNames } from '../../src/warehouse/names.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { exampleConfig } from '../support/config.ts'

const warehouse = warehouseOf(exampleConfig())

test('a name is quoted only where Snowflake would read it as another, or not at all', () => {
  for (const bare of ['CUSTOMERS', '_X', 'A1$', 'STAGE']) assert.equal(identifier(bare), bare)
  for (const other of ['customers', 'Mixed', '1A', 'A B', 'A-B', 'ORDER', 'TABLE', 'ÄPFEL', '$A']) {
    assert.equal(identifier(other), `"${other}"`)
  }
  assert.equal(identifier('A"B'), '"A""B"')
})

test("what Firn's own objects begin with is a bare name, whatever the topic is called", () => {
  assert.equal(stemOf('shop.customers'), 'SHOP_CUSTOMERS')
  assert.equal(stemOf('2024-orders'), '_2024_ORDERS')
  assert.equal(stemOf('S.Straße'), 'S_STRASSE')
  assert.equal(identifier(stemOf('größe.x')), stemOf('größe.x'))
})

test('a topic has a landing table and a pipe, a table all that the merge needs', () => {
  assert.equal(sharedNames(warehouse).stage.sql, 'CDC.FIRN.STAGE')
  assert.deepEqual(topicNames(warehouse, 'shop.customers'), {
    landing: { bare: 'SHOP_CUSTOMERS_LANDING', sql: 'CDC.FIRN.SHOP_CUSTOMERS_LANDING' },
    pipe: { bare: 'SHOP_CUSTOMERS_PIPE_2', sql: 'CDC.FIRN.SHOP_CUSTOMERS_PIPE_2' },
    formerPipe: { bare: 'SHOP_CUSTOMERS_PIPE', sql: 'CDC.FIRN.SHOP_CUSTOMERS_PIPE' },
  })
  assert.deepEqual(tableNames(warehouse, { table: 'SHOP.CUSTOMERS' }), {
    stream: { bare: 'SHOP_CUSTOMERS_STREAM', sql: 'CDC.FIRN.SHOP_CUSTOMERS_STREAM' },
    tombstones: { bare: 'SHOP_CUSTOMERS_TOMBSTONES', sql: 'CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES' },
    task: { bare: 'SHOP_CUSTOMERS_MERGE', sql: 'CDC.FIRN.SHOP_CUSTOMERS_MERGE' },
    rejects: { bare: 'SHOP_CUSTOMERS_REJECTS', sql: 'CDC.FIRN.SHOP_CUSTOMERS_REJECTS' },
    retention: { bare: 'SHOP_CUSTOMERS_RETENTION', sql: 'CDC.FIRN.SHOP_CUSTOMERS_RETENTION' },
    targetSchema: 'CDC.SHOP',
    target: 'CDC.SHOP.CUSTOMERS',
    history: 'CDC.SHOP.CUSTOMERS_HISTORY',
    live: 'CDC.SHOP.CUSTOMERS_LIVE',
  })
})

test('names are taken as written', () => {
  const names = tableNames({ ...warehouse, database: 'cdc' }, { table: 'Shop.order items' })
  assert.equal(names.target, '"cdc"."Shop"."order items"')
  assert.equal(names.stream.sql, '"cdc".FIRN.SHOP_ORDER_ITEMS_STREAM')
})
