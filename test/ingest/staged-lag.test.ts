/** How long the oldest message that is not staged has waited. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StagedLag, type Waiting } from '../../src/ingest/staged-lag.ts'
import { until } from '../support/until.ts'
import { ground, messages, reading } from './roster-ground.ts'

function waiting(more: Partial<Waiting>): Waiting {
  return { topic: 't', partition: 0, cursor: 10n, oldestTimestamp: null, lag: 0n, ...more }
}

test('where nothing waits it is 0, also long after the last message', () => {
  const lag = new StagedLag()
  assert.deepEqual(lag.look([waiting({})], 1_000), [0])
  assert.deepEqual(lag.look([waiting({})], 9_000_000), [0])
})

test('what was read and is not staged counts by its own time, also where a clock is wrong', () => {
  const lag = new StagedLag()
  assert.deepEqual(lag.look([waiting({ oldestTimestamp: 4_000n })], 9_000), [5_000])
  assert.deepEqual(lag.look([waiting({ oldestTimestamp: 4_000n, lag: 7n })], 9_000), [5_000])
  assert.deepEqual(lag.look([waiting({ oldestTimestamp: 4_000n, lag: null })], 9_000), [5_000])
  assert.deepEqual(lag.look([waiting({ oldestTimestamp: 10_000n })], 9_000), [0])
})

test('what is not read counts from when it was first seen at this cursor', () => {
  const lag = new StagedLag()
  const behind = waiting({ lag: 3n })
  assert.deepEqual(lag.look([behind], 1_000), [0])
  assert.deepEqual(lag.look([behind], 6_000), [5_000])
  assert.deepEqual(lag.look([{ ...behind, cursor: 11n, lag: 2n }], 11_000), [0])
  assert.deepEqual(lag.look([{ ...behind, cursor: 11n, lag: 2n }], 16_000), [5_000])
  assert.deepEqual(lag.look([{ ...behind, cursor: 13n, lag: 0n }], 21_000), [0])
})

test('it goes on to count while nobody can say how much is left, and says nothing where nobody ever could', () => {
  const lag = new StagedLag()
  const [behind, unknown] = [waiting({ lag: 3n }), waiting({ lag: null })]
  assert.deepEqual(lag.look([unknown], 0), [null])
  lag.look([behind], 1_000)
  assert.deepEqual(lag.look([unknown], 6_000), [5_000])
  assert.deepEqual(lag.look([behind], 11_000), [10_000])
})

test('a partition that went elsewhere and comes back begins anew', () => {
  const lag = new StagedLag()
  const [one, other] = [waiting({ lag: 3n }), waiting({ partition: 1, lag: 3n })]
  lag.look([one, other], 1_000)
  assert.deepEqual(lag.look([other], 2_000), [1_000])
  assert.deepEqual(lag.look([one, other], 3_000), [0, 2_000])
})

test('the oldest message that waits is the first that is on its way, else the first in hand', async () => {
  const { roster, stage, assign, give } = ground({ fileRows: 2 })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = async () => {
    await held.promise
  }
  assign([0])
  await reading(roster, 1)
  const oldest = () => roster.partitions[0]?.oldestTimestamp
  assert.equal(oldest(), null)
  const [one, two, three] = messages(0, 0, 2).map((message, at) => ({ ...message, timestamp: BigInt(at + 1) * 100n }))
  assert.ok(one && two && three)
  give(0, 0n, { messages: [one], next: 1n })
  assert.equal(oldest(), 100n)
  give(0, 1n, { messages: [two, three], next: 3n })
  assert.equal(oldest(), 100n)
  held.resolve(undefined)
  await until('the first file stored', oldest, (found) => found === 300n)
  roster.partitions[0]?.seal('age')
  await until('all stored', oldest, (found) => found === null)
})

test('a message without a value waits for no file, and what comes after it does not wait since then', async () => {
  const { roster, assign, give } = ground()
  assign([0])
  await reading(roster, 1)
  const oldest = () => roster.partitions[0]?.oldestTimestamp
  const [one, two] = messages(0, 0, 1)
  assert.ok(one && two)
  give(0, 0n, { messages: [{ ...one, value: null, timestamp: 100n }], next: 1n })
  assert.equal(oldest(), 100n)
  roster.partitions[0]?.seal('age')
  await until('passed', oldest, (found) => found === null)
  give(0, 1n, { messages: [{ ...two, timestamp: 900n }], next: 2n })
  assert.equal(oldest(), 900n)
})
