import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { holesIn, hullOf, overlapsIn } from '../../src/audit/coverage.ts'
import type { OffsetRange } from '../../src/change.ts'

const width = 60

const range = fc
  .tuple(fc.integer({ min: -5, max: width + 5 }), fc.integer({ min: 0, max: 12 }))
  .map(([first, more]): OffsetRange => ({ first: BigInt(first), last: BigInt(first + more) }))
const ranges = fc.array(range, { maxLength: 12 })
const bounds = { first: 0n, last: BigInt(width - 1) }

const holds = (list: readonly OffsetRange[], offset: number): number =>
  list.filter(({ first, last }) => first <= BigInt(offset) && BigInt(offset) <= last).length

const offsets = Array.from({ length: width }, (_, offset) => offset)

describe('coverage', () => {
  test('every offset that no range holds lies in a hole, and no other one does', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const holes = holesIn(bounds, list)
        for (const offset of offsets) assert.equal(holds(holes, offset), holds(list, offset) === 0 ? 1 : 0)
        for (const { first, last } of holes) assert.ok(bounds.first <= first && first <= last && last <= bounds.last)
      }),
      { numRuns: 2_000 },
    )
  })

  test('holes are as few as can be: between two of them lies a range', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const holes = holesIn(bounds, list)
        for (const [at, { first }] of holes.entries()) {
          const before = holes[at - 1]
          assert.ok(!before || before.last + 1n < first)
        }
      }),
    )
  })

  test('an overlap is told where and only where more than one range holds an offset', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const overlaps = overlapsIn(list)
        for (const offset of offsets) assert.equal(holds(overlaps, offset) > 0, holds(list, offset) > 1)
      }),
      { numRuns: 2_000 },
    )
  })

  test('nothing has no hull, and leaves its bounds open as a whole', () => {
    assert.equal(hullOf([]), null)
    assert.deepEqual(holesIn(bounds, []), [bounds])
    assert.deepEqual(
      hullOf([
        { first: 4n, last: 5n },
        { first: 1n, last: 2n },
        { first: 2n, last: 9n },
      ]),
      { first: 1n, last: 9n },
    )
  })
})
