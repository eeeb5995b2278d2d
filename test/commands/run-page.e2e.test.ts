/**
 * The status page of a real `firn run`, with a real Kafka, S3 server and the development warehouse: it says what /metrics and
 * /readyz say, and nothing that is secret.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { createLogger } from '../../src/telemetry.ts'
import { firn, type Running, startFirn } from '../support/firn.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const { kafka: kafkaAt, s3, warehouse } = testStack()
const id = randomBytes(4).toString('hex')
const topic = `page-${id}`
const database = `PAGE_${id.toUpperCase()}`
const partitions = 3

let folder: string
let owner: Session
let ingester: Running
let url = ''
const silent = createLogger({ level: 'silent' })
const kafka = kafkaClient({ brokers: [...kafkaAt.brokers], group: 'x', clientId: 'test', ssl: false }, silent)
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-page-'))
  const file = join(folder, 'firn.yaml')
  const { accessUrl, account, user, password, warehouse: compute, storageIntegration } = warehouse
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3
  const config = {
    kafka: { brokers: kafkaAt.brokers, group: topic },
    stage: { bucket, prefix: `${topic}/`, region, endpoint, accessKeyId, secretAccessKey },
    warehouse: {
      ...{ accessUrl, account, user, password, warehouse: compute, storageIntegration, database },
      schedule: 'triggered',
    },
    ingest: { freshness: '300ms' },
    audit: { every: '1s', patience: '3s' },
    status: { listen: '127.0.0.1:0' },
    tables: [{ topic, table: 'SHOP.T', key: ['id'] }],
  }
  await writeFile(file, stringify(config))
  owner = await connectSnowflake({ ...warehouse, database })
  const admin = kafka.admin()
  await Promise.all([producer.connect(), admin.connect()])
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false })
  await admin.disconnect()
  const migrated = await firn(['migrate', '--config', file])
  assert.equal(migrated.code, 0, migrated.stderr)
  ingester = startFirn(['run', '--config', file], { FIRN_WAREHOUSE_ROLE: 'FIRN_INGEST' })
  const port = await until(
    'the status server',
    () => /"status":"port (\d+)"/.exec(ingester.log())?.[1] ?? '',
    (found) => found !== '',
  )
  url = `http://127.0.0.1:${port}`
})

after(async () => {
  ingester.process.kill('SIGTERM')
  await ingester.finished
  await producer.disconnect()
  await owner.execute(`DROP DATABASE IF EXISTS ${database}`)
  await owner.close()
  await rm(folder, { recursive: true })
})

const get = async (path: string): Promise<string> => (await fetch(`${url}${path}`)).text()

/** The cells of the rows of a table, by the id of its caption; header rows left out. */
function rowsOf(page: string, caption: string): readonly (readonly string[])[] {
  const [, table = ''] = new RegExp(`<caption id="${caption}">[^]*?<tbody>([^]*?)</tbody>`).exec(page) ?? []
  return [...table.matchAll(/<tr>([^]*?)<\/tr>/g)].map(([, row = '']) =>
    [...row.matchAll(/<t[hd][^>]*>([^]*?)<\/t[hd]>/g)].map(([, cell = '']) => cell.replaceAll(/<[^>]+>/g, '').trim()),
  )
}

/** The samples of a metric of /metrics, by partition. */
function gauge(exposition: string, name: string): readonly string[] {
  const found = [...exposition.matchAll(new RegExp(`^${name}\\{.*partition="(\\d+)".*\\} (\\S+)$`, 'gm'))]
  return found.toSorted(([, a], [, b]) => Number(a) - Number(b)).map(([, , value = '']) => value)
}

const offsets = [
  'firn_consumed_offset',
  'firn_staged_offset',
  'firn_loaded_offset',
  'firn_merged_offset',
  'firn_end_offset',
  'firn_lag_messages',
]

describe('the status page', { concurrency: false }, () => {
  test('says of each partition what /metrics says', async () => {
    const messages = Array.from({ length: 90 }, (_, at) => ({
      key: String(at),
      partition: at % partitions,
      value: JSON.stringify({ operation: 'INSERT', before: null, after: { id: at } }),
    }))
    await producer.send({ topic, messages: [...messages, { key: 'bad', partition: 0, value: 'no JSON' }] })
    const rows = await until(
      'all of it merged, and the end measured',
      async () => rowsOf(await get('/'), 'topic-0-first').toSorted(([a], [b]) => Number(a) - Number(b)),
      (found) =>
        found.map(([, , , , , merged, end]) => `${merged} of ${end}`).join() === '31 of 31,30 of 30,30 of 30' &&
        found.every(([, state]) => state === 'up to date'),
    )
    const exposition = await get('/metrics')
    const told = offsets.map((name) => gauge(exposition, name))
    assert.deepEqual(told[0], ['31', '30', '30'])
    const expected = told[0].map((_, at) => told.map((values) => values[at]))
    assert.deepEqual(
      rows.map(([, , ...cells]) => cells.slice(0, offsets.length)),
      expected,
    )
    const page = await get('/')
    assert.deepEqual(
      rowsOf(page, 'topic-0-sum').map(([name, sum, behind]) => [name, sum, behind]),
      [
        ['Consumed', '91', '0'],
        ['Staged', '91', '0'],
        ['Loaded', '91', '0'],
        ['Merged', '91', '0'],
        ['End of the log', '91', ''],
      ],
    )
    assert.deepEqual(rowsOf(page, 'rejects-table'), [[topic, 'NOT_JSON', '1']])
    const files = rowsOf(page, 'files-table')
    assert.equal(
      files.reduce((sum, [, count]) => sum + Number(count), 0),
      91,
    )
    const name = new RegExp(`^${topic}/e1/0000[0-2]/\\d{20}-\\d{20}\\.parquet$`)
    for (const [file = '', , , , reason] of files) {
      assert.match(file, name)
      assert.equal(reason, 'age')
    }
    assert.match(rowsOf(page, 'latency-table')[0]?.[1] ?? '', /^[\d.]+ m?s$/)
    assert.match(
      page,
      /All is well: 3 partitions of 1 topic are read and staged, and the audit of Snowflake finds nothing\./,
    )
  })

  test('tells a halt as /readyz does, with its hint', async () => {
    await producer.send({
      topic,
      messages: [{ key: null, partition: 1, value: '{"operation":"INSERT","before":null,"after":{"id":1}}' }],
    })
    const page = await until(
      'the halt',
      () => get('/'),
      (text) => text.includes('<title>1 halted · Firn</title>'),
    )
    const { halts } = JSON.parse(await get('/readyz')) as {
      readonly halts: readonly { readonly code: string; readonly message: string; readonly hint: string }[]
    }
    const [{ code, message, hint } = { code: '', message: '', hint: '' }] = halts
    assert.equal(code, 'UNORDERED')
    for (const told of [message, hint]) assert.ok(page.includes(told), told)
    assert.match(page, /section <strong>UNORDERED<\/strong>/)
    assert.deepEqual(rowsOf(page, 'topic-0-first')[0]?.slice(0, 2), ['1', 'halted: UNORDERED'])
  })

  test('says that Snowflake cannot be asked, and since when', async () => {
    await owner.execute(`DROP DATABASE ${database}`)
    const page = await until(
      'the trouble',
      () => get('/'),
      (text) => /id="warehouse"[^]*class="card"/.test(text),
    )
    const { warehouse: told } = JSON.parse(await get('/readyz')) as {
      readonly warehouse: { readonly trouble: { readonly code: string; readonly since: string } }
    }
    const part = page.slice(page.indexOf('id="warehouse"'))
    assert.ok(part.includes(told.trouble.code), told.trouble.code)
    assert.ok(part.includes(told.trouble.since), told.trouble.since)
  })

  test('shows no secret, and of the configuration no more than it must', async () => {
    const page = await get('/')
    const { password, accessUrl, storageIntegration } = warehouse
    const hidden = [password, accessUrl, storageIntegration, s3.secretAccessKey, s3.endpoint, ...kafkaAt.brokers]
    for (const text of hidden) assert.ok(!page.includes(text), text)
    for (const text of [`s3://${s3.bucket}/${topic}/`, 'SHOP.T']) assert.ok(page.includes(text), text)
  })
})
