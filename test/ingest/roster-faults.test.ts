/** The partitions of one process where something is wrong: outages, other writers, a log that is not what it was. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../src/failure.ts'
import { Roster } from '../../src/ingest/roster.ts'
import { until } from '../support/until.ts'
import { fileOf, ground, keyOf, messages, ownCommit, reading, topic } from './roster-ground.ts'

test('a put that fails is repeated until it is stored', async () => {
  const { roster, stage, assign, offer, committed } = ground({ fileRows: 10 })
  let attempts = 0
  stage.beforePut = () => {
    attempts++
    return attempts < 3 ? Promise.reject(new Failure('STAGE_UNREACHABLE', 'away')) : Promise.resolve()
  }
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 9)
  await until(
    'the commit',
    () => committed(0)?.toString(),
    (next) => next === '10',
  )
  assert.equal(attempts, 3)
})

test('where another writer stored the same range first, the partition resumes behind it', async () => {
  const { roster, stage, assign, offer, committed } = ground({ fileRows: 10 })
  assign([0])
  await reading(roster, 1)
  await stage.put(keyOf(0, 0n, 9n), Buffer.from('by another'), {})
  await stage.put(keyOf(0, 10n, 14n), Buffer.from('by another'), {})
  offer(0, 0, 19)
  await until(
    'its new start',
    () => committed(0)?.toString(),
    (next) => next === '15',
  )
  await reading(roster, 1)
  offer(0, 15, 24)
  await until(
    'its next file',
    () => committed(0)?.toString(),
    (next) => next === '25',
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 9n), keyOf(0, 10n, 14n), keyOf(0, 15n, 24n)])
})

test('a partition that is behind its log halts, keeps its place, and is listed', async () => {
  const { roster, bounds, commits, events, assign, committed } = ground()
  commits.set(0, ownCommit(5n))
  bounds.log = { low: 6n, high: 10n }
  assign([0, 1])
  await reading(roster, 1)
  assert.deepEqual(
    roster.halts.map(({ partition, code }) => [partition, code]),
    [[0, 'RETENTION_LOSS']],
  )
  assert.ok(!events.includes('resume 0'))
  assert.equal(committed(0), 5n)
})

test('an offset outside of the log is looked into, and halts where the log has lost messages', async () => {
  const { roster, bounds, assign, offer } = ground({ fileRows: 5 })
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  bounds.log = { low: 9n, high: 10n }
  await until(
    'the file',
    () => roster.partitions[0]?.memory.inFlightBytes,
    (bytes) => bytes === 0,
  )
  roster.outOfRange(topic, 0)
  await until(
    'the halt',
    () => roster.halts.map(({ code }) => code),
    (codes) => codes.includes('RETENTION_LOSS'),
  )
})

test('what was read before the log lost it is stored and committed, however late, before its partition halts', async () => {
  const { roster, bounds, stage, assign, offer, committed } = ground({ fileRows: 5 })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = () => held.promise
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  offer(0, 5, 7)
  bounds.log = { low: 9n, high: 10n }
  roster.outOfRange(topic, 0)
  held.resolve(undefined)
  await until(
    'the halt',
    () => roster.halts.map(({ code }) => code),
    (codes) => codes.includes('RETENTION_LOSS'),
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 4n), keyOf(0, 5n, 7n)])
  assert.equal(committed(0), 8n)
})

test('a batch that cannot be encoded halts its partition, and nothing behind it is stored', async () => {
  const { roster, stage, setting, assign, offer, committed } = ground({ fileRows: 5 })
  setting.encoder.encode = (batch) =>
    batch.range.first === 5n
      ? Promise.reject(new Failure('ENCODE_FAILED', 'no'))
      : Promise.resolve({ file: fileOf(batch), rows: batch.rows })
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 14)
  await until(
    'the halt',
    () => roster.halts.map(({ code }) => code),
    (codes) => codes.includes('ENCODE_FAILED'),
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 4n)])
  assert.equal(committed(0), 5n)
})

test('a message that no column holds halts its partition at it, with all before it stored', async () => {
  const { roster, stage, assign, committed, give } = ground()
  assign([0])
  await reading(roster, 1)
  const [first, long, ...after] = messages(0, 0, 2)
  assert.ok(first && long)
  give(0, 0n, { messages: [first, { ...long, key: Buffer.alloc(97 * 2 ** 20) }, ...after], next: 3n })
  assert.deepEqual(
    roster.halts.map(({ code }) => code),
    ['TEXT_TOO_LONG'],
  )
  await until(
    'the commit',
    () => committed(0)?.toString(),
    (next) => next === '1',
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 0n)])
  assert.equal(roster.partitions[0]?.cursor, 1n)
})

test('leaving while the stage is away ends in time', async () => {
  const { roster, stage, assign, offer } = ground()
  stage.beforePut = () => Promise.reject(new Failure('STAGE_UNREACHABLE', 'away'))
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  assert.equal(await roster.flush(50), false)
})

test('after leaving, a start that is still looked for is given up, and nothing is read', async () => {
  const { roster, events, setting, membership, assign } = ground()
  const looking = Promise.withResolvers<undefined>()
  let looks = 0
  const findStarts = membership.findStarts.bind(membership)
  membership.findStarts = async (...of) => {
    if (looks++ > 0) throw new Failure('KAFKA_UNREACHABLE', 'away')
    await looking.promise
    return findStarts(...of)
  }
  assign([0])
  await until(
    'a first look',
    () => looks,
    (count) => count === 1,
  )
  await roster.flush(0)
  looking.resolve(undefined)
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.deepEqual(events, ['pause 0'])

  looks = 1
  const unlucky = new Roster(setting, membership)
  assign([0], unlucky)
  await until(
    'a failed look',
    () => setting.kafkaOutage.failure?.code,
    (code) => code === 'KAFKA_UNREACHABLE',
  )
  await unlucky.flush(0)
  const looksThen = looks
  // The first wait before another look is 0.2 s.
  await sleep(500)
  assert.equal(looks, looksThen)
})

test('after leaving, and while it leaves, a new generation is not begun, and another writer is no news', async () => {
  const { roster, stage, events, assign, offer } = ground({ fileRows: 5 })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = () => held.promise
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  const before = [...events]
  const flushed = roster.flush(10_000)
  assign([0, 1])
  assert.equal(roster.partitions.length, 1)
  await stage.remove(keyOf(0, 0n, 4n))
  stage.beforePut = () => Promise.resolve()
  await stage.put(keyOf(0, 0n, 4n), Buffer.from('by another'), {})
  held.resolve(undefined)
  await flushed
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.deepEqual(
    events.filter((event) => /^(seek|resume|commit)/.test(event)),
    before.filter((event) => /^(seek|resume|commit)/.test(event)),
  )
})

test('no metric tells of a partition that was left', async () => {
  const { roster, bounds, commits, setting, assign, offer } = ground({ fileRows: 5 })
  commits.set(0, ownCommit(5n))
  bounds.log = { low: 6n, high: 10n }
  assign([0, 1])
  await reading(roster, 1)
  offer(1, 6, 11)
  await roster.flush(10_000)
  const told = (await setting.metrics.exposition())
    .split('\n')
    .filter((line) => /^firn_[a-z_]+\{.*partition=/.test(line))
  assert.deepEqual(
    told.filter((line) => !line.includes('_total{')),
    [],
  )
  assert.notEqual(told.length, 0)
})

test('what is encoded after its partition has halted is no memory in use', async () => {
  const { roster, setting, assign, offer } = ground({ fileRows: 5 })
  const later = Promise.withResolvers<undefined>()
  setting.encoder.encode = async (batch) => {
    if (batch.range.first === 0n) throw new Failure('ENCODE_FAILED', 'no')
    await later.promise
    return { file: fileOf(batch), rows: batch.rows }
  }
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 9)
  const inFlight = () => roster.partitions[0]?.memory.inFlightBytes
  await until('the halt', inFlight, (bytes) => bytes === 0)
  later.resolve(undefined)
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.equal(inFlight(), 0)
})

test('a commit that Kafka refuses is tried again, and no more in another generation', async () => {
  const { roster, setting, assign, committed } = ground({ fileRows: 5 })
  let tries = 0
  const refusing = { id: 7, commit: () => Promise.reject(new Failure('KAFKA_FAILED', `try ${++tries}`)) }
  roster.assign({ [topic]: [0] }, refusing)
  await until(
    'a second try',
    () => tries,
    (count) => count >= 2,
  )
  assign([])
  await sleep(1_000)
  assert.equal(tries, 2)
  assert.equal(committed(0), undefined)
  assert.match(await setting.metrics.exposition(), /^firn_commits_failed_total\{.*\} 2$/m)
})
