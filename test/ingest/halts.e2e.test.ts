/**
 * Right halts, on a real Kafka and a real S3 server: what was staged belongs to another log, or something would be left out.
 * Each test ends with the remedy that its hint names, and an end state that is exact.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Config } from '../../src/config.ts'
import { configSchema } from '../../src/config.ts'
import { firn, type Finished } from '../support/firn.ts'
import { ownStack } from '../support/stack.ts'
import { until } from '../support/until.ts'
import {
  admin,
  committed,
  configOf,
  createTopic,
  endGround,
  foldedRows,
  folder,
  haltsOf,
  idsFrom,
  insert,
  producer,
  readiness,
  recreateTopic,
  sendFresh,
  sendIds,
  sendTransaction,
  settings,
  silent,
  stageAll,
  startedRun,
  untilCommitted,
} from './run-ground.ts'

after(endGround)

const idsOf = (rows: ReadonlyMap<string, unknown>) => [...rows.keys()].map(Number).sort((a, b) => a - b)
const withTable = (config: Config, change: object): Config => ({
  ...config,
  tables: config.tables.map((table) => ({ ...table, ...change })),
})

/** Runs a command of firn with this configuration. */
async function command(line: string, given: object): Promise<Finished> {
  const file = join(folder, `${Math.random()}.yaml`)
  await writeFile(file, JSON.stringify({ ...given, log: { level: 'silent' } }))
  const [program, ...args] = line.split(' ')
  assert.equal(program, 'firn')
  return await firn([...args, '--config', file])
}

/** The command that a hint names. */
function remedyIn(hint: string): string {
  const [, found] = /Run: (firn .*)$/.exec(hint) ?? []
  assert.ok(found, hint)
  return found
}

// One after the other: while a topic is gone, the shared clients that know of it fail at whatever they are asked.
describe('right halts where a topic was created anew', () => {
  test('a topic that was created anew, and is shorter than what was staged, halts; a raised epoch reads it from its beginning', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    await sendIds(topic, idsFrom(0, 10))
    await stageAll(config)
    await recreateTopic(topic, 1)
    await sendIds(topic, idsFrom(5, 8))
    const [halt] = await haltsOf(config)
    assert.equal(halt?.code, 'OFFSET_BEYOND_LOG')
    assert.match(halt.hint, /Raise tables\[\]\.epoch/)
    // It grows beyond what was staged, and stays another log.
    await sendIds(topic, idsFrom(8, 30))
    const [again] = await haltsOf(config)
    assert.equal(again?.code, 'LOG_REPLACED')
    await stageAll(withTable(config, { epoch: 2 }))
    assert.deepEqual(idsOf(await foldedRows(config, topic)), idsFrom(0, 30))
  })

  test('a topic that was created anew, and is longer than what was staged, halts by what stands at the anchor', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    await sendIds(topic, idsFrom(0, 10))
    await stageAll(config)
    await recreateTopic(topic, 1)
    await sendIds(topic, idsFrom(100, 130))
    const [halt] = await haltsOf(config)
    assert.equal(halt?.code, 'LOG_REPLACED')
    assert.match(halt.message, /at offset 9 stands another message/)
    assert.equal((await committed(config, topic))[0]?.offset, '10')
    await stageAll(withTable(config, { epoch: 2 }))
    assert.deepEqual(idsOf(await foldedRows(config, topic)), [...idsFrom(0, 10), ...idsFrom(100, 130)])
  })

  test('so does one whose last offset was a marker, and one where a marker stands at the anchor now', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    await sendTransaction(topic, [1, 2], 'commit')
    await sendTransaction(topic, [3], 'abort')
    await stageAll(config)
    await recreateTopic(topic, 1)
    await sendIds(topic, [4])
    // The anchor was offset 1; the log is longer than the 5 offsets that were staged.
    await sendTransaction(topic, [5, 6, 7, 8], 'commit')
    assert.equal((await haltsOf(config))[0]?.code, 'LOG_REPLACED')

    const second = withTable(config, { epoch: 2 })
    await stageAll(second)
    await recreateTopic(topic, 1)
    await sendTransaction(topic, [9, 10, 11], 'commit')
    await sendTransaction(topic, [12, 13], 'commit')
    // The anchor was offset 4, where the new log has a message; 3 and 6 are its markers.
    const [halt] = await haltsOf(second)
    assert.equal(halt?.code, 'LOG_REPLACED')
    await stageAll(withTable(config, { epoch: 3 }))
    assert.deepEqual(idsOf(await foldedRows(config, topic)), [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
  })
})

describe('right halts', { concurrency: 3 }, () => {
  test('another cluster at the configured address halts every partition', async () => {
    const topic = await createTopic(2)
    const config = configOf({ topics: [topic] })
    await sendIds(topic, idsFrom(0, 10))
    await stageAll(config)
    const other = ownStack()
    try {
      const endpoints = await other.up()
      const elsewhere = { ...config, kafka: { ...config.kafka, brokers: [...endpoints.kafka.brokers] } }
      const { kafkaClient } = await import('../../src/kafka/client.ts')
      const otherAdmin = kafkaClient(elsewhere.kafka, silent).admin()
      await otherAdmin.connect()
      await otherAdmin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: false })
      await otherAdmin.disconnect()
      const halts = await haltsOf(elsewhere, 2)
      assert.deepEqual(
        halts.map(({ code }) => code),
        ['LOG_REPLACED', 'LOG_REPLACED'],
      )
      assert.match(halts[0]?.message ?? '', /began on cluster \S+, and this is \S+/)
    } finally {
      await other.down({ clean: true })
    }
    await stageAll(config)
    assert.deepEqual(idsOf(await foldedRows(config, topic)), idsFrom(0, 10))
  })

  test('messages that Kafka deleted before they were staged halt; the gap is acknowledged with the command in the hint', async () => {
    const topic = await createTopic(1)
    const given = settings({ topics: [topic] })
    const config = configSchema.parse(given)
    await sendIds(topic, idsFrom(0, 5))
    await stageAll(config)
    await sendIds(topic, idsFrom(5, 20))
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '15' }] })
    const running = await startedRun(config, silent)
    const { halts } = await until(
      'the halt',
      () => readiness(running.port),
      ({ halts }) => halts.length > 0,
    )
    assert.equal(halts[0]?.code, 'RETENTION_LOSS')

    const shown = await command('firn status', { ...given, warehouse: undefined })
    assert.equal(shown.code, 3)
    assert.match(
      shown.stdout,
      new RegExp(`halted {2}${topic}/0 {2}RETENTION_LOSS: .*staged to 5, and the log holds 15 to 20`),
    )
    const remedy = remedyIn(shown.stdout.trim())
    assert.equal(remedy, `firn ack-gap --topic ${topic} --partition 0 --offsets 5-14`)
    const rehearsed = await command(`${remedy} --dry-run`, given)
    assert.match(rehearsed.stdout, /offsets 5-14 of epoch 1 would be given up\. Kafka has deleted them\./)
    const done = await command(`${remedy} --reason tested`, given)
    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stdout, /offsets 5-14 of epoch 1 are given up/)
    assert.match((await command(remedy, given)).stdout, /were given up before/)

    await until(
      'going on',
      () => readiness(running.port),
      ({ halts }) => halts.length === 0,
    )
    await untilCommitted(config, topic)
    running.stop()
    await running.done
    assert.deepEqual(idsOf(await foldedRows(config, topic)), [...idsFrom(0, 5), ...idsFrom(15, 20)])
    const calm = await command('firn status', { ...given, warehouse: undefined })
    assert.equal(calm.code, 0)
    assert.doesNotMatch(calm.stdout, /halted/)
    assert.match(calm.stdout, /^\S+ +0 +20 +20 +20 +\d+s$/m, 'what was given up holds nothing up')
    const late = await command(`firn ack-gap --topic ${topic} --partition 0 --offsets 15-19 --discard`, given)
    assert.match(late.stderr, /offsets 15-19 are staged already/)
  })

  test('offsets that were set forward by hand halt, and what they would have skipped is staged when they are put back', async () => {
    const topic = await createTopic(1)
    const given = settings({ topics: [topic] })
    const config = configSchema.parse(given)
    await sendIds(topic, idsFrom(0, 5))
    await stageAll(config)
    await sendIds(topic, idsFrom(5, 30))
    const set = (offset: string) =>
      admin.setOffsets({ groupId: config.kafka.group, topic, partitions: [{ partition: 0, offset }] })
    await set('20')
    const [halt] = await haltsOf(config)
    assert.equal(halt?.code, 'OFFSETS_SKIPPED')
    assert.match(halt.message, /committed is 20, and nothing covers 5-19/)
    assert.equal((await committed(config, topic))[0]?.offset, '20', 'not touched')
    assert.match((await command('firn status', { ...given, warehouse: undefined })).stdout, /OFFSETS_SKIPPED/)

    const remedy = remedyIn(halt.hint)
    assert.equal(remedy, `firn ack-gap --topic ${topic} --partition 0 --offsets 5-19 --discard`)
    const cautious = await command(remedy.replace(' --discard', ''), given)
    assert.equal(cautious.code, 2)
    assert.match(cautious.stderr, /Kafka still has offsets 5-19; to give up their messages, add --discard/)
    await set('5')
    await stageAll(config)
    assert.deepEqual(idsOf(await foldedRows(config, topic)), idsFrom(0, 30))

    await sendIds(topic, idsFrom(30, 40))
    await set('35')
    const [second] = await haltsOf(config)
    const given2 = await command(remedyIn(second?.hint ?? ''), given)
    assert.equal(given2.code, 0, given2.stderr)
    await stageAll(config)
    assert.deepEqual(idsOf(await foldedRows(config, topic)), [...idsFrom(0, 30), ...idsFrom(35, 40)])
  })

  test('another key or order within an epoch halts; put back, or in a raised epoch, all is staged', async () => {
    const topic = await createTopic(2)
    const given = settings({ topics: [topic] })
    const config = configSchema.parse(given)
    await sendIds(topic, idsFrom(0, 10))
    await stageAll(config)
    const otherKey = withTable(config, { key: ['id', 'n'] })
    const halts = await haltsOf(otherKey, 2)
    assert.deepEqual(
      halts.map(({ code }) => code),
      ['SETTINGS_CHANGED', 'SETTINGS_CHANGED'],
    )
    assert.match(halts[0]?.message ?? '', /began with key \["id"\], and the config says \["id","n"\]/)
    const changed = { ...given, warehouse: undefined, tables: [{ ...given.tables[0], order: 'kafka-timestamp' }] }
    const shown = await command('firn status', changed)
    assert.equal(shown.code, 3)
    assert.match(shown.stdout, new RegExp(`halted {2}${topic} {2}SETTINGS_CHANGED: .*began with order null`))
    await sendIds(topic, idsFrom(10, 15))
    await stageAll(config)
    await stageAll(withTable(config, { order: 'kafka-timestamp', epoch: 2 }))
    assert.deepEqual(idsOf(await foldedRows(config, topic)), idsFrom(0, 15))
  })

  const keyChange = (from: number, to: number, v: number) =>
    `{"operation":"UPDATE","before":{"id":${from}},"after":{"id":${to},"v":${v}}}`
  const update = (id: number, v: number) => `{"operation":"UPDATE","before":null,"after":{"id":${id},"v":${v}}}`

  test('without an order a key change, an unkeyed change and an added partition halt; with an order, in a raised epoch, none does', async () => {
    const topic = await createTopic(2)
    const config = configOf({ topics: [topic] })
    const at = (partition: number, value: string, key: string | null = 'k') => ({ partition, key, value })
    await producer.send({
      topic,
      messages: [at(0, update(1, 1)), at(0, keyChange(1, 2, 2)), at(1, update(3, 1)), at(1, update(3, 2), null)],
    })
    const halts = await haltsOf(config, 2)
    assert.deepEqual(
      halts.map(({ code }) => code),
      ['UNORDERED', 'UNORDERED'],
    )
    assert.deepEqual(
      (await committed(config, topic)).map(({ offset }) => offset),
      ['1', '1'],
    )

    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    await until(
      'the partition',
      // Just added, a partition has no leader for a moment.
      () => admin.fetchTopicOffsets(topic).catch(() => []),
      ({ length }) => length === 3,
    )
    const whole = await haltsOf(config, 3)
    assert.deepEqual(new Set(whole.map(({ code }) => code)), new Set(['UNORDERED']))
    assert.match(whole[0]?.message ?? '', /began with 2 partitions and has 3/)
    assert.match(whole[0]?.hint ?? '', /Name tables\[\]\.order and raise tables\[\]\.epoch/)

    const ordered = withTable(config, { order: { column: 'v', width: 9 }, epoch: 2 })
    await sendFresh(topic, [at(2, update(2, 9)), at(0, update(2, 5)), at(2, update(3, 1))])
    await stageAll(ordered)
    const rows = await foldedRows(config, topic)
    assert.deepEqual([rows.get('1'), rows.get('2'), rows.get('3')], [undefined, '{"id":2,"v":9}', '{"id":3,"v":2}'])
  })

  test('a partition that is added while Firn runs halts a table without an order', async () => {
    const topic = await createTopic(1)
    const config = configOf({ topics: [topic] })
    await producer.send({ topic, messages: [{ key: '1', value: insert(1) }] })
    const running = await startedRun(config, silent)
    await untilCommitted(config, topic)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] })
    const { halts } = await until(
      'halts',
      () => readiness(running.port),
      ({ halts }) => halts.length === 2,
    )
    assert.deepEqual(
      halts.map(({ code }) => code),
      ['UNORDERED', 'UNORDERED'],
    )
    running.stop()
    await running.done
  })
})
