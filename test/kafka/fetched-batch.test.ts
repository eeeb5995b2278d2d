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
    [
      data(10, 10, 1),
      data(11, 11, 2),
      markerBytes(12n, 1n, 'abort'),
      markerBytes(13n, 2n, 'abort'),
      data(14, 14, 1),
      markerBytes(15n, 1n, 'commit'),
    ],
    [aborted(1, 3), aborted(2, 5)],
  )
  assert.deepEqual(await offsets(batch), [14])
  assert.equal(batch.next, 16n)
})

test('the broker may list what was aborted in any order', async () => {
  const batch = await fetched(
    0n,
    [data(0, 1, 1), data(2, 3, 2), markerBytes(4n, 2n, 'abort'), markerBytes(5n, 1n, 'abort')],
    [aborted(2, 2), aborted(1, 0)],
  )
  assert.deepEqual(await offsets(batch), [])
  const long = await fetched(2n, [data(2, 3, 2), data(4, 4, 0), data(5, 5, 1)], [aborted(2, 2), aborted(1, 0)])
  assert.deepEqual(await offsets(long), [4])
})

test('a key that looks like a marker ends no transaction', async () => {
  const lookalike = Buffer.from([0, 0, 0, 0])
  const batch = await fetched(
    0n,
    [
      data(0, 0, 1, lookalike),
      data(1, 1, 1),
      markerBytes(2n, 1n, 'abort'),
      data(3, 3, 1, lookalike),
      markerBytes(4n, 1n, 'commit'),
    ],
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
  assert.equal(batch.next, 6n)
})

test('a fetch is taken up to a transaction that ends beyond it; the next one, which begins with it, as a whole', async () => {
  const damaged = Buffer.from(await data(4, 4, 0))
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1)
  const parts = [data(0, 0, 0), data(1, 1, 1), markerBytes(2n, 1n, 'commit'), data(3, 3, 2), Promise.resolve(damaged)]
  const batch = await fetched(0n, parts)
  assert.deepEqual(await offsets(batch), [0, 1])
  assert.deepEqual([batch.next, batch.unreadable], [3n, null])
  const committed = await fetched(3n, parts.slice(3))
  assert.deepEqual(await offsets(committed), [3])
  assert.deepEqual([committed.next, committed.unreadable?.first], [4n, 4n])
  const lost = await fetched(3n, parts.slice(3), [aborted(2, 3)])
  assert.deepEqual(await offsets(lost), [])
  assert.equal(lost.next, 4n)
})

type Step = { readonly producer: number; readonly what: 'data' | 'abort' | 'commit' }
type Transaction = {
  readonly producer: number
  readonly offsets: readonly number[]
  readonly end: number
  readonly what: string
}

/** One offset a step; what is open in the end is committed. */
function logOf(steps: readonly Step[]) {
  const ends = [1, 2, 3].map((producer): Step => ({ producer, what: 'commit' }))
  const all = [...steps, ...ends]
  const open = new Map<number, number[]>()
  const transactions: Transaction[] = []
  for (const [at, { producer, what }] of all.entries()) {
    const offsets = open.get(producer) ?? []
    if (what === 'data') open.set(producer, [...offsets, at])
    else {
      open.delete(producer)
      if (offsets.length > 0) transactions.push({ producer, offsets, end: at, what })
    }
  }
  const parts = all.map(({ producer, what }, at) =>
    what === 'data' ? data(at, at, producer) : markerBytes(BigInt(at), BigInt(producer), what),
  )
  const committed = transactions.flatMap(({ what, offsets }) => (what === 'commit' ? offsets : []))
  return { parts, transactions, committed: committed.sort((a, b) => a - b) }
}

const steps = fc.array(
  fc.record({
    producer: fc.integer({ min: 1, max: 3 }),
    what: fc.constantFrom<Step['what']>('data', 'data', 'abort', 'commit'),
  }),
  { minLength: 1, maxLength: 25 },
)

for (const lists of ['all', 'none'] as const) {
  const which =
    lists === 'all' ? 'fetches of any size' : 'fetches that hold a transaction each, of a broker that lists none'
  test(`of interleaved transactions exactly the committed messages are seen, by ${which}`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 30 }), fc.nat(24), async (all, batches, from) => {
        const { parts, transactions, committed } = logOf(all)
        const longest = Math.max(0, ...transactions.map(({ offsets, end }) => end - (offsets[0] ?? end) + 1))
        const size = lists === 'all' ? batches : Math.max(batches, longest)
        // A reader that begins in the middle of a transaction may see its end alone.
        const start = lists === 'all' ? Math.min(from, parts.length) : 0
        const seen: number[] = []
        for (let at = start; at < parts.length;) {
          const end = at + size
          const listed = transactions.filter(
            (one) => one.what === 'abort' && one.end >= at && (one.offsets[0] ?? 0) < end,
          )
          const list =
            lists === 'all' ? listed.map(({ producer, offsets: [first = 0] }) => aborted(producer, first)) : []
          const batch = await fetched(BigInt(at), parts.slice(at, end), list.reverse())
          seen.push(...(await offsets(batch)))
          assert.ok(batch.next > BigInt(at))
          at = Number(batch.next)
        }
        assert.deepEqual(
          seen,
          committed.filter((offset) => offset >= start),
        )
      }),
      { numRuns: 300 },
    )
  })
}

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
