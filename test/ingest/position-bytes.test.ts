/** Positions that are written one into the other are those that are written anew. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Position, positionOf } from '../../src/change.ts'
import { PositionBytes } from '../../src/ingest/position-bytes.ts'

const first: Position = {
  epoch: 1,
  revision: 0,
  isLogged: true,
  order: '',
  rank: 0,
  offset: 0n,
  partition: 3,
  rowIndex: 0,
}
const offset = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  fc.constantFrom(8n, 9n, 98n, 99n, 999_999_998n, 10n ** 18n - 1n, 2n ** 63n - 1n),
)

/** What comes next differs from what was before in few things, as a rule in nothing but the offset. */
const step = fc.record(
  {
    epoch: fc.nat(2),
    revision: fc.nat(2),
    isLogged: fc.boolean(),
    order: fc.stringMatching(/^([0-9a-f]{0,2}|[0-9]{19})$/),
    rank: fc.constantFrom<0 | 1>(0, 1),
    offset,
    partition: fc.nat(2),
    rowIndex: fc.nat(2),
  },
  { requiredKeys: [] },
)

test('the bytes are those of the text, whatever was written before', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, step), { maxLength: 30 }), (steps) => {
      const bytes = new PositionBytes()
      let position = first
      for (const change of steps) {
        const next = position.offset === 2n ** 63n - 1n ? 0n : position.offset + 1n
        position = change === null ? { ...position, offset: next } : { ...position, ...change }
        assert.equal(Buffer.from(bytes.of(position)).toString(), positionOf(position))
      }
    }),
    { numRuns: 5_000 },
  )
})

test('what has no place in a position is refused, and what comes after it is written as ever', () => {
  const bytes = new PositionBytes()
  bytes.of(first)
  assert.throws(() => bytes.of({ ...first, offset: -1n }), RangeError)
  assert.throws(() => bytes.of({ ...first, isLogged: false, offset: 10n ** 19n }), RangeError)
  assert.equal(Buffer.from(bytes.of({ ...first, offset: 9n })).toString(), positionOf({ ...first, offset: 9n }))
  assert.equal(Buffer.from(bytes.of({ ...first, offset: 10n })).toString(), positionOf({ ...first, offset: 10n }))
})
