/**
 * `firn run` where something is wrong, on a real Kafka and a real S3 server: what is away is waited for, what must not go on
 * halts, and the operator is told in Firn's words.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { createLogger } from '../../src/telemetry.ts'
import { until } from '../support/until.ts'
import {
  admin,
  committed,
  configOf,
  createTopic,
  endGround,
  insert,
  landedRows,
  landingFiles,
  producer,
  readiness,
  silent,
  sink,
  stack,
  type State,
  untilCovered,
  startedRun,
} from './run-ground.ts'
import { doorTo } from './stage-door.ts'

after(endGround)

test('while the object store is away the ingester waits, says so, and then stores everything', async () => {
  const topic = await createTopic(2)
  const door = await doorTo(stack.s3.endpoint)
  const config = configOf({
    topics: [topic],
    stage: { endpoint: door.endpoint },
    ingest: { freshness: '100ms', memory: '1MiB' },
  })
  const lines: string[] = []
  const logger = createLogger({ level: 'info', stream: sink(lines), pretty: false })
  const running = await startedRun(config, logger)
  const direct = { ...config, stage: { ...config.stage, endpoint: stack.s3.endpoint } }
  const send = (from: number, to: number) =>
    producer.send({
      topic,
      messages: Array.from({ length: to - from }, (_, at) => ({ key: String(from + at), value: insert(from + at) })),
    })
  await send(0, 100)
  await until(
    'a first file',
    () => landingFiles(direct, topic, 0),
    (files) => files.length > 0,
  )
  await door.shut()
  for (let from = 100; from < 30_100; from += 1_000) await send(from, from + 1_000)
  await until(
    'the trouble told',
    () => readiness(running.port),
    ({ stage }) => stage.trouble?.code === 'STAGE_UNREACHABLE',
  )
  await door.open()
  for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
    await untilCovered(direct, topic, partition, BigInt(high))
  }
  running.stop()
  await running.done
  await door.shut()
  const rows = await landedRows(direct, topic)
  assert.equal(new Set(rows.map(({ id }) => id)).size, 30_100)
  const told = lines.filter((line) => line.includes('STAGE_UNREACHABLE'))
  assert.equal(told.length, 1, told.join(''))
  assert.match(told[0] ?? '', /"hint":/)
  assert.doesNotMatch(lines.join(''), / at .*\(/)
})

test('a message that has no order halts its partition alone, with all before it stored', async () => {
  const topic = await createTopic(2)
  const config = configOf({ topics: [topic] })
  const running = await startedRun(config, silent)
  const at = (partition: number, id: number, key: string | null = String(id)) => ({ partition, key, value: insert(id) })
  await producer.send({ topic, messages: [at(0, 1), at(0, 2), at(0, 3, null), at(0, 4), at(1, 5)] })
  await untilCovered(config, topic, 0, 2n)
  await producer.send({ topic, messages: [at(1, 6)] })
  await untilCovered(config, topic, 1, 2n)
  const response = await fetch(`http://127.0.0.1:${running.port}/readyz`)
  assert.equal(response.status, 200)
  const { halts } = (await response.json()) as State
  assert.deepEqual(
    halts.map(({ partition, code }) => [partition, code]),
    [[0, 'UNORDERED']],
  )
  running.stop()
  await running.done
  assert.deepEqual(
    (await landedRows(config, topic)).map(({ id }) => id),
    ['1', '2', '5', '6'],
  )
  const commits = new Map((await committed(config, topic)).map(({ partition, offset }) => [partition, offset]))
  assert.equal(commits.get(0), '2')
})

test('messages that Kafka has deleted before they were staged halt their partition', async () => {
  const topic = await createTopic(1)
  const config = configOf({ topics: [topic] })
  const send = (ids: readonly number[]) =>
    producer.send({ topic, messages: ids.map((id) => ({ key: String(id), value: insert(id) })) })
  const first = await startedRun(config, silent)
  await send([1, 2])
  await untilCovered(config, topic, 0, 2n)
  first.stop()
  await first.done
  await send([3, 4, 5])
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
  const second = await startedRun(config, silent)
  const { halts } = await until(
    'a halt',
    () => readiness(second.port),
    ({ halts }) => halts.length > 0,
  )
  const [halt] = halts
  assert.equal(halt?.code, 'RETENTION_LOSS')
  second.stop()
  await second.done
  assert.equal((await committed(config, topic))[0]?.offset, '2')
})

test('a topic that is not there yet is waited for, while others are read', async () => {
  const there = await createTopic(1)
  const later = `run.${randomUUID()}`
  const config = configOf({ topics: [there, later] })
  const lines: string[] = []
  const running = await startedRun(config, createLogger({ level: 'info', stream: sink(lines), pretty: false }))
  await producer.send({ topic: there, messages: [{ key: '1', value: insert(1) }] })
  await untilCovered(config, there, 0, 1n)
  assert.match(lines.join(''), new RegExp(`"code":"TOPIC_MISSING".*${later}`))
  await admin.createTopics({ topics: [{ topic: later, numPartitions: 1 }], waitForLeaders: false })
  await until('the topic', async () => (await admin.listTopics()).includes(later), Boolean)
  await until(
    'a first message',
    () =>
      producer.send({ topic: later, messages: [{ key: '1', value: insert(1) }] }).then(
        () => true,
        () => false,
      ),
    Boolean,
  )
  await untilCovered(config, later, 0, 1n)
  running.stop()
  await running.done
})

test('brokers that do not answer are told of once, with a hint and no stack trace, and waited for', async () => {
  const config = configOf({ topics: ['nowhere'], kafka: { brokers: ['127.0.0.1:1'] } })
  const lines: string[] = []
  const running = await startedRun(config, createLogger({ level: 'info', stream: sink(lines), pretty: false }))
  await until(
    'the trouble told',
    () => readiness(running.port),
    ({ kafka }) => kafka.trouble?.code === 'KAFKA_UNREACHABLE',
  )
  running.stop()
  await running.done
  const told = lines.filter((line) => line.includes('KAFKA_UNREACHABLE'))
  assert.equal(told.length, 1)
  assert.match(told[0] ?? '', /"hint":"No broker answers/)
  assert.doesNotMatch(lines.join(''), / at .*\(/)
})

test('a login that Kafka refuses ends the ingester with its code', async () => {
  const ca = await readFile(stack.kafka.caFile, 'utf8')
  const sasl = { mechanism: 'plain', username: 'firn', password: 'wrong' }
  const config = configOf({ topics: ['any'], kafka: { brokers: stack.kafka.saslSslBrokers, ca, sasl } })
  const running = await startedRun(config, silent)
  await assert.rejects(running.done, { code: 'KAFKA_DENIED' })
})

test('messages that Kafka deletes while they wait to be read halt their partition, and the commit stays', async () => {
  const topic = await createTopic(1)
  const door = await doorTo(stack.s3.endpoint)
  const config = configOf({ topics: [topic], stage: { endpoint: door.endpoint }, ingest: { memory: '1MiB' } })
  const running = await startedRun(config, silent)
  // Nothing that a codec makes small: files that wait would leave room for all of it.
  const noisy = (id: number) =>
    `{"operation":"INSERT","before":null,"after":{"id":${id},"x":"${randomBytes(100).toString('base64')}"}}`
  const send = (from: number, to: number) =>
    producer.send({
      topic,
      messages: Array.from({ length: to - from }, (_, at) => ({ key: String(from + at), value: noisy(from + at) })),
    })
  await send(0, 100)
  await until(
    'a commit',
    async () => (await committed(config, topic))[0]?.offset,
    (offset) => offset === '100',
  )
  await door.shut()
  for (let from = 100; from < 60_100; from += 2_000) await send(from, from + 2_000)
  const metrics = async () => (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text()
  const used = (text: string) => Number(/^firn_buffered_bytes (\d+)$/m.exec(text)?.[1])
  await until(
    'full memory',
    async () => used(await metrics()),
    (bytes) => bytes >= 0.875 * 2 ** 20,
  )
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '60000' }] })
  await door.open()
  const { halts } = await until(
    'a halt',
    () => readiness(running.port),
    ({ halts }) => halts.length > 0,
  )
  assert.deepEqual(
    halts.map(({ code }) => code),
    ['RETENTION_LOSS'],
  )
  const cursor = Number(/firn_consumed_offset\{.*\} (\d+)/.exec(await metrics())?.[1])
  assert.ok(cursor > 100 && cursor < 60_000)
  running.stop()
  await running.done
  await door.shut()
  assert.equal((await committed(config, topic))[0]?.offset, String(cursor))
})

// The last one: the clients of this file ask for the topic ever after, and fail.
test('a topic that is deleted while it is read ends no process: what was read is stored, and the topic is waited for', async () => {
  const topic = await createTopic(1)
  const config = configOf({ topics: [topic], ingest: { freshness: '1h' } })
  const running = await startedRun(config, silent)
  await producer.send({ topic, messages: [1, 2, 3].map((id) => ({ key: String(id), value: insert(id) })) })
  const metrics = async () => (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text()
  await until('all read', metrics, (text) => /^firn_consumed_offset\{.*\} 3$/m.test(text))
  await admin.deleteTopics({ topics: [topic] })
  await until(
    'the trouble told',
    () => readiness(running.port),
    ({ kafka }) => kafka.trouble?.code === 'TOPIC_MISSING',
  )
  await untilCovered(config, topic, 0, 3n)
  const text = await metrics()
  assert.match(text, /^firn_stage_reachable 1$/m)
  assert.doesNotMatch(text, /^firn_staged_offset\{/m)
  running.stop()
  await running.done
})
