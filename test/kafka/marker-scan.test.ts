/** Whatever a broker lists, the markers of a log say what was committed: also those that lie beyond a fetch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FetchedBatch, type PartitionData } from '../../src/kafka/fetched-batch.ts'
import { MarkerScan } from '../../src/kafka/marker-scan.ts'
import { decodeRecordBatches } from '../../src/kafka/record-batch.ts'
import { batchBytes, markerBytes } from '../support/record-batches.ts'

type Step = { readonly producer: number; readonly what: 'data' | 'abort' | 'commit' }

const producers = [1, 2, 3]

const steps = fc.array(
  fc.record({
    producer: fc.constantFrom(0, ...producers),
    what: fc.constantFrom<Step['what']>('data', 'data', 'data', 'abort', 'commit'),
  }),
  { minLength: 1, maxLength: 40 },
)

/** One batch a step, each of one offset; producer 0 is of no transaction. What is open in the end is committed. */
class Log {
  readonly batches: readonly Promise<Buffer>[]
  readonly committed: readonly number[]
  /** first offset and marker of each transaction */
  readonly #spans: readonly (readonly [first: number, end: number])[]
  /** how much of it the broker has so far */
  written = 0

  constructor(given: readonly Step[]) {
    const all = [...given, ...producers.map((producer): Step => ({ producer, what: 'commit' }))]
    const open = new Map<number, number[]>()
    const committed: number[] = []
    const spans: (readonly [number, number])[] = []
    for (const [at, { producer, what }] of all.entries()) {
      const offsets = open.get(producer) ?? []
      if (producer === 0) committed.push(at)
      else if (what === 'data') open.set(producer, [...offsets, at])
      else {
        open.delete(producer)
        if (what === 'commit') committed.push(...offsets)
        if (offsets[0] !== undefined) spans.push([offsets[0], at])
      }
    }
    this.batches = all.map(({ producer, what }, at) => {
      const offset = BigInt(at)
      const records = [{ offset, key: null, value: Buffer.from('v') }]
      if (producer === 0) return batchBytes({ first: offset, last: offset, records })
      if (what !== 'data') return markerBytes(offset, BigInt(producer), what)
      return batchBytes({ first: offset, last: offset, records, producerId: BigInt(producer), transactional: true })
    })
    this.committed = committed.sort((a, b) => a - b)
    this.#spans = spans
  }

  get stable(): number {
    const open = this.#spans.filter(([first, end]) => first < this.written && end >= this.written)
    return Math.min(this.written, ...open.map(([first]) => first))
  }

  /** As a broker that lists nothing of what was aborted. */
  async fetch(from: number, end: number): Promise<PartitionData> {
    const bytes = Buffer.concat(await Promise.all(this.batches.slice(from, Math.max(from, end))))
    const messages = decodeRecordBatches(bytes, () => Promise.reject(new Error('not compressed')))
    return { partition: 0, highWatermark: String(this.written), abortedTransactions: [], messages }
  }
}

const cases = fc.tuple(steps, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.nat(40))

test('exactly what was committed is seen, by fetches and reads ahead of any size, and nothing is read ahead twice', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ([given, size, sizeAhead, writtenFirst]) => {
      const log = new Log(given)
      const ahead: number[] = []
      const scan = new MarkerScan(async ({ offset }, { isolation }) => {
        assert.equal(isolation, 'uncommitted')
        const end = Math.min(Number(offset) + sizeAhead, log.written)
        for (let at = Number(offset); at < end; at++) ahead.push(at)
        return await log.fetch(Number(offset), end)
      })
      const seen: number[] = []
      log.written = Math.min(writtenFirst, log.batches.length)
      for (let at = 0; at < log.batches.length;) {
        if (at === log.stable) {
          log.written = log.batches.length
          continue
        }
        const batch = new FetchedBatch('t', String(at), await log.fetch(at, Math.min(at + size, log.stable)))
        await scan.settle([batch])
        assert.equal(batch.inDoubt.size, 0)
        for await (const { messages } of batch.stretches()) for (const { offset } of messages) seen.push(Number(offset))
        at = Number(batch.next)
      }
      assert.deepEqual(seen, log.committed)
      assert.equal(new Set(ahead).size, ahead.length)
    }),
    { numRuns: 1_000 },
  )
})

test('a fetch waits for so many reads, and the next one goes on where they ended', async () => {
  const log = new Log([
    { producer: 1, what: 'data' },
    ...Array.from({ length: 100 }, (): Step => ({ producer: 0, what: 'data' })),
    { producer: 1, what: 'data' },
    { producer: 1, what: 'abort' },
  ])
  log.written = log.batches.length
  let reads = 0
  const scan = new MarkerScan(async ({ offset }) => {
    reads++
    return await log.fetch(Number(offset), Number(offset) + 1)
  })
  const settled = async (from: number) => {
    const batch = new FetchedBatch('t', String(from), await log.fetch(from, from + 1))
    await scan.settle([batch])
    return [batch.inDoubt.size, reads]
  }
  assert.deepEqual(await settled(0), [1, 64])
  assert.deepEqual(await settled(1), [0, 64])
  // From where a read ahead has come to on, and from before where it began, it begins anew.
  assert.deepEqual(await settled(101), [0, 65])
  assert.deepEqual(await settled(0), [1, 129])
  log.written = 1
  const none = new MarkerScan(() => Promise.resolve(null))
  const batch = new FetchedBatch('t', '0', await log.fetch(0, 1))
  await none.settle([batch])
  assert.equal(batch.inDoubt.size, 1)
})
