/**
 * No false halts, on a real Kafka and a real S3 server: whatever is lost, expires or changes behind the cursor, the ingester
 * goes on, leaves nothing out and writes nothing twice.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, test } from 'node:test'
import type { Config } from '../../src/config.ts'
import { logReader } from '../../src/kafka/log-reader.ts'
import { landingKey, parseLandingKey } from '../../src/landing.ts'
import { openStage } from '../../src/stage/s3.ts'
import type { Stage } from '../../src/stage/stage.ts'
import { until } from '../support/until.ts'
import {
  admin,
  committed,
  configOf,
  createTopic,
  endGround,
  foldedRows,
  idsFrom,
  insert,
  kafka,
  landedRows,
  landingFiles,
  producer,
  readiness,
  sendFresh,
  sendIds,
  sendTransaction,
  silent,
  stageAll,
  startedRun,
  untilCommitted,
} from './run-ground.ts'

after(endGround)

/** Offsets of all rows, which shows also what is there twice. */
const landed = async (config: Config, topic: string) =>
  (await landedRows(config, topic)).map(({ kafka_offset }) => Number(kafka_offset))
const deleteGroup = (config: Config) => admin.deleteGroups([config.kafka.group])

async function withStage(config: Config, use: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = openStage(config.stage)
  await use(stage)
  stage.close()
}

/** Removes the first landing files, as a lifecycle rule does; all of them unless told how many. */
async function expireFiles(config: Config, topic: string, count = Infinity): Promise<void> {
  await withStage(config, async (stage) => {
    const keys: string[] = []
    for await (const { key } of stage.list(`${config.stage.prefix}${topic}/`)) {
      if (parseLandingKey(config.stage.prefix, key)) keys.push(key)
    }
    for (const key of keys.slice(0, count)) await stage.remove(key)
  })
}

/** Several landing files, one after the other. */
async function stageInSteps(config: Config, topic: string, steps: readonly (readonly number[])[]): Promise<void> {
  const running = await startedRun(config, silent)
  for (const ids of steps) {
    await sendIds(topic, ids)
    await untilCommitted(config, topic)
  }
  running.stop()
  await running.done
}

describe('no false halts', { concurrency: 3 }, () => {
  test('a deleted group resumes from the stage, without loss and without a second copy', async () => {
    const topic = await createTopic(2)
    const config = configOf({ topics: [topic] })
    await stageInSteps(config, topic, [idsFrom(0, 10), idsFrom(10, 20), idsFrom(20, 30)])
    await deleteGroup(config)
    await sendIds(topic, idsFrom(30, 40))
    await stageAll(config)
    const rows = await landedRows(config, topic)
    assert.equal(rows.length, 40)
    assert.deepEqual(
      [...(await foldedRows(config, topic)).keys()].map(Number).sort((a, b) => a - b),
      idsFrom(0, 40),
    )
  })

  test('so it does where the lifecycle rule has removed the first files, or Kafka the messages behind them', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    await stageInSteps(config, topic, [idsFrom(0, 10), idsFrom(10, 20), idsFrom(20, 30)])
    await deleteGroup(config)
    await expireFiles(config, topic, 2)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '25' }] })
    await sendIds(topic, idsFrom(30, 35))
    await stageAll(config)
    assert.deepEqual(await landed(config, topic), idsFrom(20, 35))
  })

  test('so it does behind a tail of markers that a process before has passed, also when Kafka has deleted the tail', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    await stageInSteps(config, topic, [idsFrom(0, 5)])
    await sendTransaction(topic, [5, 6], 'abort')
    await stageAll(config)
    await sendIds(topic, idsFrom(8, 10))
    await stageAll(config)
    await deleteGroup(config)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '8' }] })
    await sendIds(topic, idsFrom(10, 12))
    await stageAll(config)
    assert.deepEqual(await landed(config, topic), [0, 1, 2, 3, 4, 8, 9, 10, 11])
  })

  test('a commit vouches for files that have expired, all of them too', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    await stageInSteps(config, topic, [idsFrom(0, 10), idsFrom(10, 20)])
    await expireFiles(config, topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '20' }] })
    await sendIds(topic, idsFrom(20, 25))
    await stageAll(config)
    assert.deepEqual(await landed(config, topic), idsFrom(20, 25))
  })

  test('compaction and retention behind the cursor are no loss, and the holes they leave are covered', async () => {
    const topic = await createTopic(1, {
      'cleanup.policy': 'compact',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '0',
    })
    const config = configOf({ topics: [topic] })
    const write = (from: number, to: number) =>
      producer.send({ topic, messages: idsFrom(from, to).map((at) => ({ key: String(at % 3), value: insert(at) })) })
    await write(0, 30)
    await stageAll(config)
    // Later messages of the same keys, in later segments, push the staged ones out: also the anchor of the last file.
    await write(30, 60)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await write(60, 63)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await write(63, 64)
    const log = logReader(kafka, 'x')
    await log.connect()
    await until(
      'compaction',
      async () => (await log.entryAt(topic, 0, 29n)).kind,
      (kind) => kind === 'gone',
    )
    await log.close()
    const running = await startedRun(config, silent)
    await untilCommitted(config, topic)
    const metrics = await (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text()
    assert.match(metrics, /^firn_resumes_unverified_total\{.*\} 1$/m)
    assert.deepEqual((await readiness(running.port)).halts, [])
    running.stop()
    await running.done
    const offsets = await landed(config, topic)
    assert.deepEqual(offsets.slice(0, 30), idsFrom(0, 30))
    assert.ok(offsets.length < 64 && offsets.includes(63))
    const files = await landingFiles(config, topic, 0)
    assert.equal(files.at(-1)?.range.last, 63n)
    files.forEach(({ range }, at) => {
      assert.equal(range.first, at === 0 ? 0n : (files[at - 1]?.range.last ?? 0n) + 1n)
    })
    assert.equal((await foldedRows(config, topic)).size, offsets.length)
  })

  test('a tail of aborted messages and markers is passed, and resumed behind', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    await sendTransaction(topic, [1, 2], 'commit')
    await sendTransaction(topic, [3, 4], 'abort')
    await stageAll(config)
    assert.equal((await committed(config, topic))[0]?.offset, '6')
    await stageAll(config)
    await sendTransaction(topic, [5], 'abort')
    await sendTransaction(topic, [6], 'commit')
    await deleteGroup(config)
    await stageAll(config)
    assert.deepEqual(
      (await landedRows(config, topic)).map(({ id }) => id),
      ['1', '2', '6'],
    )
  })

  test('an empty partition and an idle one resume where they were', async () => {
    const topic = await createTopic(2)
    const config = configOf({ topics: [topic] })
    await sendIds(topic, [1, 2], 0)
    await stageAll(config)
    await stageAll(config)
    await deleteGroup(config)
    await stageAll(config)
    assert.deepEqual((await committed(config, topic)).map(({ offset }) => offset).sort(), ['0', '2'])
    await sendIds(topic, [3], 1)
    await stageAll(config)
    assert.deepEqual(
      (await landedRows(config, topic)).map(({ id }) => id),
      ['1', '2', '3'],
    )
  })

  test('a first start with latest reads what comes after it, also after the group is lost and nothing was staged', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic], table: { start: 'latest' } })
    await sendIds(topic, idsFrom(0, 10))
    await stageAll(config)
    await deleteGroup(config)
    await sendIds(topic, idsFrom(10, 15))
    await stageAll(config)
    assert.deepEqual(await landed(config, topic), idsFrom(10, 15))
  })

  test('a first start with a time reads what is of that time or later', async () => {
    // As old as they are, Kafka would delete them.
    const topic = await createTopic(1, { 'retention.ms': '-1' })
    const at = (id: number, time: string) => ({
      key: String(id),
      value: insert(id),
      timestamp: String(Date.parse(time)),
    })
    await producer.send({
      topic,
      messages: [at(1, '2026-01-01T00:00:00Z'), at(2, '2026-02-01T00:00:00Z'), at(3, '2026-03-01T00:00:00Z')],
    })
    const config = configOf({ topics: [topic], table: { start: '2026-02-01T00:00:00Z' } })
    await stageAll(config)
    assert.deepEqual(
      (await landedRows(config, topic)).map(({ id }) => id),
      ['2', '3'],
    )
  })

  test('a partition that is added where an order is named is read from its beginning, also where the start was latest', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic], table: { start: 'latest', order: { column: 'n', width: 19 } } })
    await sendIds(topic, [1])
    await stageAll(config)
    const running = await startedRun(config, silent)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] })
    await until(
      'the partition',
      // Just added, a partition has no leader for a moment.
      () => admin.fetchTopicOffsets(topic).catch(() => []),
      ({ length }) => length === 2,
    )
    await sendFresh(
      topic,
      [2, 3].map((id) => ({ key: String(id), value: insert(id), partition: 1 })),
    )
    await untilCommitted(config, topic)
    assert.deepEqual((await readiness(running.port)).halts, [])
    running.stop()
    await running.done
    assert.deepEqual(
      (await landedRows(config, topic)).map(({ id }) => id),
      ['2', '3'],
    )
  })

  test('a rolling upgrade: members come and go, and one of another version has stored the same range in other bytes', async () => {
    const topic = await createTopic(3)
    const config = configOf({ topics: [topic] })
    let sent = 0
    const ending = new AbortController()
    const sending = (async () => {
      while (!ending.signal.aborted) {
        await sendIds(topic, idsFrom(sent, sent + 20))
        sent += 20
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    })()
    let members = [await startedRun(config, silent), await startedRun(config, silent)]
    for (let turn = 0; turn < 3; turn++) {
      const [leaving, ...staying] = members
      assert.ok(leaving)
      const before = (await landedRows(config, topic)).length
      await until(
        'some more rows',
        async () => (await landedRows(config, topic)).length,
        (count) => count > before,
      )
      leaving.stop()
      await leaving.done
      members = [...staying, await startedRun(config, silent)]
    }
    ending.abort()
    await sending
    await untilCommitted(config, topic)
    for (const { port } of members) assert.deepEqual((await readiness(port)).halts, [])
    for (const member of members) member.stop()
    await Promise.all(members.map(({ done }) => done))
    assert.deepEqual(
      [...(await foldedRows(config, topic)).keys()].map(Number).sort((a, b) => a - b),
      idsFrom(0, sent),
    )

    // The other version's file: the same rows, another footer.
    await deleteGroup(config)
    await withStage(config, async (stage) => {
      const last = (await landingFiles(config, topic, 0)).at(-1)
      assert.ok(last)
      const key = landingKey(config.stage.prefix, last)
      const [body, head] = [await stage.get(key), await stage.head(key)]
      assert.ok(body && head)
      await stage.remove(key)
      const other = { ...config, ingest: { ...config.ingest, freshness: 3_000 } }
      const running = await startedRun(other, silent)
      await until(
        'the range read again',
        async () => (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text(),
        (text) => new RegExp(`^firn_consumed_offset\\{.*partition="0"\\} ${last.range.last + 1n}$`, 'm').test(text),
      )
      await stage.put(key, Buffer.concat([body, Buffer.from(randomUUID())]), head.metadata)
      await until(
        'the name found taken',
        async () => (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text(),
        (text) => /^firn_files_taken_total\{.*\} 1$/m.test(text),
      )
      await untilCommitted(config, topic)
      assert.deepEqual((await readiness(running.port)).halts, [])
      running.stop()
      await running.done
    })
  })
})
