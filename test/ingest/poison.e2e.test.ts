/**
 * What no producer should send, on a real Kafka: each message is a row or a reject, with its bytes kept, and its neighbours
 * are as if it were not there. Also what strains the client: large batches, busy neighbours, damaged bytes.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { configSchema } from '../../src/config.ts'
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { openStage } from '../../src/stage/s3.ts'
import { produceLines } from '../support/java-kafka.ts'
import { ownStack, testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'
import {
  configOf,
  createTopic,
  endGround,
  foldedRows,
  idsFrom,
  insert,
  landedRows,
  producer,
  readiness,
  settings,
  silent,
  stageAll,
  startedRun,
  untilCommitted,
} from './run-ground.ts'

after(endGround)

const row = (inner: string) => `{"operation":"INSERT","before":null,"after":{"id":7,${inner}}}`
const deep = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`

const poison: readonly {
  name: string
  key?: Buffer | string | null
  value: Buffer | string | null
  headers?: Record<string, string | string[]>
  becomes: string
}[] = [
  { name: 'random bytes', value: randomBytes(5_000), becomes: 'NOT_UTF8' },
  { name: 'truncated JSON', value: insert(7).slice(0, -5), becomes: 'NOT_JSON' },
  { name: 'a value of 20 MB', value: row(`"text":"${'x'.repeat(20_000_000)}"`), becomes: 'VALUE_TOO_LARGE' },
  { name: 'a null key', key: null, value: insert(7), becomes: 'c' },
  { name: 'a key that is no text', key: randomBytes(16), value: insert(7), becomes: 'c' },
  { name: 'a null value', value: null, becomes: 'nothing' },
  { name: 'an empty value', value: '', becomes: 'NOT_JSON' },
  { name: 'duplicate members', value: row('"a":1,"a":2,"id":8'), becomes: 'c' },
  { name: '__proto__', value: row('"__proto__":{"id":9},"constructor":1'), becomes: 'c' },
  { name: 'arrays of depth 10,000', value: row(`"deep":${deep('[', ']', 10_000)}`), becomes: 'c' },
  { name: 'objects of depth 10,000', value: row(`"deep":${deep('{"a":', '}', 10_000)}`), becomes: 'c' },
  { name: 'lone surrogates', value: row('"text":"\\ud83c \\udf31 \\udf31\\ud83c"'), becomes: 'c' },
  {
    name: '10,000 headers',
    value: insert(7),
    headers: Object.fromEntries(idsFrom(0, 10_000).map((at) => [`h${at}`, 'v'])),
    becomes: 'c',
  },
  {
    name: 'headers with names that objects have',
    value: insert(7),
    headers: { ['__proto__']: 'p', constructor: 'c', '1': ['one', 'two'] },
    becomes: 'c',
  },
]

test('each poisoned message is a row or a reject with its bytes, and its neighbours are unaffected', async () => {
  const topic = await createTopic(1, { 'max.message.bytes': '31000000' })
  const config = configOf({ topics: [topic] })
  for (const [at, { key = 'k', value, headers }] of poison.entries()) {
    const neighbour = { key: 'n', value: insert(1_000 + at) }
    await producer.send({ topic, messages: [neighbour, { key, value, ...(headers ? { headers } : {}) }, neighbour] })
  }
  await stageAll(config)
  const rows = await landedRows(config, topic)
  const byOffset = new Map(rows.map((found) => [Number(found.kafka_offset), found]))
  const stage = openStage(config.stage)
  for (const [at, { name, value, becomes }] of poison.entries()) {
    const found = byOffset.get(at * 3 + 1)
    for (const side of [at * 3, at * 3 + 2])
      assert.equal(byOffset.get(side)?.id, String(1_000 + at), `a neighbour of ${name}`)
    if (becomes === 'nothing') assert.equal(found, undefined, name)
    else if (becomes.length === 1) assert.equal(found?.op, becomes, `${name}: ${found?.error}`)
    else {
      assert.equal(found?.op, 'x', name)
      assert.match(found.error ?? '', new RegExp(`^${becomes}: `), name)
      if (becomes === 'VALUE_TOO_LARGE') {
        const [, key] = /s3:\/\/[^/]+\/(\S+)$/.exec(found.error ?? '') ?? []
        assert.equal(Buffer.from((await stage.get(key ?? '')) ?? []).toString(), value)
        assert.equal(found.raw, null)
      } else assert.ok(Buffer.from(found.raw ?? '', 'base64').equals(Buffer.from(value ?? '')), name)
    }
  }
  stage.close()
  const headersOf = (name: string) => byOffset.get(poison.findIndex((one) => one.name === name) * 3 + 1)?.headers ?? ''
  assert.deepEqual(
    JSON.parse(headersOf('10,000 headers')),
    idsFrom(0, 10_000).map((at) => [`h${at}`, 'v']),
  )
  assert.deepEqual((JSON.parse(headersOf('headers with names that objects have')) as string[][]).toSorted(), [
    ['1', 'one'],
    ['1', 'two'],
    ['__proto__', 'p'],
    ['constructor', 'c'],
  ])
})

describe('what strains the client', { concurrency: 3 }, () => {
  test('a record batch of 200,000 messages is staged', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    // By Kafka's own client: kafkajs needs minutes to write such a batch.
    await produceLines(testStack().kafka.brokers, topic, idsFrom(0, 200_000).map(insert))
    await stageAll(config)
    const rows = await landedRows(config, topic)
    assert.deepEqual([rows.length, new Set(rows.map(({ id }) => id)).size], [200_000, 200_000])
  })

  test('a batch that is larger than a fetch is not starved by a partition that is never idle', async () => {
    const topic = await createTopic(2)
    const backlog = 30_000
    const filler = 'x'.repeat(2_000)
    for (let from = 0; from < backlog; from += 1_000) {
      const messages = idsFrom(from, from + 1_000).map(() => ({
        key: 'b',
        value: row(`"text":"${filler}"`),
        partition: 0,
      }))
      await producer.send({ topic, messages })
    }
    const large = { key: 'l', value: row(`"text":"${'y'.repeat(3_000_000)}"`), partition: 1 }
    await producer.send({ topic, messages: [large, large] })
    // So little memory that the backlog takes its time.
    const running = await startedRun(
      configOf({ topics: [topic], ingest: { memory: '1MiB', fileBytes: '1MiB' } }),
      silent,
    )
    const metrics = await until(
      'the large ones',
      async () => (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text(),
      (text) => /^firn_consumed_offset\{.*partition="1"\} 2$/m.test(text),
    )
    const [, consumed] = /^firn_consumed_offset\{.*partition="0"\} (\d+)$/m.exec(metrics) ?? []
    assert.ok(Number(consumed) < backlog, `the backlog was read to ${consumed} first`)
    running.stop()
    await running.done
  })

  test('a damaged record batch halts its partition alone, and is read when it is sound again', async () => {
    const stack = ownStack()
    try {
      const { kafka: endpoints, s3 } = await stack.up()
      const given = settings({ topics: ['damaged'] })
      const config = configSchema.parse({
        ...given,
        kafka: { ...given.kafka, brokers: [...endpoints.brokers] },
        stage: { ...given.stage, endpoint: s3.endpoint, secretAccessKey: s3.secretAccessKey },
      })
      const kafka = kafkaClient(config.kafka, silent)
      const [admin, sender] = [kafka.admin(), kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })]
      await Promise.all([admin.connect(), sender.connect()])
      await admin.createTopics({ topics: [{ topic: 'damaged', numPartitions: 2 }], waitForLeaders: false })
      await until(
        'the topic',
        () => admin.fetchTopicOffsets('damaged').catch(() => []),
        ({ length }) => length === 2,
      )
      for (const from of [0, 10, 20]) {
        const messages = idsFrom(from, from + 10).flatMap((id) =>
          [0, 1].map((partition) => ({ key: 'k', value: insert(id), partition })),
        )
        await sender.send({ topic: 'damaged', messages })
      }
      const folder = join(stack.dir, 'kafka', 'data', 'damaged-0')
      const [segment = ''] = (await readdir(folder)).filter((name) => name.endsWith('.log'))
      const file = await open(join(folder, segment), 'r+')
      const flip = async () => {
        // In the middle of the second of three batches of one size.
        const at = Math.floor((await file.stat()).size / 2)
        const byte = Buffer.alloc(1)
        await file.read(byte, 0, 1, at)
        byte[0] = (byte[0] ?? 0) ^ 0x01
        await file.write(byte, 0, 1, at)
      }
      await flip()
      const running = await startedRun(config, silent)
      const { halts } = await until(
        'the halt',
        () => readiness(running.port),
        ({ halts }) => halts.length > 0,
      )
      assert.deepEqual(
        halts.map(({ partition, code }) => [partition, code]),
        [[0, 'RECORD_UNREADABLE']],
      )
      assert.match(halts[0]?.message ?? '', /the record batch at offset 10: CRC-32C mismatch/)
      assert.match(halts[0]?.hint ?? '', /Run: firn ack-gap --topic damaged --partition 0 --offsets 10-19 --discard$/)
      await until(
        'the sound partition',
        async () => (await landedRows(config, 'damaged')).length,
        (count) => count === 40,
      )
      await flip()
      await until(
        'going on',
        () => readiness(running.port),
        ({ halts }) => halts.length === 0,
      )
      await until(
        'all rows',
        async () => (await landedRows(config, 'damaged')).length,
        (count) => count === 60,
      )
      assert.equal((await foldedRows(config, 'damaged')).size, 30)
      running.stop()
      await running.done
      await file.close()
      await Promise.all([admin.disconnect(), sender.disconnect()])
    } finally {
      await stack.down({ clean: true })
    }
  })

  test('committed transactions land once, aborted ones never, and holes explain every missing offset', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    const running = await startedRun(config, silent)
    const kafka = kafkaClient(config.kafka, silent)
    const transactional = (at: number) =>
      kafka.producer({
        createPartitioner: Partitioners.DefaultPartitioner,
        transactionalId: `${topic}-${at}`,
        maxInFlightRequests: 1,
        idempotent: true,
      })
    const producers = [0, 1, 2].map(transactional)
    await Promise.all(producers.map((one) => one.connect()))
    const committed: number[] = []
    let id = 0
    for (let round = 0; round < 25; round++) {
      // Open at once, so that their messages are interleaved.
      const transactions = await Promise.all(producers.map((one) => one.transaction()))
      for (let step = 0; step < 3; step++) {
        for (const [at, transaction] of transactions.entries()) {
          await transaction.send({ topic, messages: [{ key: 'k', value: insert(id) }] })
          if ((round + at) % 3 !== 0) committed.push(id)
          id++
        }
      }
      await Promise.all(transactions.map((one, at) => ((round + at) % 3 === 0 ? one.abort() : one.commit())))
    }
    await Promise.all(producers.map((one) => one.disconnect()))
    await untilCommitted(config, topic)
    running.stop()
    await running.done
    const rows = await landedRows(config, topic)
    assert.deepEqual(
      rows.map((found) => Number(found.id)).sort((a, b) => a - b),
      committed,
    )
    // 225 messages, 75 markers: each offset is a row, an aborted message or a marker.
    assert.equal(rows.length + (id - committed.length) + 75, 300)
  })
})
