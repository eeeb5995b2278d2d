/** Where a partition resumes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { OffsetRange } from '../../src/change.ts'
import { encodeCommitment } from '../../src/ingest/commitment.ts'
import { resume, vouchedOffset } from '../../src/ingest/resume.ts'

const range = (first: bigint, last: bigint): OffsetRange => ({ first, last })
const log = { low: 0n, high: 1_000n }
const cursorOf = (vouched: bigint | null, staged: readonly OffsetRange[], bounds = log) => {
  const result = resume(vouched, staged, bounds)
  return result.kind === 'resume' ? result.cursor : result.code
}

test('with nothing staged and nothing committed it starts at the earliest message there is', () => {
  assert.equal(cursorOf(null, [], { low: 17n, high: 20n }), 17n)
})

test('files above the commit that join it are adopted, and not those behind a hole', () => {
  assert.equal(cursorOf(10n, [range(10n, 19n), range(20n, 24n), range(26n, 30n)]), 25n)
})

test('a file that begins below the commit and ends above it is adopted', () => {
  assert.equal(cursorOf(10n, [range(5n, 14n)]), 15n)
})

test('a commit that vouches counts also where its files are gone', () => {
  assert.equal(cursorOf(500n, []), 500n)
})

test('without a commit the earliest file still staged shows where the chain begins', () => {
  assert.equal(cursorOf(null, [range(40n, 49n), range(50n, 59n)]), 60n)
})

test('the stage ends below what Kafka still has: retention loss', () => {
  assert.equal(cursorOf(10n, [range(10n, 19n)], { low: 21n, high: 40n }), 'RETENTION_LOSS')
  assert.equal(cursorOf(10n, [range(10n, 19n)], { low: 20n, high: 40n }), 20n)
})

test('the stage ends above what Kafka has: another log', () => {
  assert.equal(cursorOf(10n, [range(10n, 19n)], { low: 0n, high: 19n }), 'OFFSET_BEYOND_LOG')
  assert.equal(cursorOf(10n, [range(10n, 19n)], { low: 0n, high: 20n }), 20n)
})

test('the cursor is the first offset from the start on that nothing covers', () => {
  const offset = fc.bigInt({ min: 0n, max: 60n })
  const ranges = fc
    .array(fc.tuple(offset, fc.bigInt({ min: 0n, max: 12n })), { maxLength: 12 })
    .map((pairs) =>
      pairs
        .map(([first, length]) => range(first, first + length))
        .sort((a, b) => Number(a.first - b.first) || Number(a.last - b.last)),
    )
  fc.assert(
    fc.property(fc.option(offset), ranges, (vouched, staged) => {
      const start = vouched ?? staged[0]?.first ?? 0n
      let expected = start
      const covers = ({ first, last }: OffsetRange) => first <= expected && expected <= last
      while (staged.some(covers)) expected++
      assert.equal(cursorOf(vouched, staged), expected)
    }),
  )
})

test('a commit vouches only in its own epoch and for the very offset that it names', () => {
  const metadata = encodeCommitment({ epoch: 2, next: 10n, first: 5n, anchor: null })
  assert.equal(vouchedOffset({ offset: 10n, metadata }, 2), 10n)
  assert.equal(vouchedOffset({ offset: 10n, metadata }, 3), null)
  assert.equal(vouchedOffset({ offset: 11n, metadata }, 2), null)
  assert.equal(vouchedOffset({ offset: 10n, metadata: null }, 2), null)
  assert.equal(vouchedOffset({ offset: 10n, metadata: 'by another tool' }, 2), null)
  assert.equal(vouchedOffset(null, 2), null)
})
