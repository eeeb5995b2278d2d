/**
 * A key pair is changed while the service runs: each login reads the key file anew, so that the service goes on without a restart,
 * and stages all the while.
 */
import assert from 'node:assert/strict'
import { randomBytes, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stringify } from 'yaml'
import { kafkaClient } from '../../src/kafka/client.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { type RunningWarehouse, startWarehouse, type WarehouseOptions } from '../../src/local/warehouse/start.ts'
import { storageIntegration, warehouseName, warehouseRole, warehouseRoles } from '../../src/local/warehouse-server.ts'
import { createLogger } from '../../src/telemetry.ts'
import { firn, type Running, startFirn } from '../support/firn.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const { kafka, s3 } = testStack()
const silent = createLogger({ level: 'silent' })
const topic = `rotation-${randomBytes(4).toString('hex')}`
const user = { name: 'FIRN', password: null, defaultRole: warehouseRole }

let folder: string
let privateKeyFile: string
let publicKeyFile: string
let options: WarehouseOptions
let warehouse: RunningWarehouse
let ingester: Running | null = null

/** The keys of a pair, as PEM. */
const newPair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })

/** As the kubelet renews what it mounts: whole, or not yet. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

/** What `ALTER USER ... SET RSA_PUBLIC_KEY` does on an account; this warehouse reads the key when it starts. */
async function register(publicKey: string): Promise<void> {
  await writeFile(publicKeyFile, publicKey)
  await warehouse.close()
  warehouse = await startWarehouse(options, silent)
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-rotation-'))
  privateKeyFile = join(folder, 'rsa_key.p8')
  publicKeyFile = join(folder, 'rsa_key.pub')
  const { privateKey, publicKey } = newPair()
  await Promise.all([writeFile(privateKeyFile, privateKey), writeFile(publicKeyFile, publicKey)])
  const [port = 0] = await choosePorts(1)
  options = {
    dir: join(folder, 'warehouse'),
    port,
    users: [{ ...user, publicKeyFile, roles: ['ACCOUNTADMIN', ...warehouseRoles.map(({ name }) => name)] }],
    s3,
    events: null,
    storageIntegrations: [storageIntegration],
    warehouses: [warehouseName],
    roles: warehouseRoles,
  }
  warehouse = await startWarehouse(options, silent)
  const client = { brokers: [...kafka.brokers], group: 'x', clientId: 'test', ssl: false }
  const admin = kafkaClient(client, silent).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false })
  await admin.disconnect()
})

after(async () => {
  ingester?.process.kill('SIGTERM')
  await ingester?.finished
  await warehouse.close()
  await rm(folder, { recursive: true })
})

test('a service goes on with a new key without a restart, and stays ready while none fits', async () => {
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3
  const file = join(folder, 'firn.yaml')
  const config = {
    kafka: { brokers: kafka.brokers, group: topic },
    stage: { bucket, prefix: `${topic}/`, region, endpoint, accessKeyId, secretAccessKey },
    warehouse: {
      ...{ accessUrl: `http://127.0.0.1:${options.port}`, account: 'local', user: user.name, privateKeyFile },
      ...{ role: warehouseRole, warehouse: warehouseName, storageIntegration },
    },
    audit: { every: '1s' },
    status: { listen: '127.0.0.1:0' },
    tables: [{ topic, table: 'SHOP.T', key: ['id'] }],
  }
  await writeFile(file, stringify(config))
  assert.equal((await firn(['migrate', '--config', file])).code, 0)
  const running = startFirn(['run', '--config', file])
  ingester = running
  const port = await until(
    'the status server',
    () => /"status":"port (\d+)"/.exec(running.log())?.[1] ?? '',
    (found) => found !== '',
  )
  const states = async () => {
    const answer = (await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as {
      readonly ready: boolean
      readonly warehouse: { readonly trouble: { readonly code: string } | null }
    }
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const at = Number(/^firn_audit_timestamp_seconds (\d+)/m.exec(metrics)?.[1] ?? 0)
    return { ready: answer.ready, trouble: answer.warehouse.trouble?.code ?? null, at }
  }
  const untilWell = (afterSeconds: number) =>
    until('an audit', states, ({ ready, trouble, at }) => ready && trouble === null && at > afterSeconds)

  const first = await untilWell(0)
  const next = newPair()
  await register(next.publicKey)
  const refused = await until('the refusal', states, ({ trouble }) => trouble === 'WAREHOUSE_DENIED')
  assert.equal(refused.ready, true, 'staging needs no Snowflake')
  await replace(privateKeyFile, next.privateKey)
  await untilWell(first.at)
  assert.equal(running.process.exitCode, null)
  assert.match(running.log(), /Snowflake is back/)
})
