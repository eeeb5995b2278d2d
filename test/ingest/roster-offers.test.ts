/** What is offered to a partition, stretch by stretch: how long its buffers are good for, and what may come in between. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anchorOf } from '../../src/ingest/anchor.ts'
import { parseCommitment } from '../../src/ingest/commitment.ts'
import { ground, messages, reading } from './roster-ground.ts'

test('the buffers of what was offered are let go of by the time that the offer returns', async () => {
  const { roster, assign, give, commits } = ground()
  assign([0])
  await reading(roster, 1)
  const offered = messages(0, 0, 4)
  const expected = anchorOf(offered.at(-1) ?? assert.fail())
  assert.equal(give(0, 0n, { messages: offered, next: 5n }), 'take')
  for (const { key, value } of offered) for (const bytes of [key, value]) bytes?.fill(0)
  await roster.flush(10_000)
  const committed = parseCommitment(commits.get(0)?.metadata ?? null)
  assert.deepEqual([committed?.next, committed?.anchor], [5n, expected])
})

test('of a fetch in several stretches the rest is dropped when the partition starts anew in between', async () => {
  const { roster, assign, offer, committed } = ground()
  assign([0])
  await reading(roster, 1)
  const askedAt = roster.turn
  assert.equal(offer(0, 0, 4, askedAt), 'take')
  assign([0])
  await reading(roster, 1)
  // It continues at the cursor, and was asked for before: of which log it is, nobody looked.
  assert.equal(offer(0, 5, 9, askedAt), 'drop')
  assert.equal(offer(0, 5, 6), 'take')
  await roster.flush(10_000)
  assert.equal(committed(0), 7n)
})
