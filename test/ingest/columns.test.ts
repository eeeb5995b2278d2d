/** Pages of one column: which rows of them have a value, wherever nulls begin and end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Column, type ColumnPage, levelsRoom, pageRowsMax } from '../../src/ingest/columns.ts'

/** Whether each row has a value, as a page says it. */
function presentIn({ rows, present, used }: ColumnPage): boolean[] {
  const bits = present && new Uint8Array(present)
  const found = Array.from({ length: rows }, (_, row) => {
    if (!bits) return true
    return bits.length > 0 && ((bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0
  })
  // INT32: what is there is as long as the bits say.
  assert.equal(used - levelsRoom, 4 * found.filter(Boolean).length)
  return found
}

const run = fc.record({
  isNull: fc.boolean(),
  rows: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(pageRowsMax)),
})

test('nulls and values in any order: each page tells which of its rows have a value', () => {
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 6 }), (runs) => {
      const column = new Column({
        name: 'source_ts',
        type: 'INT32',
        optional: true,
      } as unknown as ConstructorParameters<typeof Column>[0])
      const expected: boolean[] = []
      for (const { isNull, rows } of runs) {
        for (let row = 0; row < rows; row++) {
          if (isNull) column.addNull()
          else column.addInt32(row)
          expected.push(!isNull)
        }
      }
      const pages = column.takePages()
      assert.deepEqual(pages.flatMap(presentIn), expected)
      for (const { rows } of pages) assert.ok(rows <= pageRowsMax)
    }),
    { numRuns: 200 },
  )
})

test('a column that is empty holds next to nothing', () => {
  const column = new Column({ name: 'meta', type: 'UTF8', optional: true })
  assert.equal(column.bytes, 0)
  for (let row = 0; row < 100; row++) column.addNull()
  assert.equal(column.bytes, 0)
})
