/** The partitions of one process where something is wrong: outages, other writers, a log that is not what it was. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { until } from '../support/until.ts'
import { fileOf, ground, keyOf, offer, reading, topic } from './roster-ground.ts'

test('a put that fails is repeated until it is stored', async () => {
  const { roster, stage, commits } = ground({ fileRows: 10 })
  let attempts = 0
  stage.beforePut = () => {
    attempts++
    return attempts < 3 ? Promise.reject(new Failure('STAGE_UNREACHABLE', 'away')) : Promise.resolve()
  }
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  offer(roster, 0, 0, 9)
  await until(
    'the commit',
    () => commits.get(0)?.toString(),
    (next) => next === '10',
  )
  assert.equal(attempts, 3)
})

test('where another writer stored the same range first, the partition resumes behind it', async () => {
  const { roster, stage, commits } = ground({ fileRows: 10 })
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  await stage.put(keyOf(0, 0n, 9n), Buffer.from('by another'), {})
  await stage.put(keyOf(0, 10n, 14n), Buffer.from('by another'), {})
  offer(roster, 0, 0, 19)
  await until(
    'its new start',
    () => commits.get(0)?.toString(),
    (next) => next === '15',
  )
  await reading(roster, 1)
  offer(roster, 0, 15, 24)
  await until(
    'its next file',
    () => commits.get(0)?.toString(),
    (next) => next === '25',
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 9n), keyOf(0, 10n, 14n), keyOf(0, 15n, 24n)])
})

test('a partition that is behind its log halts, keeps its place, and is listed', async () => {
  const { roster, bounds, commits, events } = ground()
  commits.set(0, 5n)
  bounds.log = { low: 6n, high: 10n }
  roster.assign({ [topic]: [0, 1] })
  await reading(roster, 1)
  assert.deepEqual(
    roster.halts.map(({ partition, code }) => [partition, code]),
    [[0, 'RETENTION_LOSS']],
  )
  assert.ok(!events.includes('resume 0'))
  assert.equal(commits.get(0), 5n)
})

test('an offset outside of the log is looked into, and halts where the log has lost messages', async () => {
  const { roster, bounds } = ground({ fileRows: 5 })
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  offer(roster, 0, 0, 4)
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

test('a batch that cannot be encoded halts its partition, and nothing behind it is stored', async () => {
  const { roster, stage, setting, commits } = ground({ fileRows: 5 })
  setting.encoder.encode = (batch) =>
    batch.range.first === 5n
      ? Promise.reject(new Failure('ENCODE_FAILED', 'no'))
      : Promise.resolve({ file: fileOf(batch), rows: batch.rows })
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  offer(roster, 0, 0, 14)
  await until(
    'the halt',
    () => roster.halts.map(({ code }) => code),
    (codes) => codes.includes('ENCODE_FAILED'),
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 4n)])
  assert.equal(commits.get(0), 5n)
})

test('leaving while the stage is away ends in time', async () => {
  const { roster, stage } = ground()
  stage.beforePut = () => Promise.reject(new Failure('STAGE_UNREACHABLE', 'away'))
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  offer(roster, 0, 0, 4)
  assert.equal(await roster.flush(50), false)
})
