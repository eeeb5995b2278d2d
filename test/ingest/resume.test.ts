/** Where a partition resumes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { OffsetRange } from '../../src/change.ts'
import { encodeMetadata } from '../../src/ingest/commitment.ts'
import type { Anchor } from '../../src/landing.ts'
import { type Committed, resume, type Trail, vouching } from '../../src/ingest/resume.ts'

const range = (first: bigint, last: bigint): OffsetRange => ({ first, last })
const anchorBelow = (next: bigint): Anchor | null =>
  next === 0n ? null : { offset: next - 1n, timestamp: 0n, hash: '0'.repeat(64) }
const commit = (next: bigint, epoch = 1): Committed => ({
  offset: next,
  metadata: encodeMetadata({ epoch, next, first: next, open: false, anchor: anchorBelow(next) }),
})
const foreign = (offset: bigint): Committed => ({ offset, metadata: null })
const empty: Trail = { epoch: 1, start: { offset: 0n, earliest: true }, committed: null, staged: [], gaps: [] }
const wide = { low: 0n, high: 1_000n }
const found = (trail: Partial<Trail>, log = wide) => resume({ ...empty, ...trail }, log)
const at = (trail: Partial<Trail>, log = wide) => {
  const result = found(trail, log)
  return result.kind === 'resume' ? result.cursor : result.code
}

test('with nothing staged and nothing committed it begins where the epoch does', () => {
  assert.equal(at({ start: { offset: 500n, earliest: false } }), 500n)
})

test('an epoch that began at the earliest message begins at what is the earliest now, as long as nothing is staged', () => {
  assert.equal(at({}, { low: 17n, high: 20n }), 17n)
  assert.equal(at({ start: { offset: 5n, earliest: false } }, { low: 17n, high: 20n }), 'RETENTION_LOSS')
  assert.equal(at({ staged: [range(0n, 9n)] }, { low: 17n, high: 20n }), 'RETENTION_LOSS')
  assert.equal(at({ committed: commit(9n) }, { low: 17n, high: 20n }), 'RETENTION_LOSS')
})

test('files above the commit that join it are adopted, and not those behind a hole', () => {
  const staged = [range(10n, 19n), range(20n, 24n), range(26n, 30n)]
  assert.deepEqual(found({ committed: commit(10n), staged }), {
    kind: 'resume',
    cursor: 25n,
    adopted: [range(10n, 19n), range(20n, 24n)],
  })
})

test('a file that begins below the commit and ends above it is adopted', () => {
  assert.equal(at({ committed: commit(10n), staged: [range(5n, 14n)] }), 15n)
})

test('a commit that vouches counts also where its files are gone', () => {
  assert.equal(at({ committed: commit(500n) }), 500n)
})

test('without a commit the earliest file still staged shows where the chain begins', () => {
  assert.equal(at({ staged: [range(40n, 49n), range(50n, 59n)] }), 60n)
})

test('a commit of another epoch says nothing of this one, and is no harm', () => {
  assert.equal(at({ committed: commit(700n, 2) }), 0n)
  assert.equal(at({ committed: commit(700n, 2), staged: [range(0n, 9n)] }), 10n)
})

test('acknowledged gaps are adopted like files, and are none', () => {
  const gaps = [range(10n, 14n), range(40n, 50n)]
  assert.deepEqual(found({ committed: commit(10n), gaps, staged: [range(15n, 19n)] }), {
    kind: 'resume',
    cursor: 20n,
    adopted: [range(15n, 19n)],
  })
  assert.equal(at({ gaps: [range(0n, 99n)] }, { low: 100n, high: 200n }), 100n)
})

test('an offset that something else has moved forward, past what is staged, halts; its gap is named', () => {
  assert.deepEqual(found({ committed: foreign(30n), staged: [range(0n, 9n), range(20n, 29n)] }), {
    kind: 'halt',
    code: 'OFFSETS_SKIPPED',
    reason: 'staged to 10, committed is 30, and nothing covers 10-29',
    cursor: 10n,
    adopted: [range(0n, 9n)],
    gap: range(10n, 29n),
  })
  assert.equal(at({ committed: foreign(10n) }), 'OFFSETS_SKIPPED')
  assert.equal(at({ committed: foreign(30n), gaps: [range(0n, 29n)] }), 30n)
})

test('an offset that something else has moved backwards, or to what is staged, moves nothing', () => {
  const staged = [range(0n, 9n), range(10n, 29n)]
  for (const offset of [0n, 5n, 30n]) assert.equal(at({ committed: foreign(offset), staged }), 30n)
  assert.equal(at({ committed: foreign(0n) }), 0n)
})

test('a string of Firn beside another offset is as good as none', () => {
  const copied = { ...commit(10n), offset: 25n }
  assert.equal(at({ committed: copied, staged: [range(0n, 9n)] }), 'OFFSETS_SKIPPED')
  assert.equal(at({ committed: copied, staged: [range(0n, 24n)] }), 25n)
})

test('the stage ends below what Kafka still has: retention loss, with its gap', () => {
  const staged = [range(10n, 19n)]
  const loss = found({ committed: commit(10n), staged }, { low: 21n, high: 40n })
  assert.deepEqual(loss.kind === 'halt' && [loss.code, loss.gap], ['RETENTION_LOSS', range(20n, 20n)])
  assert.equal(at({ committed: commit(10n), staged }, { low: 20n, high: 40n }), 20n)
})

test('the stage ends above what Kafka has: another log', () => {
  const staged = [range(10n, 19n)]
  assert.equal(at({ committed: commit(10n), staged }, { low: 0n, high: 19n }), 'OFFSET_BEYOND_LOG')
  assert.equal(at({ committed: commit(10n), staged }, { low: 0n, high: 20n }), 20n)
})

test('the cursor is the first offset from the start on that neither a file nor a gap covers', () => {
  const offset = fc.bigInt({ min: 0n, max: 60n })
  const ranges = fc
    .array(fc.tuple(offset, fc.bigInt({ min: 0n, max: 12n })), { maxLength: 12 })
    .map((pairs) =>
      pairs
        .map(([first, length]) => range(first, first + length))
        .sort((a, b) => Number(a.first - b.first) || Number(a.last - b.last)),
    )
  fc.assert(
    fc.property(fc.option(offset), ranges, ranges, offset, (vouched, staged, gaps, begun) => {
      const committed = vouched === null ? null : commit(vouched)
      let expected = vouched ?? staged[0]?.first ?? begun
      const covers = ({ first, last }: OffsetRange) => first <= expected && expected <= last
      while (staged.some(covers) || gaps.some(covers)) expected++
      assert.equal(at({ committed, staged, gaps, start: { offset: begun, earliest: false } }), expected)
    }),
  )
})

test('a commit vouches only in its own epoch and for the very offset that it names', () => {
  const { metadata } = commit(10n, 2)
  assert.equal(vouching({ offset: 10n, metadata }, 2)?.next, 10n)
  assert.equal(vouching({ offset: 10n, metadata }, 3), null)
  assert.equal(vouching({ offset: 11n, metadata }, 2), null)
  assert.equal(vouching({ offset: 10n, metadata: null }, 2), null)
  assert.equal(vouching({ offset: 10n, metadata: 'by another tool' }, 2), null)
  assert.equal(vouching(null, 2), null)
})

test('a commit that has seen no message vouches for no log: one that begins below it is read from there', () => {
  const metadata = encodeMetadata({ epoch: 1, next: 5n, first: 0n, open: true, anchor: null })
  const committed = { offset: 5n, metadata }
  assert.equal(at({ committed }, { low: 0n, high: 9n }), 0n)
  assert.equal(at({ committed }, { low: 5n, high: 9n }), 5n)
  assert.equal(at({ committed, staged: [range(0n, 3n)] }, { low: 0n, high: 9n }), 4n)
  // What it was committed to read, and retention took since, is a loss all the same.
  assert.equal(at({ committed }, { low: 6n, high: 9n }), 'RETENTION_LOSS')
  assert.equal(at({ committed, start: { offset: 3n, earliest: false } }, { low: 0n, high: 9n }), 5n)
})
