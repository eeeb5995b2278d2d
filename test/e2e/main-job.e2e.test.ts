/**
 * The whole path on real parts: Kafka, Parquet files on an S3 server, the Snowflake driver, the SQL of sql/.
 * What is expected is computed here, from what was produced; what was stored is read back by other clients than Firn's.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { DuckDBInstance } from '@duckdb/node-api'
import { CompressionTypes, kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { canonicalJson } from '../../src/local/exact-json.ts'
import { openSource } from '../../src/local/workload.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { createLogger } from '../../src/telemetry.ts'
import { firn, type Running, startFirn } from '../support/firn.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const name = `e2e${randomBytes(4).toString('hex')}`
const topic = `${name}.things`
const database = name.toUpperCase()
const landing = `${database}.FIRN.${database}_THINGS_LANDING`
const partitions = 4
const changes = 20_000

const { kafka: kafkaAt, s3: s3At, warehouse: warehouseAt } = testStack()
const plain = { brokers: [...kafkaAt.brokers], group: name, clientId: name, ssl: false }
const kafka = kafkaClient(plain, createLogger({ level: 'silent' }))
const s3 = new S3Client({
  endpoint: s3At.endpoint,
  region: s3At.region,
  forcePathStyle: true,
  credentials: { accessKeyId: s3At.accessKeyId, secretAccessKey: s3At.secretAccessKey },
})

type Sent = { readonly key: string | null; readonly value: Buffer | null }
type Logged = Sent & { readonly partition: number; readonly offset: string }

let dir: string
let config: string
let session: Session
let ingester: Running
let log: readonly Logged[]

/** What no generator thinks of: each is a row of its own, and arrives as it was sent. */
const oddities: readonly Sent[] = [
  '{"operation":"INSERT","before":null,"after":{"id":"ключ 😀","n":12345678901234567890123456789012345678}}',
  '{"operation":"INSERT","before":null,"after":{"id":"exponent","n":1.5e300,"m":-2E-3,"z":0.0,"y":-0}}',
  '{"operation":"INSERT","before":null,"after":{"id":"decimal","n":0.1234567890123456789012345678901234567}}',
  '{"after":{"id":"reordered","deep":[[[null,{"a":null}]]]}, "before" : null ,\n"operation":"INSERT","extra":{"lsn":9007199254740993}}',
  '{"operation":"INSERT","before":null,"after":{"id":"escapes \\" \\\\ \\u00e9","__proto__":{"x":1},"":""}}',
].map((text) => ({ key: 'odd', value: Buffer.from(text) }))

const rejected: readonly Sent[] = [
  Buffer.from('not json'),
  Buffer.from('{"operation":"INSERT","after":{"id":1}'),
  Buffer.from('{"before":null,"after":{"id":1}}'),
  Buffer.from('{"operation":"MERGE","before":null,"after":{"id":1}}'),
  Buffer.from('{"operation":"INSERT","before":null,"after":{"name":"no key"}}'),
  Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
].map((value) => ({ key: 'bad', value }))

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firn-e2e-'))
  config = join(dir, 'firn.yaml')
  await writeFile(
    config,
    `
kafka: { brokers: ['${kafkaAt.brokers.join("', '")}'], group: ${name} }
stage:
  bucket: ${s3At.bucket}
  prefix: ${name}/
  region: ${s3At.region}
  endpoint: ${s3At.endpoint}
  accessKeyId: ${s3At.accessKeyId}
  secretAccessKey: ${s3At.secretAccessKey}
warehouse:
  account: ${warehouseAt.account}
  accessUrl: ${warehouseAt.accessUrl}
  user: ${warehouseAt.user}
  password: ${warehouseAt.password}
  role: ${warehouseAt.role}
  warehouse: ${warehouseAt.warehouse}
  database: ${database}
  storageIntegration: ${warehouseAt.storageIntegration}
  schedule: 10 SECONDS
ingest: { freshness: 1s, fileRows: 3000 }
status: { listen: '127.0.0.1:0' }
tables:
  - { topic: ${topic}, table: APP.THINGS, key: [id] }
`,
  )
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: false,
    topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
  })
  await until(
    'the topic',
    () => admin.listTopics(),
    (topics) => topics.includes(topic),
  )
  await admin.disconnect()

  const migrated = await firn(['migrate', '--config', config])
  assert.equal(migrated.code, 0, migrated.stderr)
  session = await connectSnowflake({ ...warehouseAt, database })
  ingester = startFirn(['run', '--config', config])
  await produce()
  log = await consume()
})

after(async () => {
  ingester.process.kill('SIGKILL')
  await ingester.finished
  await session.query(`DROP DATABASE IF EXISTS ${database}`)
  await session.close()
  s3.destroy()
  await rm(dir, { recursive: true, force: true })
})

/** All changes with what is odd, bad and empty in between. */
async function produce(): Promise<void> {
  const source = openSource({ table: 'customers', keys: 2_000, seed: 1 })
  const sent: Sent[] = Array.from({ length: changes }, () => {
    const { key, value } = source.next()
    return { key, value: Buffer.from(value) }
  })
  sent.splice(5_000, 0, ...oddities, ...rejected)
  sent.splice(12_000, 0, { key: 'tombstone', value: null })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  for (let start = 0; start < sent.length; start += 500) {
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages: sent.slice(start, start + 500) })
  }
  await producer.disconnect()
}

/** The topic as a plain consumer of a group of its own reads it. */
async function consume(): Promise<readonly Logged[]> {
  const total = changes + oddities.length + rejected.length + 1
  const read: Logged[] = []
  const consumer = kafka.consumer({ groupId: `${name}-reader` })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: ({ partition, message: { offset, key, value } }) => {
      read.push({ partition, offset, key: key?.toString() ?? null, value: value && Buffer.from(value) })
      return Promise.resolve()
    },
  })
  await until(
    'every message to be read back',
    () => read.length,
    (count) => count >= total,
  )
  await consumer.disconnect()
  return read
}

const isReject = (value: Buffer | null): boolean => value !== null && rejected.some((bad) => bad.value?.equals(value))

/** id → newest message, from the log alone: Kafka orders the messages of one key, and nothing else decides. */
function fold(): Map<string, string> {
  const rows = new Map<string, string>()
  for (const { value } of log) {
    if (value === null || isReject(value)) continue
    const text = value.toString()
    const { operation, before: old, after: row } = JSON.parse(text) as Record<string, { id: string | number } | null>
    const id = String((row ?? old)?.id)
    if ((operation as unknown) === 'DELETE') rows.delete(id)
    else rows.set(id, text)
  }
  return rows
}

async function number(sql: string): Promise<number> {
  const [row] = await session.query(sql)
  return Number(Object.values(row ?? {})[0] ?? 0)
}

test('the final table equals the fold of what was produced, digit for digit', async () => {
  const expectedRows = changes + oddities.length + rejected.length
  await until(
    'every row to be merged',
    () => number(`SELECT SUM(row_count) FROM ${database}.FIRN.MERGED_FILES`),
    (merged) => merged >= expectedRows,
    300_000,
  )
  const expected = new Map(
    [...fold()].map(([id, text]) => {
      const { operation, before: old, after: row } = JSON.parse(canonicalJson(text)) as Record<string, unknown>
      return [id, canonicalOf({ operation, before: old, after: row })]
    }),
  )
  const rows = await session.query(`SELECT ID, DATA, LAST_UPDATED FROM ${database}.APP.THINGS`)
  const actual = new Map(rows.map((row) => [row['ID'] as string, canonicalJson(row['DATA'] as string)]))
  assert.equal(rows.length, actual.size, 'no id comes twice')
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort())
  for (const [id, text] of expected) assert.equal(actual.get(id), text, `row ${id}`)
  assert.ok(expected.size > 1000)
})

/** Members that canonicalJson has tagged already, put together as it does. */
const canonicalOf = (members: Record<string, unknown>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1))))

test('an independent reader finds every message in the landing files, byte for byte and once', async () => {
  const listed = await s3.send(new ListObjectsV2Command({ Bucket: s3At.bucket, Prefix: `${name}/${topic}/` }))
  const keys = (listed.Contents ?? []).map(({ Key }) => Key ?? '')
  assert.ok(keys.length >= partitions)
  for (const [index, key] of keys.entries()) {
    const object = await s3.send(new GetObjectCommand({ Bucket: s3At.bucket, Key: key }))
    await writeFile(join(dir, `${String(index)}.parquet`), (await object.Body?.transformToByteArray()) ?? '')
  }
  const duckdb = await (await DuckDBInstance.create()).connect()
  const read = await duckdb.runAndReadAll(
    `SELECT kafka_partition, kafka_offset, op, before, after, error, raw, kafka_key
     FROM read_parquet('${join(dir, '*.parquet')}') ORDER BY kafka_partition, kafka_offset`,
  )
  const rows = read.getRowObjects()
  const messages = log
    .filter(({ value }) => value !== null)
    .sort((a, b) => a.partition - b.partition || Number(BigInt(a.offset) - BigInt(b.offset)))
  assert.equal(rows.length, messages.length)
  for (const [index, { partition, offset, key, value }] of messages.entries()) {
    const row = rows[index] ?? {}
    const text = value?.toString() ?? ''
    assert.equal(`${String(row['kafka_partition'])}:${String(row['kafka_offset'])}`, `${String(partition)}:${offset}`)
    assert.equal(row['kafka_key'], key)
    if (isReject(value)) {
      assert.equal(row['op'], 'x')
      assert.equal(row['raw'], value?.toString('base64'))
      assert.match(String(row['error']), /^[A-Z0-9_]+: /)
    } else {
      const { before: old, after: row2 } = JSON.parse(text) as Record<string, unknown>
      for (const [column, sent] of [
        ['before', old],
        ['after', row2],
      ] as const) {
        const slice = row[column]
        if (sent === null) assert.equal(slice, null)
        else
          assert.ok(
            typeof slice === 'string' &&
              text.includes(slice) &&
              canonicalJson(slice) === canonicalJson(sliceOf(text, column)),
          )
      }
    }
  }
})

/** The member's text, found by cutting the other members away; good enough for what this test sends. */
function sliceOf(text: string, member: 'before' | 'after'): string {
  const start = text.indexOf(`"${member}"`)
  const from = text.indexOf('{', start)
  let depth = 0
  for (let at = from, quoted = false; at < text.length; at += 1) {
    const char = text[at]
    if (quoted && char === '\\') at += 1
    else if (char === '"') quoted = !quoted
    else if (!quoted && char === '{') depth += 1
    else if (!quoted && char === '}' && (depth -= 1) === 0) return text.slice(from, at + 1)
  }
  throw new Error(`no member ${member}`)
}

test('each bad message is a reject with its reason and bytes', async () => {
  const rows = await session.query(`SELECT error, raw FROM ${database}.FIRN.APP_THINGS_REJECTS`)
  const hashed = (bytes: Buffer | null): string =>
    createHash('sha256')
      .update(bytes ?? '')
      .digest('hex')
  assert.deepEqual(
    rows.map((row) => hashed(Buffer.from(row['RAW'] as string, 'base64'))).sort(),
    rejected.map(({ value }) => hashed(value)).sort(),
  )
  const codes = rows.map((row) => (row['ERROR'] as string).split(':')[0]).sort()
  assert.deepEqual(codes, ['KEY_MISSING', 'NOT_JSON', 'NOT_JSON', 'NOT_UTF8', 'OPERATION_MISSING', 'OPERATION_UNKNOWN'])
})

test('the landing table holds each row once, and the ingester leaves when asked', async () => {
  assert.equal(await number(`SELECT COUNT(*) FROM ${landing}`), changes + oddities.length + rejected.length)
  ingester.process.kill('SIGTERM')
  const { code, stderr } = await ingester.finished
  assert.equal(code, 0, stderr)
})
