/** The partitions of one process: what is taken, stored and committed, in which order and generation. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import { ground, keyOf, messages, reading } from './roster-ground.ts'

test('a partition is paused until its start is known, then read from there', async () => {
  const { roster, events, assign, offer } = ground()
  assign([0])
  assert.deepEqual(events, ['pause 0'])
  assert.equal(offer(0, 0, 1), 'drop')
  await reading(roster, 1)
  assert.deepEqual(events.slice(0, 3), ['pause 0', 'seek 0 0', 'resume 0'])
  await until(
    'the first commit',
    () => events.at(-1),
    (last) => last === 'commit 0 0',
  )
})

test('a partition that leaves is paused: what would be fetched meanwhile is dropped, and fetched again at once', async () => {
  for (const leave of ['revoke', 'flush'] as const) {
    const { roster, events, assign } = ground()
    assign([0])
    await reading(roster, 1)
    events.length = 0
    await roster[leave](10_000)
    assert.deepEqual(
      events.filter((event) => event.startsWith('pause')),
      ['pause 0'],
    )
  }
})

test('a batch that does not continue at the cursor is fetched again from the cursor, and leaves no row', async () => {
  const { roster, events, stage, assign, offer } = ground()
  assign([0])
  await reading(roster, 1)
  assert.equal(offer(0, 0, 9), 'take')
  assert.equal(offer(0, 200, 209), 'seek')
  assert.equal(events.at(-1), 'seek 0 10')
  assert.equal(offer(0, 0, 9), 'seek')
  await roster.flush(10_000)
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 9n)])
})

test('nothing is committed before its file is stored', async () => {
  const { roster, stage, events, assign, offer, committed } = ground({ fileRows: 10 })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = async () => {
    await held.promise
  }
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 9)
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.equal(committed(0), 0n)
  held.resolve(undefined)
  await until(
    'the commit',
    () => events.at(-1),
    (last) => last === 'commit 0 10',
  )
})

test('one partition stores in order, others do not wait for it', async () => {
  const { roster, stage, assign, offer, committed } = ground({ fileRows: 10 })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = async (key) => {
    if (key === keyOf(0, 0n, 9n)) await held.promise
  }
  assign([0, 1])
  await reading(roster, 2)
  offer(0, 0, 19)
  offer(1, 0, 9)
  await until(
    'the commit of the other',
    () => committed(1)?.toString(),
    (next) => next === '10',
  )
  assert.deepEqual(stage.keys, [keyOf(1, 0n, 9n)])
  held.resolve(undefined)
  await until(
    'both files',
    () => committed(0)?.toString(),
    (next) => next === '20',
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 9n), keyOf(0, 10n, 19n), keyOf(1, 0n, 9n)])
})

test('a partition that stays through a rebalance stores what it has, and goes on behind it', async () => {
  const { roster, stage, events, assign, offer, committed } = ground()
  assign([0, 1])
  await reading(roster, 2)
  offer(0, 0, 4)
  offer(1, 0, 4)
  assign([0])
  await reading(roster, 1)
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 4n)])
  assert.deepEqual(
    events.filter((event) => event.startsWith('seek 0')),
    ['seek 0 0', 'seek 0 5'],
  )
  await until(
    'the commit of what was adopted',
    () => committed(0)?.toString(),
    (next) => next === '5',
  )
  assert.equal(offer(1, 5, 9), 'drop')
})

test('a partition that stays through several rebalances waits for what the first of them left to store', async () => {
  const { roster, stage, events, assign, offer } = ground({ fileRows: 5 })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = () => held.promise
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  assign([0])
  assign([0])
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
  const { roster, stage, assign, offer, committed } = ground({ fileRows: 5 })
  const held = Promise.withResolvers<undefined>()
  const begun = Promise.withResolvers<undefined>()
  stage.beforePut = async () => {
    begun.resolve(undefined)
    await held.promise
  }
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  await begun.promise
  assign([])
  held.resolve(undefined)
  await until(
    'the late file',
    () => stage.keys.length,
    (count) => count === 1,
  )
  for (let turns = 0; turns < 20; turns++) await turn()
  assert.equal(committed(0), 0n)
})

test('reading pauses while the memory is used up, and goes on when files have arrived', async () => {
  const { roster, stage, events, assign, offer } = ground({ memory: '100KiB' })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = async () => {
    await held.promise
  }
  assign([0])
  await reading(roster, 1)
  let at = 0
  while (events.at(-1) !== 'pause 0' && at < 10_000) {
    offer(0, at, at + 99)
    at += 100
  }
  assert.equal(events.at(-1), 'pause 0')
  held.resolve(undefined)
  const paused = () => events.filter((event) => event.startsWith('pause') || event.startsWith('resume')).at(-1)
  await until('reading again', paused, (last) => last === 'resume 0')
})

test('tombstones and holes are covered: by the next file, and by the commit where none comes', async () => {
  const { roster, stage, assign, committed, give } = ground()
  assign([0])
  await reading(roster, 1)
  const [gone, ...rest] = messages(0, 3, 5)
  assert.ok(gone)
  give(0, 0n, { messages: [{ ...gone, value: null }], next: 10n })
  await roster.flush(10_000)
  assert.deepEqual(stage.keys, [])
  assert.equal(committed(0), 10n)
  const again = ground()
  again.assign([0])
  await reading(again.roster, 1)
  again.give(0, 0n, { messages: [{ ...gone, value: null }, ...rest], next: 10n })
  await again.roster.flush(10_000)
  assert.deepEqual(again.stage.keys, [keyOf(0, 0n, 9n)])
})

test('offsets without a row are not committed before the file that is on its way', async () => {
  const { roster, stage, assign, offer, give, committed } = ground({ fileRows: 5, freshness: '50ms' })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = () => held.promise
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  const [tombstone] = messages(0, 5, 5)
  assert.ok(tombstone)
  give(0, 5n, { messages: [{ ...tombstone, value: null }], next: 9n })
  // Longer than the batch may wait for rows.
  await sleep(200)
  assert.equal(committed(0), 0n)
  held.resolve(undefined)
  await until(
    'both commits',
    () => committed(0)?.toString(),
    (next) => next === '9',
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 4n)])
})

test('a fetch that was asked for before its partition started is dropped, also where it continues at the cursor', async () => {
  const { roster, assign, offer, events } = ground()
  assign([0])
  await reading(roster, 1)
  assign([0])
  await reading(roster, 1)
  assert.equal(offer(0, 0, 4, roster.turn - 1), 'drop')
  assert.equal(offer(0, 0, 4), 'take')
  assert.ok(!events.includes('seek 0 5'))
})

test('what the group takes away is stored and committed before it goes, within the time there is', async () => {
  const { roster, stage, assign, offer, committed } = ground()
  assign([0, 1])
  await reading(roster, 2)
  offer(0, 0, 4)
  await roster.revoke(10_000)
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 4n)])
  assert.equal(committed(0), 5n)
  assert.equal(offer(0, 5, 9), 'drop')
  stage.beforePut = () => new Promise(() => undefined)
  assign([0, 1])
  await reading(roster, 2)
  offer(1, 0, 4)
  await roster.revoke(20)
})

test('a fetch is taken for as long as there is room, and fetched again from where it was left', async () => {
  const { roster, stage, setting, assign, give, events } = ground({ memory: '1MiB' })
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = () => held.promise
  assign([0])
  await reading(roster, 1)
  const large = messages(0, 0, 999).map((message) => ({
    ...message,
    value: Buffer.from(`{"operation":"INSERT","after":{"id":1,"text":"${'x'.repeat(10_000)}"}}`),
  }))
  assert.equal(give(0, 0n, { messages: large, next: 1_000n }), 'seek')
  const cursor = roster.partitions[0]?.cursor ?? 0n
  assert.ok(cursor > 50n && cursor < 200n, `taken to ${cursor}`)
  assert.deepEqual(events.slice(-2), ['pause 0', `seek 0 ${cursor}`])
  const { values } = await setting.metrics.firn_buffered_bytes.get()
  // One step beyond: what is taken between two looks.
  assert.ok((values[0]?.value ?? Infinity) < 1.2 * 2 ** 20)
  held.resolve(undefined)
  const paused = () => events.filter((event) => event.startsWith('pause') || event.startsWith('resume')).at(-1)
  await until('reading again', paused, (last) => last === 'resume 0')
  assert.equal(
    give(0, cursor, { messages: large.slice(Number(cursor), Number(cursor) + 9), next: cursor + 9n }),
    'take',
  )
})

test('a batch without a row holds no memory once its generation is over', async () => {
  const { roster, setting, assign, give } = ground()
  for (let generation = 0; generation < 20; generation++) {
    assign([0])
    await reading(roster, 1)
    assert.equal(give(0, 0n, { next: 1n }), 'take')
    await roster.revoke(1_000)
  }
  assign([])
  await roster.flush(1_000)
  assert.match(await setting.metrics.exposition(), /^firn_buffered_bytes 0$/m)
})

test('a file begins where a batch without rows was passed, also by who comes next', async () => {
  const { roster, stage, committed, assign, give, offer } = ground({ fileRows: 5 })
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  give(0, 5n, { next: 7n })
  await roster.revoke(1_000)
  assign([0])
  await reading(roster, 1)
  assert.equal(committed(0), 7n)
  assert.equal(roster.partitions[0]?.cursor, 7n)
  offer(0, 7, 11)
  await until(
    'the commit',
    () => committed(0),
    (next) => next === 12n,
  )
  assert.deepEqual(stage.keys, [keyOf(0, 0n, 4n), keyOf(0, 5n, 11n)])
})
