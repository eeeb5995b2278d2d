/**
 * A configuration for tests, by way of the real schema.
 */
import assert from 'node:assert/strict'
import { checkSchema, type Config, type TableConfig } from '../../src/config.ts'

/** Sections given here replace those of a small working configuration. */
export function exampleConfig(sections: Readonly<Record<string, unknown>> = {}): Config {
  const outcome = checkSchema({
    kafka: { brokers: ['localhost:9092'] },
    stage: { bucket: 'cdc' },
    warehouse: {
      account: 'xy12345.eu-west-1',
      user: 'FIRN_OWNER',
      privateKeyFile: '/secrets/rsa_key.p8',
      storageIntegration: 'FIRN_S3',
      warehouse: 'FIRN_WH',
    },
    tables: [
      { topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'] },
      { topic: 'shop.orders', table: 'SHOP.ORDERS', key: ['id'] },
    ],
    ...sections,
  })
  assert.ok('config' in outcome, JSON.stringify(outcome))
  return outcome.config
}

/** One table of it, as the schema fills it in. */
export function exampleTable(settings: Readonly<Record<string, unknown>>): TableConfig {
  const [table] = exampleConfig({ tables: [{ topic: 't', table: 'S.T', key: ['id'], ...settings }] }).tables
  assert.ok(table)
  return table
}
