import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Change, Message } from '../../src/change.ts'
import type { Decoded } from '../../src/envelope/decoded.ts'
import { Failure } from '../../src/failure.ts'
import { Batch } from '../../src/ingest/batch.ts'
import { anchorOf } from '../../src/ingest/anchor.ts'
import { levelsRoom, pageBytesMax, pageRowsMax } from '../../src/ingest/columns.ts'

const start = { topic: 'shop.customers', epoch: 1, partition: 3, openedAtMs: 1000 }
const tombstone: Decoded = { kind: 'tombstone' }

const message = (offset: bigint, rest: Partial<Message> = {}): Message => ({
  topic: 'shop.customers',
  partition: 3,
  offset,
  timestamp: 5n,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: [],
  ...rest,
})

const changes = (rest: Partial<Change> = {}, count = 1): Decoded => ({
  kind: 'changes',
  changes: Array.from({ length: count }, (_, rowIndex) => ({
    rowIndex,
    op: 'c',
    id: '1',
    position: { epoch: 1, revision: 0, isLogged: true, order: '', rank: 0, offset: 1n, partition: 3, rowIndex },
    sourceTable: null,
    sourceTs: null,
    before: null,
    after: Buffer.from('{}'),
    meta: null,
    ...rest,
  })),
})

describe('a batch', () => {
  test('covers from its first offset to the last one added, holes and tombstones included', () => {
    const batch = new Batch({ ...start, first: 10n })
    batch.add(message(12n), changes({}, 2))
    batch.add(message(13n), { kind: 'reject', code: 'NOT_JSON', reason: 'no JSON' })
    batch.add(message(17n, { value: null }), tombstone)
    batch.cover(20n)
    assert.equal(batch.next, 20n)
    const { groups, bytes, anchor, ...sealed } = batch.seal()
    assert.deepEqual(sealed, {
      topic: 'shop.customers',
      epoch: 1,
      partition: 3,
      range: { first: 10n, last: 19n },
      openedAtMs: 1000,
      messages: 3,
      rows: 3,
      rejects: 1,
      tombstones: 1,
      valuesBytes: 0,
      values: [],
      lastTimestamp: 5n,
      lastSourceTs: null,
    })
    assert.deepEqual(
      groups.map(({ rows }) => rows),
      [3],
    )
    assert.ok(bytes > 0)
    assert.deepEqual(anchor, anchorOf(message(17n, { value: null })))
  })

  test('keeps a value that is too large for a row apart, and counts it as memory', () => {
    const batch = new Batch({ ...start, first: 10n })
    const value = Buffer.alloc(97 * 2 ** 20, 'x')
    batch.add(message(12n, { value }), { kind: 'reject', code: 'VALUE_TOO_LARGE', reason: 'large' })
    assert.ok(batch.bytes > value.length)
    assert.ok(batch.fileBytesEstimate < 100_000)
    const { values, valuesBytes, rows, rejects, bytes } = batch.seal()
    assert.deepEqual([rows, rejects, valuesBytes], [1, 1, value.length])
    assert.ok(bytes > value.length)
    assert.deepEqual(
      values.map(({ offset, bytes }) => [offset, bytes.equals(value)]),
      [[12n, true]],
    )
  })

  test('without a message has no anchor and no rows, and still covers its range', () => {
    const batch = new Batch({ ...start, first: 10n })
    batch.cover(15n)
    const { anchor, rows, range, groups } = batch.seal()
    assert.deepEqual(
      { anchor, rows, range, groups },
      { anchor: null, rows: 0, range: { first: 10n, last: 14n }, groups: [] },
    )
  })

  test('refuses an offset that it covers already, and is as it was', () => {
    const batch = new Batch({ ...start, first: 10n })
    assert.throws(() => {
      batch.add(message(9n), changes())
    }, RangeError)
    batch.add(message(10n), changes())
    assert.throws(() => {
      batch.add(message(10n), changes())
    }, RangeError)
    assert.throws(() => {
      batch.cover(10n)
    }, RangeError)
    assert.equal(batch.rows, 1)
    assert.equal(batch.next, 11n)
  })

  test('that covers nothing cannot be sealed', () => {
    assert.throws(() => new Batch({ ...start, first: 10n }).seal(), RangeError)
  })

  test('keeps no reference to the buffers of a message once it has let go', () => {
    const value = Buffer.from('{"id":1}')
    const key = Buffer.from('key')
    const batch = new Batch({ ...start, first: 0n })
    const before = anchorOf(message(0n, { key, value }))
    batch.add(message(0n, { key, value }), changes({ after: value }))
    batch.letGo()
    value.fill(0)
    key.fill(0)
    const { anchor, groups } = batch.seal()
    assert.deepEqual(anchor, before)
    const pages = groups.flatMap((group) => group.columns.flat())
    const texts = pages.map((page) => Buffer.from(page.values, 0, page.used).toString())
    assert.ok(texts.some((text) => text.endsWith('{"id":1}')))
    assert.ok(texts.some((text) => text.endsWith('key')))
  })

  test('tells the latest commit at the source, whatever the order of arrival', () => {
    const batch = new Batch({ ...start, first: 0n })
    batch.add(message(0n), changes({ sourceTs: 7n }))
    batch.add(message(1n), changes({ sourceTs: 9n }))
    batch.add(message(2n), changes({ sourceTs: 8n }))
    batch.add(message(3n), changes())
    assert.equal(batch.seal().lastSourceTs, 9n)
  })

  test('counts the memory that it holds: no less than the text in it, and little more', () => {
    const batch = new Batch({ ...start, first: 0n })
    for (let offset = 0n; offset < 30_000n; offset++)
      batch.add(message(offset), changes({ after: Buffer.alloc(500, 'x') }))
    const text = 30_000 * 500
    assert.ok(batch.bytes > text && batch.bytes < text * 1.5, `${batch.bytes} for ${text}`)
    assert.ok(batch.fileBytesEstimate < batch.bytes)
    const { bytes, groups } = batch.seal()
    const held = groups
      .flatMap((group) => group.columns.flat())
      .reduce((sum, page) => sum + page.values.byteLength + (page.present?.byteLength ?? 0), 0)
    assert.equal(bytes, held)
  })

  test('estimates its file by the measure of the last one', () => {
    const batch = new Batch({ ...start, first: 0n, fileBytesPerByte: 0.1 })
    batch.add(message(0n), changes({ after: Buffer.alloc(100_000) }))
    assert.ok(batch.fileBytesEstimate > 10_000 && batch.fileBytesEstimate <= Math.ceil(batch.bytes * 0.1))
  })

  test('refuses what no landing column holds, and is as it was', () => {
    const batch = new Batch({ ...start, first: 0n })
    batch.add(message(0n), changes())
    const tooLong = Buffer.alloc(100_663_297)
    assert.throws(
      () => {
        batch.add(message(1n, { value: tooLong }), { kind: 'reject', code: 'NOT_JSON', reason: '' })
      },
      (error) => error instanceof Failure && error.code === 'TEXT_TOO_LONG',
    )
    assert.equal(batch.next, 1n)
    assert.equal(batch.seal().rows, 1)
  })
})

test('pages end at their limit of rows and of bytes; only a single long value makes a longer page', () => {
  const lengths = fc.array(
    fc.oneof(fc.nat(2000), fc.integer({ min: 200_000, max: 600_000 }), fc.constant(2 ** 20 + 7)),
    {
      maxLength: 40,
    },
  )
  fc.assert(
    fc.property(lengths, fc.nat(5000), (long, short) => {
      const batch = new Batch({ ...start, first: 0n })
      let offset = 0n
      for (const length of [...long, ...Array.from({ length: short }, () => 1)]) {
        batch.add(message(offset++), changes({ after: Buffer.alloc(length, 'x') }))
      }
      if (offset === 0n) return
      for (const { rows, columns } of batch.seal().groups) {
        for (const pages of columns) {
          assert.equal(
            pages.reduce((sum, page) => sum + page.rows, 0),
            rows,
          )
          for (const page of pages) {
            assert.ok(page.rows > 0 && page.rows <= pageRowsMax)
            assert.ok(page.values.byteLength - levelsRoom <= pageBytesMax || page.rows === 1)
          }
        }
      }
    }),
    { numRuns: 30 },
  )
})

test('an anchor tells apart any two messages that differ in key, value, or what is null of them', () => {
  const part = fc.option(fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)))
  fc.assert(
    fc.property(part, part, part, part, (key, value, otherKey, otherValue) => {
      const hash = anchorOf({ offset: 0n, timestamp: 0n, key, value }).hash
      const other = anchorOf({ offset: 0n, timestamp: 0n, key: otherKey, value: otherValue }).hash
      const same = (a: Buffer | null, b: Buffer | null): boolean => (a && b ? a.equals(b) : a === b)
      assert.equal(hash === other, same(key, otherKey) && same(value, otherValue))
    }),
    { numRuns: 2000 },
  )
})
