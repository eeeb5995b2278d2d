/**
 * `firn run` on a real Kafka and a real S3 server: what is produced comes out of the landing files and each offset is
 * covered, through every codec and login, transactions and kills.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { configSchema } from '../../src/config.ts'
import { parseCommitment } from '../../src/ingest/commitment.ts'
import { CompressionTypes, Partitioners } from '../../src/kafka/client.ts'
import { startFirn } from '../support/firn.ts'
import { until } from '../support/until.ts'
import {
  admin,
  committed,
  configOf,
  createTopic,
  endGround,
  folder,
  insert,
  kafka,
  landedRows,
  landingFiles,
  producer,
  settings,
  silent,
  stack,
  untilCovered,
  startedRun,
} from './run-ground.ts'

after(endGround)

const logins = [
  { mechanism: 'plain', codec: 'GZIP' },
  { mechanism: 'plain', codec: 'Snappy' },
  { mechanism: 'scram-sha-256', codec: 'LZ4' },
  { mechanism: 'scram-sha-512', codec: 'ZSTD' },
] as const

for (const { mechanism, codec } of logins) {
  test(`changes sent with ${codec} arrive over SASL_SSL with ${mechanism}, rejects and tombstones among them`, async () => {
    const topic = await createTopic(1)
    const { username, password } = stack.kafka
    const ca = await readFile(stack.kafka.caFile, 'utf8')
    const config = configOf({
      topics: [topic],
      kafka: { brokers: stack.kafka.saslSslBrokers, ca, sasl: { mechanism, username, password } },
    })
    const running = await startedRun(config, silent)
    const good = Array.from({ length: 2_000 }, (_, id) => ({ key: String(id), value: insert(id) }))
    const odd = [
      { key: 'a', value: 'no JSON' },
      { key: 'b', value: null },
      { key: 'c', value: Buffer.from([0xff, 0xfe]) },
      { key: 'd', value: '{"operation":"UPSERT","before":null,"after":{"id":1}}' },
    ]
    await producer.send({
      topic,
      compression: CompressionTypes[codec],
      messages: [...good, ...odd, { key: 'e', value: insert(7) }],
    })
    await untilCovered(config, topic, 0, 2_005n)
    running.stop()
    await running.done

    const rows = await landedRows(config, topic)
    assert.equal(rows.length, 2_004)
    assert.deepEqual(
      rows.map(({ kafka_offset }) => kafka_offset),
      [...Array(2_005).keys()].map(BigInt).filter((at) => at !== 2_001n),
    )
    assert.deepEqual(
      rows.slice(5, 6).map(({ id, after }) => [id, after]),
      [['5', '{"id":5,"n":9007199254740993}']],
    )
    const rejects = rows.filter(({ op }) => op === 'x')
    assert.deepEqual(
      rejects.map(({ error }) => error?.split(':')[0]),
      ['NOT_JSON', 'NOT_UTF8', 'OPERATION_UNKNOWN'],
    )
    assert.equal(rejects[1]?.raw, Buffer.from([0xff, 0xfe]).toString('base64'))

    const [commit] = await committed(config, topic)
    assert.ok(commit)
    assert.equal(commit.offset, '2005')
    const commitment = parseCommitment(commit.metadata)
    assert.ok(commitment)
    assert.equal(commitment.next, 2_005n)
    assert.equal(commitment.anchor?.offset, 2_004n)
  })
}

test('offsets of aborted messages and of transaction markers are covered, and leave no row', async () => {
  const topic = await createTopic(1)
  const config = configOf({ topics: [topic] })
  const transactional = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    transactionalId: `run-${randomUUID()}`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await transactional.connect()
  const send = async (ids: readonly number[], outcome: 'commit' | 'abort') => {
    const transaction = await transactional.transaction()
    await transaction.send({ topic, messages: ids.map((id) => ({ key: String(id), value: insert(id) })) })
    await transaction[outcome]()
  }
  await send([1, 2], 'commit')
  await send([3, 4], 'abort')
  const running = await startedRun(config, silent)
  await send([5], 'commit')
  for (let id = 0; id < 20; id++) await send([id], 'abort')
  await transactional.disconnect()
  // 0 1 M, 3 4 M, 6 M, and 20 times an aborted message with its marker
  await until(
    'the commit behind the last marker',
    async () => (await committed(config, topic))[0]?.offset,
    (offset) => offset === '48',
  )
  const health = await fetch(`http://127.0.0.1:${running.port}/metrics`)
  assert.match(await health.text(), new RegExp(`firn_staged_offset\\{topic="${topic}",partition="0"\\} 48`))
  running.stop()
  await running.done
  const rows = await landedRows(config, topic)
  assert.deepEqual(
    rows.map(({ id }) => id),
    ['1', '2', '5'],
  )
})

test('killed at any moment and started again, the ingester leaves no gap and loses no message', async () => {
  const topic = await createTopic(3)
  const file = join(folder, 'kill.yaml')
  const given = settings({ topics: [topic], ingest: { freshness: '100ms' } })
  await writeFile(file, JSON.stringify(given))
  const config = configSchema.parse(given)
  let sent = 0
  const ending = new AbortController()
  const sending = (async () => {
    while (!ending.signal.aborted) {
      const messages = Array.from({ length: 50 }, () => ({ key: String(sent), value: insert(sent++) }))
      await producer.send({ topic, messages })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  let files = 0
  for (let kill = 0; kill < 2; kill++) {
    const child = startFirn(['run', '--config', file])
    const stop = files + 6
    await until(
      'some more landing files',
      async () => (files = (await landingFiles(config, topic, 0)).length),
      (count) => count >= stop,
    )
    child.process.kill('SIGKILL')
    await child.finished
  }
  ending.abort()
  await sending
  const child = startFirn(['run', '--config', file])
  const ends = await admin.fetchTopicOffsets(topic)
  for (const { partition, high } of ends) await untilCovered(config, topic, partition, BigInt(high))
  child.process.kill('SIGTERM')
  const { code, stderr } = await child.finished
  assert.equal(code, 0, stderr)

  const offsets = await committed(config, topic)
  assert.deepEqual(
    offsets.map(({ partition, offset }) => [partition, offset]).sort(),
    ends.map(({ partition, high }) => [partition, high]).sort(),
  )
  const rows = await landedRows(config, topic)
  assert.equal(new Set(rows.map(({ id }) => id)).size, sent)
})
