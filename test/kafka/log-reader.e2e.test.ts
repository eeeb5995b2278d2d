/** Single places of a log on a real broker. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { logReader } from '../../src/kafka/log-reader.ts'
import { findParts } from '../../src/local/parts.ts'
import { createLogger } from '../../src/telemetry.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const kafka = kafkaClient(
  { brokers: [...testStack().kafka.brokers], group: 'x', clientId: 'test', ssl: false },
  createLogger({ level: 'silent' }),
)
const admin = kafka.admin()
const producer = kafka.producer({
  createPartitioner: Partitioners.DefaultPartitioner,
  transactionalId: `log-${randomUUID()}`,
  idempotent: true,
  maxInFlightRequests: 1,
})
const reader = logReader(kafka, 'x')
await Promise.all([admin.connect(), producer.connect(), reader.connect()])
after(() => Promise.all([admin.disconnect(), producer.disconnect(), reader.close()]))

async function createTopic(): Promise<string> {
  const topic = `log.${randomUUID()}`
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false })
  await until(
    'the topic',
    () => admin.fetchTopicOffsets(topic).catch(() => []),
    ({ length }) => length === 1,
  )
  return topic
}

test('an offset holds a message, a marker or nothing, committed or not', async () => {
  const topic = await createTopic()
  const send = async (values: readonly string[], outcome: 'commit' | 'abort') => {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: values.map((value) => ({ key: 'k', value })) })
    await transaction[outcome]()
  }
  await send(['a', 'b'], 'commit')
  await send(['c'], 'abort')
  const entryAt = async (offset: bigint) => {
    const entry = await reader.entryAt(topic, 0, offset)
    return entry.kind === 'message' ? entry.message.value?.toString() : entry.kind
  }
  assert.deepEqual(await Promise.all([0n, 1n, 2n, 3n, 4n].map(entryAt)), ['a', 'b', 'marker', 'c', 'marker'])
  assert.equal(await entryAt(5n), 'gone')
  assert.equal(await entryAt(17n), 'gone')
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] })
  assert.equal(await entryAt(0n), 'gone')
  await assert.rejects(reader.entryAt('no.such.topic', 0, 0n), { code: 'TOPIC_MISSING' })
})

test('a broker that holds a client back answers with nothing, which is not taken for nothing there', async () => {
  const topic = await createTopic()
  const transaction = await producer.transaction()
  for (const key of ['a', 'b', 'c', 'd']) {
    await transaction.send({ topic, messages: [{ key, value: 'x'.repeat(50_000) }] })
  }
  await transaction.commit()
  const { brokers } = testStack().kafka
  const clientId = `held-${randomUUID()}`
  const { java, kafkaClassPath } = findParts()
  const quota = ['--alter', '--entity-type', 'clients', '--entity-name', clientId]
  await promisify(execFile)(java, [
    ...['-cp', kafkaClassPath, 'kafka.admin.ConfigCommand', '--bootstrap-server', brokers.join(',')],
    ...[...quota, '--add-config', 'consumer_byte_rate=20000'],
  ])
  const held = logReader(
    kafkaClient({ brokers: [...brokers], group: 'x', clientId, ssl: false }, createLogger({ level: 'silent' })),
    'x',
  )
  after(() => held.close())
  await held.connect()
  let refused = 0
  const look = async <T>(see: () => Promise<T>): Promise<T | null> => {
    try {
      return await see()
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, 'KAFKA_FAILED')
      assert.match(String(error), /over its quota/)
      refused++
      return null
    }
  }
  await until(
    'an answer with nothing',
    async () => {
      for (const offset of [0n, 1n, 2n, 3n]) {
        const entry = await look(() => held.entryAt(topic, 0, offset))
        if (entry) assert.equal(entry.kind, 'message')
        assert.notEqual(await look(() => held.isReadable(topic, 0, offset)), false)
      }
      return refused
    },
    (times) => times > 0,
  )
})
