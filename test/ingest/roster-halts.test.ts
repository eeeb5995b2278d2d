/** Partitions that halt: what they leave behind, and when they go on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { parseHaltNote } from '../../src/ingest/commitment.ts'
import { until } from '../support/until.ts'
import { ground, messages, ownCommit, reading } from './roster-ground.ts'

test('a halt is noted behind what is stored, beside the offset that is committed', async () => {
  const { roster, events, commits, assign, give } = ground()
  assign([0])
  await reading(roster, 1)
  const unreadable = { first: 2n, last: 8n, reason: 'CRC-32C mismatch' }
  assert.equal(give(0, 0n, { messages: messages(0, 0, 1), next: 2n, unreadable }), 'take')
  for (let again = 0; again < 3; again++) assert.equal(give(0, 2n, { next: 2n, unreadable }), 'take')
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
