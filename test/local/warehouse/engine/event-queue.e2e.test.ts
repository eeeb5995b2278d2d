/** The notifications' queue on the stack's Kafka, and a pipe fed by the stack's S3 server. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { kafkaClient } from '../../../../src/kafka/client.ts'
import { type EventBatch, readPositions } from '../../../../src/local/warehouse/engine/event-queue.ts'
import { kafkaEventQueue, startOffsets } from '../../../../src/local/warehouse/engine/kafka-event-queue.ts'
import { systemClock } from '../../../../src/local/warehouse/engine/clock.ts'
import { openEngine, type WarehouseEngine } from '../../../../src/local/warehouse/engine/warehouse.ts'
import { warehouseRoles } from '../../../../src/local/warehouse-server.ts'
import { openStage } from '../../../../src/stage/s3.ts'
import { createLogger } from '../../../../src/telemetry.ts'
import { testStack } from '../../../support/stack.ts'
import { administrator, parquetOf, until } from './engine-fixture.ts'

const logger = createLogger({ level: 'silent' })
const brokers = [...testStack().kafka.brokers]

function notification(key: string): string {
  const s3 = { bucket: { name: 'cdc' }, object: { key, size: 1 } }
  return JSON.stringify({ Records: [{ eventName: 's3:ObjectCreated:Put', eventTime: '2026-01-01T00:00:00Z', s3 }] })
}

async function freshTopic(t: TestContext): Promise<{ topic: string; send: (...values: string[]) => Promise<void> }> {
  const kafka = kafkaClient({ brokers, group: 'test', clientId: 'test', ssl: false }, logger)
  const topic = `events-${randomUUID()}`
  const admin = kafka.admin()
  const producer = kafka.producer()
  await admin.connect()
  await producer.connect()
  t.after(async () => {
    await producer.disconnect()
    await admin.deleteTopics({ topics: [topic] })
    await admin.disconnect()
  })
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false })
  const leads = async (): Promise<boolean> => {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0]?.partitions[0]?.leader === 1
    } catch {
      return false
    }
  }
  await until(leads)
  return {
    topic,
    send: async (...values) => {
      await producer.send({ topic, messages: values.map((value) => ({ value })) })
    },
  }
}

test('what was taken from the queue does not come again, what came meanwhile does, and a failed batch is repeated', async (t) => {
  const { topic, send } = await freshTopic(t)
  let position = new Map<number, bigint>()
  let failures = 1
  const seen: string[] = []
  const receive = (batch: EventBatch): Promise<void> => {
    if (failures > 0) {
      failures -= 1
      return Promise.reject(new Error('the store is full'))
    }
    seen.push(...batch.files.map(({ key }) => key))
    position = new Map([[batch.partition, batch.next]])
    return Promise.resolve()
  }
  const open = () => kafkaEventQueue({ brokers, topic, logger, positions: () => Promise.resolve(position) })
  await send(notification('a'), 'no JSON', notification('b'))
  const first = open()
  await first.start(receive)
  await until(() => Promise.resolve(seen.length === 2))
  await first.close()
  await send(notification('c'))
  const second = open()
  await second.start(receive)
  await until(() => Promise.resolve(seen.length >= 3))
  await second.close()
  assert.deepEqual(seen, ['a', 'b', 'c'])
})

test('a position that lies outside of the log starts it at its beginning', () => {
  const log = [{ partition: 0, low: '5', high: '9' }]
  const start = (position: bigint) => startOffsets(log, new Map([[0, position]]))[0]?.offset
  assert.deepEqual([start(4n), start(5n), start(9n), start(10n)], ['5', '5', '9', '5'])
  assert.equal(startOffsets(log, new Map())[0]?.offset, '5')
})

test('a pipe loads what the S3 server announces, also what it announced while the warehouse was stopped', async (t) => {
  const { s3 } = testStack()
  const dir = await mkdtemp(join(tmpdir(), 'firn-pipe-'))
  const prefix = `pipe-${randomUUID()}/`
  const stage = openStage({ ...s3, prefix: '' })
  const open = (): Promise<WarehouseEngine> =>
    openEngine(
      {
        dir,
        storageIntegrations: ['FIRN_S3'],
        warehouses: [],
        roles: warehouseRoles,
        users: [administrator],
        clock: systemClock,
        knobs: { duplicate: true },
        openBucket: () => stage,
        openQueue: (connection) =>
          kafkaEventQueue({
            brokers,
            topic: s3.eventTopic,
            logger,
            positions: () => readPositions(connection, s3.eventTopic),
          }),
      },
      logger,
    )
  let engine = await open()
  t.after(async () => {
    await engine.close()
    stage.close()
    await rm(dir, { recursive: true, force: true })
  })
  const ask = async (...statements: string[]) => {
    const session = await engine.openSession('FIRN', { database: 'DB' })
    let rows: readonly (readonly (string | null)[])[] = []
    for (const statement of statements) ({ rows } = await session.execute(statement, {}, ''))
    await session.close()
    return rows
  }
  await ask(
    'CREATE DATABASE db',
    'CREATE TABLE landing (id NUMBER)',
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE st URL = 's3://${s3.bucket}/${prefix}' STORAGE_INTEGRATION = FIRN_S3`,
    `CREATE PIPE p AUTO_INGEST = TRUE AS COPY INTO landing (id) FROM (SELECT $1:id::NUMBER FROM @st/in/) FILE_FORMAT = (FORMAT_NAME = 'PQ')`,
  )
  const loaded = async () => (await ask('SELECT id FROM db.public.landing ORDER BY id')).map(([id]) => id)
  await stage.put(`${prefix}in/one.parquet`, await parquetOf('SELECT 1 AS id'), {})
  await until(async () => (await loaded()).length === 1)
  await engine.close()
  await stage.put(`${prefix}in/two.parquet`, await parquetOf('SELECT 2 AS id'), {})
  engine = await open()
  await until(async () => (await loaded()).length === 2)
  assert.deepEqual(await loaded(), ['1', '2'])
})
