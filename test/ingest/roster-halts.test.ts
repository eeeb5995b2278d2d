/** Partitions that halt: what they leave behind, and when they go on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { encodeMetadata, parseHaltNote } from '../../src/ingest/commitment.ts'
import { valueKey } from '../../src/landing.ts'
import { until } from '../support/until.ts'
import { anchorBelow, ground, messages, ownCommit, reading, topic } from './roster-ground.ts'

test('a halt is noted behind what is stored, beside the offset that is committed', async () => {
  const { roster, events, commits, assign, give } = ground()
  assign([0])
  await reading(roster, 1)
  const unreadable = { first: 2n, last: 8n, reason: 'CRC-32C mismatch' }
  assert.equal(give(0, 0n, { messages: messages(0, 0, 1), next: 2n, unreadable }), 'seek')
  for (let again = 0; again < 3; again++) assert.equal(give(0, 2n, { next: 2n, unreadable }), 'seek')
  assert.equal(roster.halts.length, 0)
  assert.equal(give(0, 2n, { next: 2n, unreadable }), 'drop')
  await until(
    'the note',
    () => events.at(-1),
    (last) => last === 'commit 0 2 RECORD_UNREADABLE',
  )
  assert.deepEqual(parseHaltNote(commits.get(0)?.metadata ?? null), {
    code: 'RECORD_UNREADABLE',
    message: 'orders/0: the record batch at offset 2: CRC-32C mismatch',
    command: 'firn ack-gap --topic orders --partition 0 --offsets 2-8 --discard',
  })
  assert.match(
    roster.halts.map(({ hint }) => hint).join(''),
    /Run: firn ack-gap --topic orders --partition 0 --offsets 2-8 --discard$/,
  )
})

test('a batch that could not be read once is taken when it can, and its failures are forgotten', async () => {
  const { roster, assign, give } = ground()
  assign([0])
  await reading(roster, 1)
  const unreadable = { first: 0n, last: 8n, reason: 'CRC-32C mismatch' }
  for (let at = 0n; at < 10n; at++) {
    for (let again = 0; again < 4; again++) give(0, at, { next: at, unreadable: { ...unreadable, first: at } })
    assert.equal(give(0, at, { messages: messages(0, Number(at), Number(at)), next: at + 1n }), 'take')
  }
  assert.equal(roster.halts.length, 0)
})

test('a halted partition goes on when its gap is acknowledged, and not before', async () => {
  const { roster, bounds, commits, gaps, events, assign, setting } = ground()
  commits.set(0, ownCommit(5n))
  bounds.log = { low: 8n, high: 10n }
  assign([0])
  const codes = () => roster.halts.map(({ code }) => code)
  await until('the halt', codes, ([code]) => code === 'RETENTION_LOSS')
  await roster.reconsider()
  assert.deepEqual(codes(), ['RETENTION_LOSS'])
  gaps.set(0, [{ first: 5n, last: 7n }])
  await roster.reconsider()
  await reading(roster, 1)
  assert.deepEqual(codes(), [])
  assert.equal(roster.partitions[0]?.cursor, 8n)
  await until(
    'the commit',
    () => events.at(-1),
    (last) => last === 'commit 0 8',
  )
  assert.doesNotMatch(await setting.metrics.exposition(), /^firn_halted\{/m)
})

test('a partition that halted at a message stays there until that is given up', async () => {
  const { roster, gaps, assign, give } = ground()
  assign([0])
  await reading(roster, 1)
  const [first, long] = messages(0, 0, 1)
  assert.ok(first && long)
  give(0, 0n, { messages: [first, { ...long, key: Buffer.alloc(97 * 2 ** 20) }], next: 2n })
  const [halted] = roster.partitions
  await halted?.settled
  await roster.reconsider()
  assert.equal(roster.partitions[0], halted)
  gaps.set(0, [{ first: 1n, last: 1n }])
  await roster.reconsider()
  await reading(roster, 1)
  assert.equal(roster.partitions[0]?.cursor, 2n)
})

test('a log that was replaced under a running partition is seen at the message that was taken before, and nothing of it is stored', async () => {
  const { roster, stage, entries, assign, offer } = ground()
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  const [, , , , last] = messages(0, 0, 4)
  assert.ok(last)
  entries.set('0 4', { kind: 'message', message: last })
  await roster.verify()
  await roster.verify()
  assert.equal(roster.halts.length, 0)
  // The new log has come further than the old one when it is fetched from.
  offer(0, 5, 9)
  entries.set('0 4', { kind: 'message', message: { ...last, value: Buffer.from('other') } })
  await roster.verify()
  assert.deepEqual(
    roster.halts.map(({ code }) => code),
    ['LOG_REPLACED'],
  )
  await roster.flush(1_000)
  assert.deepEqual(stage.keys, [])
})

test('a message that is gone, or a log that cannot be read now, halts nothing', async () => {
  const { roster, membership, assign, offer } = ground()
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 4)
  await roster.verify()
  await roster.verify()
  membership.entryAt = () => Promise.reject(new Failure('KAFKA_UNREACHABLE', 'away'))
  await roster.verify()
  assert.equal(roster.halts.length, 0)
})

test('that the log was replaced stays known, though what was read of the new one has been committed', async () => {
  const { roster, entries, events, commits, assign, offer } = ground({ fileRows: 5 })
  assign([0])
  await reading(roster, 1)
  const all = messages(0, 0, 9)
  const [old, fresh] = [all[4], all[9]]
  assert.ok(old && fresh)
  offer(0, 0, 4)
  entries.set('0 4', { kind: 'message', message: old })
  await roster.verify()
  offer(0, 5, 9)
  await until(
    'the commit',
    () => events.at(-1),
    (event) => event === 'commit 0 10',
  )
  entries.set('0 4', { kind: 'message', message: { ...old, value: Buffer.from('other') } })
  entries.set('0 9', { kind: 'message', message: fresh })
  await roster.verify()
  await until(
    'the note',
    () => parseHaltNote(commits.get(0)?.metadata ?? null)?.code,
    (code) => code === 'LOG_REPLACED',
  )
  const codes = () => roster.halts.map(({ code }) => code)
  await roster.reconsider()
  assert.deepEqual(codes(), ['LOG_REPLACED'])
  // Even if the former message is back: what was read of the other log has been committed.
  entries.set('0 4', { kind: 'message', message: old })
  assign([0])
  await until('the halt', codes, ([code]) => code === 'LOG_REPLACED')
  await roster.reconsider()
  assert.deepEqual(codes(), ['LOG_REPLACED'])
})

test('what is still stored of a replaced log is committed with that note, too', async () => {
  const { roster, stage, entries, events, assign, offer } = ground({ fileRows: 5 })
  assign([0])
  await reading(roster, 1)
  const [, , , , old] = messages(0, 0, 4)
  assert.ok(old)
  offer(0, 0, 4)
  entries.set('0 4', { kind: 'message', message: old })
  await until(
    'the commit',
    () => events.at(-1),
    (event) => event === 'commit 0 5',
  )
  await roster.verify()
  const held = Promise.withResolvers<undefined>()
  stage.beforePut = () => held.promise
  offer(0, 5, 9)
  entries.set('0 4', { kind: 'message', message: { ...old, value: Buffer.from('other') } })
  await roster.verify()
  held.resolve(undefined)
  await roster.partitions[0]?.settled
  const commits = events.filter((event) => event.startsWith('commit')).slice(2)
  assert.deepEqual(commits, ['commit 0 5 LOG_REPLACED', 'commit 0 10 LOG_REPLACED', 'commit 0 10 LOG_REPLACED'])
})

test('a name that is taken by what is no landing file halts, and stays so', async () => {
  const { roster, stage, assign, offer, events } = ground({ maxValueBytes: '10B', fileRows: 1 })
  await stage.put(valueKey('p/', topic, 1, 0, 0n), Buffer.from('of another'), {})
  assign([0])
  await reading(roster, 1)
  offer(0, 0, 0)
  const codes = () => roster.halts.map(({ code }) => code)
  await until('the halt', codes, ([code]) => code === 'NAME_TAKEN')
  const [halted] = roster.partitions
  await roster.reconsider()
  assert.equal(roster.partitions[0], halted)
  assert.deepEqual(codes(), ['NAME_TAKEN'])
  assert.deepEqual(stage.keys, [valueKey('p/', topic, 1, 0, 0n)])
  assert.ok(!events.includes('commit 0 1'))
})

test('so it does where the file begins at offsets that were passed before', async () => {
  const { roster, stage, commits, assign, offer } = ground({ maxValueBytes: '10B', fileRows: 1 })
  const metadata = encodeMetadata({ epoch: 1, next: 20n, first: 10n, open: true, anchor: anchorBelow(10n) })
  commits.set(0, { offset: 20n, metadata })
  await stage.put(valueKey('p/', topic, 1, 0, 20n), Buffer.from('of another'), {})
  assign([0])
  await reading(roster, 1)
  offer(0, 20, 20)
  await until(
    'the halt',
    () => roster.halts.map(({ code }) => code),
    ([code]) => code === 'NAME_TAKEN',
  )
})

test('partitions of a topic are reconsidered all at once', async () => {
  const { roster, bounds, commits, gaps, membership, assign } = ground()
  const numbers = Array.from({ length: 20 }, (_, number) => number)
  for (const number of numbers) commits.set(number, ownCommit(5n))
  bounds.log = { low: 8n, high: 10n }
  assign(numbers)
  await until(
    'the halts',
    () => roster.halts.length,
    (count) => count === 20,
  )
  for (const number of numbers.slice(0, 15)) gaps.set(number, [{ first: 5n, last: 7n }])
  let looks = 0
  const findStarts = membership.findStarts.bind(membership)
  membership.findStarts = (...asked) => {
    looks++
    return findStarts(...asked)
  }
  const { length: before } = roster.halts
  await roster.reconsider()
  assert.equal(before, 20)
  assert.equal(looks, 1)
  await reading(roster, 15)
  assert.equal(roster.halts.length, 5)
})
