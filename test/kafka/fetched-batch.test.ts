/** What a reader of committed transactions may see of a fetch, and how far it covers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import fc from 'fast-check'
import { FetchedBatch } from '../../src/kafka/fetched-batch.ts'
import { decodeRecordBatches } from '../../src/kafka/record-batch.ts'
import type { AbortedTransaction } from '../../src/kafka/transactions.ts'
import { batchBytes, markerBytes } from '../support/record-batches.ts'

const raw = (_: number, bytes: Buffer) => Promise.resolve(bytes)

async function fetched(
  from: bigint,
  parts: readonly Promise<Buffer>[],
  abortedTransactions: readonly AbortedTransaction[] = [],
) {
  const messages = decodeRecordBatches(Buffer.concat(await Promise.all(parts)), raw)
  return new FetchedBatch('t', from.toString(), { partition: 0, highWatermark: '99', abortedTransactions, messages })
}
const offsets = async (batch: FetchedBatch) => {
  const found: number[] = []
  for await (const { messages } of batch.stretches()) for (const { offset } of messages) found.push(Number(offset))
  return found
}
const data = (first: number, last: number, producer: number, key: Buffer | null = null) => {
  const records = Array.from({ length: last - first + 1 }, (_, at) => ({
    offset: BigInt(first + at),
    key,
    value: Buffer.from('v'),
  }))
  return batchBytes({
    first: BigInt(first),
    last: BigInt(last),
    records,
    producerId: BigInt(producer),
    transactional: producer > 0,
  })
}
const aborted = (producer: number, first: number) => ({ producerId: String(producer), firstOffset: String(first) })

test('two transactions that were aborted and had begun before the fetched offset are both left out', async () => {
  const batch = await fetched(
    10n,
    [data(10, 10, 1), data(11, 11, 2), markerBytes(12n, 1n, 'abort'), markerBytes(13n, 2n, 'abort'), data(14, 14, 1)],
    [aborted(1, 3), aborted(2, 5)],
  )
  assert.deepEqual(await offsets(batch), [14])
  assert.equal(batch.next, 15n)
})

test('the broker may list what was aborted in any order', async () => {
  const batch = await fetched(
    0n,
    [data(0, 1, 1), data(2, 3, 2), markerBytes(4n, 2n, 'abort'), markerBytes(5n, 1n, 'abort'), data(6, 6, 2)],
    [aborted(2, 2), aborted(1, 0)],
  )
  assert.deepEqual(await offsets(batch), [6])
})

test('what was aborted is left out where the broker lists nothing of it', async () => {
  const batch = await fetched(0n, [
    data(0, 0, 1),
    data(1, 1, 2),
    markerBytes(2n, 1n, 'abort'),
    data(3, 3, 1),
    markerBytes(4n, 2n, 'commit'),
    markerBytes(5n, 1n, 'abort'),
  ])
  assert.deepEqual(await offsets(batch), [1])
  assert.deepEqual([batch.next, batch.inDoubt.size], [6n, 0])
})

test('where no marker is known, what the broker lists counts, in any order and up to the next abort marker', async () => {
  const both = await fetched(0n, [data(0, 0, 1), data(1, 1, 2)], [aborted(2, 1), aborted(1, 0)])
  assert.deepEqual(await offsets(both), [])
  assert.deepEqual([...both.inDoubt].sort(), [1n, 2n])
  const next = await fetched(0n, [data(0, 0, 1), markerBytes(1n, 1n, 'abort'), data(2, 2, 1)], [aborted(1, 0)])
  assert.deepEqual(await offsets(next), [2])
  const before = await fetched(2n, [data(2, 2, 1), data(3, 3, 0)], [aborted(1, 0)])
  assert.deepEqual(await offsets(before), [3])
  const beside = await fetched(0n, [data(0, 0, 1), data(1, 1, 2), markerBytes(2n, 2n, 'abort')])
  assert.deepEqual(await offsets(beside), [0])
})

test('a transaction in doubt is settled by the marker that ends it, whatever the broker lists', async () => {
  const parts = [data(0, 0, 1), markerBytes(1n, 1n, 'commit'), data(2, 2, 1), data(3, 3, 2), data(4, 4, 3)]
  const batch = await fetched(0n, parts, [aborted(2, 3), aborted(3, 4)])
  batch.settle(
    new Map([
      [1n, 'abort'],
      [2n, 'commit'],
    ]),
  )
  assert.deepEqual([...batch.inDoubt], [3n])
  assert.deepEqual(await offsets(batch), [0, 3])
})

test('a control batch that is no marker ends no transaction', async () => {
  const records = [{ offset: 1n, key: Buffer.from([0, 0, 0, 2]), value: Buffer.alloc(6) }]
  const other = batchBytes({ first: 1n, last: 1n, records, producerId: 1n, transactional: true, control: true })
  const batch = await fetched(0n, [data(0, 0, 1), other], [aborted(1, 0)])
  assert.deepEqual([await offsets(batch), batch.next, batch.inDoubt.size], [[], 2n, 1])
})

test('a key that looks like a marker ends no transaction', async () => {
  const lookalike = Buffer.from([0, 0, 0, 0])
  const batch = await fetched(
    0n,
    [data(0, 0, 1, lookalike), data(1, 1, 1), markerBytes(2n, 1n, 'abort'), data(3, 3, 1, lookalike)],
    [aborted(1, 0)],
  )
  assert.deepEqual(await offsets(batch), [3])
})

test('messages outside of transactions stay visible among those of an aborted one, also of the same producer', async () => {
  const plain = batchBytes({ first: 1n, last: 1n, records: [{ offset: 1n, key: null, value: null }], producerId: 1n })
  const batch = await fetched(0n, [data(0, 0, 1), plain, data(2, 2, 0), markerBytes(3n, 1n, 'abort')], [aborted(1, 0)])
  assert.deepEqual(await offsets(batch), [1, 2])
})

test('markers, emptied batches and removed offsets are covered to their end', async () => {
  const batch = await fetched(0n, [
    data(0, 0, 1),
    markerBytes(1n, 1n, 'commit'),
    batchBytes({ first: 2n, last: 8n, records: [] }),
  ])
  assert.deepEqual(await offsets(batch), [0])
  assert.equal(batch.next, 9n)
  assert.equal((await fetched(9n, [])).next, 9n)
})

test('what lies below the fetched offset in the first batch is not delivered again', async () => {
  const batch = await fetched(2n, [data(0, 4, 0)])
  assert.deepEqual(await offsets(batch), [2, 3, 4])
  const below = await fetched(5n, [data(0, 4, 0)])
  assert.deepEqual([await offsets(below), below.next], [[], 5n])
})

/** Each producer: runs of data, each ended by an outcome; interleaved at random. */
test('of interleaved transactions exactly the committed messages are seen, from every offset on', async () => {
  const step = fc.record({
    producer: fc.integer({ min: 1, max: 3 }),
    what: fc.constantFrom('data', 'data', 'abort', 'commit'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.nat(24), async (steps, from) => {
      const open = new Map<number, number[]>()
      const committed: number[] = []
      const lost: { producer: number; first: number; end: number }[] = []
      const ends = [1, 2, 3].map((producer) => ({ producer, what: 'commit' }))
      const parts = [...steps, ...ends].map(({ producer, what }, at) => {
        const pending = open.get(producer) ?? []
        if (what === 'data') {
          open.set(producer, [...pending, at])
          return data(at, at, producer)
        }
        if (what === 'commit') committed.push(...pending)
        else if (pending[0] !== undefined) lost.push({ producer, first: pending[0], end: at })
        open.delete(producer)
        return markerBytes(BigInt(at), BigInt(producer), what as 'abort' | 'commit')
      })
      const start = Math.min(from, parts.length)
      const list = lost.filter(({ end }) => end >= start).map(({ producer, first }) => aborted(producer, first))
      const batch = await fetched(BigInt(start), parts.slice(start), list.reverse())
      assert.deepEqual(
        await offsets(batch),
        committed.filter((at) => at >= start).sort((a, b) => a - b),
      )
      assert.equal(batch.next, BigInt(parts.length))
    }),
  )
})

const many = 40
const compressed = (first: number, records: readonly { offset: bigint; key: null; value: Buffer }[]) =>
  batchBytes({ first: BigInt(first), last: BigInt(first + records.length - 1), records, codec: 1 })
const heavy = (first: number) =>
  compressed(first, [{ offset: BigInt(first), key: null, value: Buffer.alloc(2 ** 18, 'v') }])

test('compressed batches are decompressed as they are taken, a stretch of about a mebibyte at a time', async () => {
  let opened = 0
  const parts = await Promise.all(Array.from({ length: many }, (_, at) => heavy(at)))
  const messages = decodeRecordBatches(Buffer.concat(parts), async (_, bytes) => {
    opened++
    return promisify(gunzip)(bytes)
  })
  const batch = new FetchedBatch('t', '0', { partition: 0, highWatermark: '99', abortedTransactions: [], messages })
  assert.equal(opened, 0)
  let reached = 0n
  for await (const stretch of batch.stretches()) {
    assert.equal(stretch.first, reached)
    reached = stretch.next
    assert.equal(BigInt(opened), reached)
    assert.deepEqual(
      [...stretch.messages].map(({ offset }) => offset),
      Array.from({ length: Number(stretch.next - stretch.first) }, (_, at) => stretch.first + BigInt(at)),
    )
    assert.ok(stretch.next - stretch.first <= 5n)
  }
  assert.equal(reached, BigInt(many))
})

test('what a stretch was decompressed into is given back once it is taken, and kept for those who ask for all', async () => {
  const parts = Buffer.concat(await Promise.all(Array.from({ length: many }, (_, at) => heavy(at))))
  const fetch = () =>
    new FetchedBatch('t', '0', {
      partition: 0,
      highWatermark: '99',
      abortedTransactions: [],
      messages: decodeRecordBatches(parts, (_, bytes) => promisify(gunzip)(bytes)),
    })
  const held: (Buffer | null)[] = []
  for await (const { messages } of fetch().stretches()) {
    assert.ok(held.every((value) => value?.length === 0))
    for (const { value } of messages) {
      assert.equal(value?.length, 2 ** 18)
      held.push(value)
    }
  }
  assert.equal(held.length, many)
  // Also where the taker stops, as it does when its memory is full.
  const stopped: (Buffer | null)[] = []
  for await (const { messages } of fetch().stretches()) {
    for (const { value } of messages) stopped.push(value)
    break
  }
  assert.ok(stopped.length > 0)
  assert.ok(stopped.every((value) => value?.length === 0))
  const all = fetch()
  await all.open()
  assert.ok(all.messages.every(({ value }) => value?.length === 2 ** 18))
})

test('a batch that cannot be decompressed ends what is read, behind all that lies before it', async () => {
  const parts = [data(0, 2, 0), heavy(3), data(4, 5, 0)]
  const messages = decodeRecordBatches(Buffer.concat(await Promise.all(parts)), () => Promise.reject(new Error('no')))
  const batch = new FetchedBatch('t', '0', { partition: 0, highWatermark: '99', abortedTransactions: [], messages })
  const stretches = []
  for await (const { messages: found, ...stretch } of batch.stretches())
    stretches.push({ ...stretch, count: [...found].length })
  const unreadable = { first: 3n, last: 3n, reason: 'cannot be decompressed: no' }
  assert.deepEqual(stretches, [{ first: 0n, next: 3n, count: 3, unreadable }])
  await assert.rejects(batch.open(), { code: 'RECORD_UNREADABLE' })
})
