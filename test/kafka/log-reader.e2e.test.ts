/** Single places of a log on a real broker. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { logReader } from '../../src/kafka/log-reader.ts'
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

test('an offset holds a message, a marker or nothing, committed or not', async () => {
  const topic = `log.${randomUUID()}`
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false })
  await until(
    'the topic',
    () => admin.fetchTopicOffsets(topic).catch(() => []),
    ({ length }) => length === 1,
  )
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
