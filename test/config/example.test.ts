import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config-source.ts'

test('the example that deploy/ offers is a configuration that Firn takes', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'firn-example-'))
  t.after(() => rm(dir, { recursive: true }))
  await writeFile(join(dir, 'ca.pem'), 'a certificate')
  const example = await readFile(new URL('../../deploy/firn.example.yaml', import.meta.url), 'utf8')
  const file = join(dir, 'firn.yaml')
  await writeFile(file, example.replace('/secrets/kafka-ca.pem', join(dir, 'ca.pem')))
  const config = loadConfig({ file, env: { KAFKA_PASSWORD: 'of the environment' } })
  const login = { mechanism: 'scram-sha-512', username: 'firn', password: 'of the environment' }
  assert.deepEqual(config.kafka.sasl, login)
  assert.equal(config.kafka.ca, 'a certificate')
  assert.deepEqual(
    config.tables.map(({ table }) => table),
    ['SHOP.CUSTOMERS', 'SHOP.ORDERS', 'SHOP.ORDERS_ALL'],
  )
})
