import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { LandingFile } from '../../src/landing.ts'
import { coveredUntil, type Observed, watermarksOf } from '../../src/status/watermarks.ts'

/** Its newest change has the time of its last offset. */
const file = (first: number, last: number, partition = 0, epoch = 1): LandingFile & { newestMs: number } => ({
  topic: 't',
  epoch,
  partition,
  range: { first: BigInt(first), last: BigInt(last) },
  newestMs: last,
})

const nothing: Observed = {
  topic: 't',
  table: 'S.T',
  epoch: 1,
  log: [{ partition: 0, committed: null, metadata: null, isVouched: false, stagedMs: null, end: 9n }],
  gaps: [],
  staged: [],
  loaded: null,
  merged: null,
}

function first(observed: Partial<Observed>): object {
  const [watermark] = watermarksOf({ ...nothing, ...observed })
  assert.ok(watermark)
  const { consumed, staged, loaded, merged, end } = watermark
  return { consumed, staged, loaded, merged, end }
}

describe('watermarks', () => {
  test('nothing known is nothing claimed', () => {
    assert.deepEqual(first({}), { consumed: null, staged: null, loaded: null, merged: null, end: 9n })
  })

  test('each is where the gapless files end', () => {
    const staged = [file(0, 2), file(3, 3), file(4, 8)]
    assert.deepEqual(
      first({
        log: [{ partition: 0, committed: 9n, metadata: null, isVouched: false, stagedMs: null, end: 9n }],
        staged,
        loaded: [file(0, 2), file(4, 8)],
        merged: [file(4, 8)],
      }),
      { consumed: 9n, staged: 9n, loaded: 3n, merged: 0n, end: 9n },
    )
  })

  test('files that the stage has forgotten still count as loaded', () => {
    assert.deepEqual(first({ staged: [file(6, 8)], loaded: [file(0, 5), file(6, 8)], merged: [file(0, 5)] }), {
      consumed: null,
      staged: 9n,
      loaded: 9n,
      merged: 6n,
      end: 9n,
    })
  })

  test('what was given up holds nothing up, nor does what carries no row behind the last file', () => {
    const log = [{ partition: 0, committed: 9n, metadata: 'own', isVouched: true, stagedMs: 8, end: 9n }]
    const gaps = [{ partition: 0, range: { first: 3n, last: 4n } }]
    const staged = [file(0, 2), file(5, 6)]
    assert.deepEqual(first({ log, gaps, staged, loaded: staged, merged: [file(0, 2)] }), {
      consumed: 9n,
      staged: 9n,
      loaded: 9n,
      merged: 5n,
      end: 9n,
    })
  })

  test('what the landing table has pruned was loaded: it was merged', () => {
    const files = [file(0, 2), file(3, 5), file(6, 8)]
    const log = [{ partition: 0, committed: 9n, metadata: 'own', isVouched: true, stagedMs: 8, end: 9n }]
    const pruned = first({ log, staged: files, loaded: [file(6, 8)], merged: files })
    assert.deepEqual(pruned, { consumed: 9n, staged: 9n, loaded: 9n, merged: 9n, end: 9n })
  })

  test('the newest change below each watermark tells how old it is; one behind a hole does not count', () => {
    const log = [{ partition: 0, committed: 9n, metadata: 'own', isVouched: true, stagedMs: 8, end: 9n }]
    const staged = [file(0, 2), file(3, 4), file(5, 8)]
    const [watermark] = watermarksOf({ ...nothing, log, staged, loaded: staged, merged: [file(0, 2), file(5, 8)] })
    assert.deepEqual(watermark?.newest, { staged: 8, loaded: 8, merged: 2 })
  })

  test('a file that is staged behind a hole is not taken for loaded', () => {
    const log = [{ partition: 0, committed: 9n, metadata: 'own', isVouched: true, stagedMs: 8, end: 9n }]
    const { loaded } = first({ log, staged: [file(0, 2), file(5, 8)], loaded: [file(0, 2)] }) as { loaded: bigint }
    assert.equal(loaded, 3n)
  })

  test('partitions and epochs are kept apart', () => {
    const log = [0, 1].map((partition) => ({
      partition,
      committed: null,
      metadata: null,
      isVouched: false,
      stagedMs: null,
      end: 9n,
    }))
    const staged = [file(0, 4), file(0, 6, 1), file(0, 8, 0, 2), file(7, 8, 0)]
    assert.deepEqual(
      watermarksOf({ ...nothing, log, staged }).map((watermark) => watermark.staged),
      [5n, 7n],
    )
  })

  test('coverage ends at the first offset that no range holds', () => {
    const range = fc.record({ first: fc.bigInt(0n, 30n), count: fc.bigInt(1n, 6n) })
    fc.assert(
      fc.property(fc.array(range), fc.bigInt(0n, 20n), (pairs, start) => {
        const ranges = pairs.map(({ first: from, count }) => ({ first: from, last: from + count - 1n }))
        let expected = start
        while (ranges.some((one) => one.first <= expected && expected <= one.last)) expected += 1n
        assert.equal(coveredUntil(ranges, start), expected)
      }),
    )
  })
})
