/** The partitions of one process: what is taken, stored and committed, in which order and generation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { ground, keyOf, messages, offer, reading, topic } from './roster-ground.ts'

test('a partition is paused until its start is known, then read from there', async () => {
  const { roster, events } = ground()
  roster.assign({ [topic]: [0] })
  assert.deepEqual(events, ['pause 0'])
  assert.equal(offer(roster, 0, 0, 1), 'drop')
  await reading(roster, 1)
  assert.deepEqual(events, ['pause 0', 'seek 0 0', 'resume 0'])
})

test('a batch that does not continue at the cursor is fetched again from the cursor, and leaves no row', async () => {
  const { roster, events, stage } = ground()
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  assert.equal(offer(roster, 0, 0, 9), 'take')
  assert.equal(offer(roster, 0, 200, 209), 'seek')
  assert.equal(events.at(-1), 'seek 0 10')
  assert.equal(offer(roster, 0, 0, 9), 'seek')
  await roster.flush(10_000)
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 9n)])
})

test('nothing is committed before its file is stored', async () => {
  const { roster, stage, events, commits } = ground({ fileRows: 10 })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = async () => {
    await held.promise
  }
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  offer(roster, 0, 0, 9)
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.equal(commits.size, 0)
  held.resolve(undefined)
  await until(
    'the commit',
    () => events.at(-1),
    (last) => last === 'commit 0 10',
  )
})

test('one partition stores in order, others do not wait for it', async () => {
  const { roster, stage, commits } = ground({ fileRows: 10 })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = async (key) => {
    if (key === keyOf(0, 0n, 9n)) await held.promise
  }
  roster.assign({ [topic]: [0, 1] })
  await reading(roster, 2)
  offer(roster, 0, 0, 19)
  offer(roster, 1, 0, 9)
  await until(
    'the commit of the other',
    () => commits.get(1)?.toString(),
    (next) => next === '10',
  )
  assert.deepEqual(stage.keys, [keyOf(1, 0n, 9n)])
  held.resolve(undefined)
  await until(
    'both files',
    () => commits.get(0)?.toString(),
    (next) => next === '20',
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 9n), keyOf(0, 10n, 19n), keyOf(1, 0n, 9n)])
})

test('a partition that stays through a rebalance stores what it has, and goes on behind it', async () => {
  const { roster, stage, commits, events } = ground()
  roster.assign({ [topic]: [0, 1] })
  await reading(roster, 2)
  offer(roster, 0, 0, 4)
  offer(roster, 1, 0, 4)
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 4n)])
  assert.deepEqual(
    events.filter((event) => event.startsWith('seek 0')),
    ['seek 0 0', 'seek 0 5'],
  )
  await until(
    'the commit of what was adopted',
    () => commits.get(0)?.toString(),
    (next) => next === '5',
  )
  assert.equal(offer(roster, 1, 5, 9), 'drop')
})

test('a partition that stays through several rebalances waits for what the first of them left to store', async () => {
  const { roster, stage, events } = ground({ fileRows: 5 })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = () => held.promise
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  offer(roster, 0, 0, 4)
  roster.assign({ [topic]: [0] })
  roster.assign({ [topic]: [0] })
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.deepEqual(
    roster.partitions.map(({ phase }) => phase),
    ['resuming'],
  )
  held.resolve(undefined)
  await reading(roster, 1)
  assert.equal(events.filter((event) => event.startsWith('seek')).at(-1), 'seek 0 5')
})

test('an earlier generation commits nothing, also where its put ends late', async () => {
  const { roster, stage, commits } = ground({ fileRows: 5 })
  const held = Promise.withResolvers<undefined>()
  const begun = Promise.withResolvers<undefined>()
  stage.beforePut = async () => {
    begun.resolve(undefined)
    await held.promise
  }
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  offer(roster, 0, 0, 4)
  await begun.promise
  roster.assign({})
  held.resolve(undefined)
  await until(
    'the late file',
    () => stage.keys.length,
    (count) => count === 1,
  )
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.equal(commits.size, 0)
})

test('reading pauses while the memory is used up, and goes on when files have arrived', async () => {
  const { roster, stage, events } = ground({ memory: '100KiB' })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = async () => {
    await held.promise
  }
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  let at = 0
  while (events.at(-1) !== 'pause 0' && at < 10_000) {
    offer(roster, 0, at, at + 99)
    at += 100
  }
  assert.equal(events.at(-1), 'pause 0')
  held.resolve(undefined)
  const paused = () => events.filter((event) => event.startsWith('pause') || event.startsWith('resume')).at(-1)
  await until('reading again', paused, (last) => last === 'resume 0')
})

test('tombstones and holes are covered: by the next file, and by the commit where none comes', async () => {
  const { roster, stage, commits } = ground()
  roster.assign({ [topic]: [0] })
  await reading(roster, 1)
  const [gone, ...rest] = messages(0, 3, 5)
  assert.ok(gone)
  roster.offer(topic, 0, 0n, [{ ...gone, value: null }], 10n)
  await roster.flush(10_000)
  assert.deepEqual(stage.keys, [])
  assert.equal(commits.get(0), 10n)
  const again = ground()
  again.roster.assign({ [topic]: [0] })
  await reading(again.roster, 1)
  again.roster.offer(topic, 0, 0n, [{ ...gone, value: null }, ...rest], 10n)
  await again.roster.flush(10_000)
  assert.deepEqual(again.stage.keys, [keyOf(0, 0n, 9n)])
})
