/**
 * What Firn relies on in the Kafka and the S3 server of the development stack, on those of the whole test run.
 */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type Admin, kafkaClient, kafkaFailure } from '../../src/kafka/client.ts'
import { openStage } from '../../src/stage/s3.ts'
import { createLogger } from '../../src/telemetry.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const logger = createLogger({ level: 'silent' })
const { kafka, s3 } = testStack()
const stage = openStage({ ...s3, prefix: 'firn/' })
const plain = kafkaClient({ brokers: [...kafka.brokers], group: 'test', clientId: 'test', ssl: false }, logger)
const admin = plain.admin()

before(() => admin.connect())
after(async () => {
  await admin.disconnect()
  stage.close()
})

test('of many puts of one name at once, exactly one is stored', async () => {
  for (let round = 0; round < 5; round++) {
    const key = `firn/${randomUUID()}`
    const bodies = Array.from({ length: 8 }, (_, writer) => Buffer.from(`${round}/${writer}`))
    const outcomes = await Promise.all(bodies.map((body) => stage.put(key, body, {})))
    assert.equal(outcomes.filter((outcome) => outcome === 'stored').length, 1)
    const winner = bodies[outcomes.indexOf('stored')]
    assert.deepEqual(Buffer.from((await stage.get(key)) ?? []), winner)
    assert.equal(
      (await stage.head(key))?.sha256,
      createHash('sha256')
        .update(winner ?? '')
        .digest('base64'),
    )
  }
})

test('each stored object is an event in the topic, with its bucket and key', async () => {
  const key = `firn/${randomUUID()}/a b+ü`
  const consumer = plain.consumer({ groupId: `test-${randomUUID()}` })
  const events: string[] = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topic: s3.eventTopic, fromBeginning: true })
    await consumer.run({
      eachMessage: ({ message }) => {
        events.push(message.value?.toString() ?? '')
        return Promise.resolve()
      },
    })
    await stage.put(key, Buffer.from('four'), {})
    const id = key.split('/')[1] ?? ''
    const [event = ''] = await until(
      'the event',
      () => events.filter((text) => text.includes(id)),
      (all) => all.length > 0,
    )
    const { Records: records } = JSON.parse(event) as { Records: readonly EventRecord[] }
    const [record] = records
    assert.equal(record?.eventName, 's3:ObjectCreated:Put')
    assert.equal(record.s3.bucket.name, s3.bucket)
    assert.equal(record.s3.object.size, 4)
    assert.ok(
      [key, encodeURIComponent(key).replaceAll('%2F', '/')].includes(record.s3.object.key),
      record.s3.object.key,
    )
  } finally {
    await consumer.disconnect()
  }
})

type EventRecord = {
  readonly eventName: string
  readonly s3: {
    readonly bucket: { readonly name: string }
    readonly object: { readonly key: string; readonly size: number }
  }
}

function saslClient(mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password: string): Admin {
  const sasl = { mechanism, username: kafka.username, password }
  const settings = { brokers: [...kafka.saslSslBrokers], group: 'test', clientId: 'test', ssl: true, sasl }
  return kafkaClient({ ...settings, ca: readFileSync(kafka.caFile, 'utf8') }, logger).admin()
}

for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
  test(`${mechanism} over TLS lets the right password in and no other`, async () => {
    const client = saslClient(mechanism, kafka.password)
    await client.connect()
    assert.ok((await client.listTopics()).includes(s3.eventTopic))
    await client.disconnect()

    const intruder = saslClient(mechanism, `${kafka.password}x`)
    const refusal: unknown = await intruder.connect().catch((error: unknown) => error)
    assert.equal(kafkaFailure(refusal, 'log in').code, 'KAFKA_DENIED')
    await intruder.disconnect()
  })
}

test('a certificate of a stranger is not accepted', async () => {
  const settings = { brokers: [...kafka.saslSslBrokers], group: 'test', clientId: 'test', ssl: true }
  const sasl = { mechanism: 'plain' as const, username: kafka.username, password: kafka.password }
  const client = kafkaClient({ ...settings, sasl }, logger).admin()
  await assert.rejects(client.connect(), /self-signed certificate/)
  await client.disconnect()
})

test('no topic is made by merely being named', async () => {
  const topic = `none-${randomUUID()}`
  const producer = plain.producer()
  await producer.connect()
  await assert.rejects(producer.send({ topic, messages: [{ value: 'x' }] }), /does not host this topic-partition/)
  await producer.disconnect()
  assert.ok(!(await admin.listTopics()).includes(topic))
})
