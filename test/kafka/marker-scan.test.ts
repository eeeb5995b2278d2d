/** Whatever a broker lists, the markers of a log say what was committed: also those that lie beyond a fetch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FetchedBatch, type PartitionData } from '../../src/kafka/fetched-batch.ts'
import { scanLog } from '../../src/kafka/log-scan.ts'
import { MarkerScan } from '../../src/kafka/marker-scan.ts'
import { answerMemory } from '../../src/memory.ts'
import { decodeRecordBatches } from '../../src/kafka/record-batch.ts'
import type { FetchOptions, FetchPlace } from '../../src/kafka/single-fetch.ts'
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

  /** As a broker that lists nothing of what was aborted; answers are added to `held`. */
  async fetch(from: number, end: number, held: Buffer[] = []): Promise<PartitionData> {
    const sent = Buffer.concat(await Promise.all(this.batches.slice(from, Math.max(from, end))))
    const bytes = answerMemory(sent.length)
    sent.copy(bytes)
    if (sent.length > 0) held.push(bytes)
    const messages = decodeRecordBatches(bytes, () => Promise.reject(new Error('not compressed')))
    return { partition: 0, highWatermark: String(this.written), abortedTransactions: [], messages }
  }
}

const cases = fc.tuple(steps, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), fc.nat(40))

test('exactly what was committed is seen, by fetches and reads of any size, and nothing is read behind them twice', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ([given, size, sizeAhead, writtenFirst]) => {
      const log = new Log(given)
      const ahead: number[] = []
      const held: Buffer[] = []
      const scan = new MarkerScan(async ({ offset }, { isolation }) => {
        assert.equal(isolation, 'uncommitted')
        const end = Math.min(Number(offset) + sizeAhead, log.written)
        for (let at = Number(offset); at < end; at++) ahead.push(at)
        return await log.fetch(Number(offset), end, held)
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
        seen.push(...(await offsetsOf(batch)))
        at = Number(batch.next)
      }
      assert.deepEqual(seen, log.committed)
      assert.equal(new Set(ahead).size, ahead.length)
      assert.ok(held.every(({ length }) => length === 0))
    }),
    { numRuns: 1_000 },
  )
})

/** Of producer 1: data at 0 and 101, and an abort behind them, with a hundred messages of no transaction in between. */
function longLog(): Log {
  const log = new Log([
    { producer: 1, what: 'data' },
    ...Array.from({ length: 100 }, (): Step => ({ producer: 0, what: 'data' })),
    { producer: 1, what: 'data' },
    { producer: 1, what: 'abort' },
  ])
  log.written = log.batches.length
  return log
}

const offsetsOf = async (batch: FetchedBatch) => {
  const found: number[] = []
  for await (const { messages } of batch.stretches()) for (const { offset } of messages) found.push(Number(offset))
  return found
}

const fetchOf = async (log: Log, from: number, partition = 0) =>
  new FetchedBatch('t', String(from), { ...(await log.fetch(from, from + 1)), partition })

test('so many reads ahead of a partition are known at once, and the next fetch goes on where they ended', async () => {
  const log = longLog()
  let reads = 0
  const scan = new MarkerScan(async ({ offset }) => {
    reads++
    return await log.fetch(Number(offset), Number(offset) + 1)
  })
  const settled = async (from: number) => {
    const batch = await fetchOf(log, from)
    await scan.settle([batch])
    return [batch.inDoubt.size, reads]
  }
  assert.deepEqual(await settled(0), [1, 32])
  assert.deepEqual(await settled(1), [0, 32])
  // From beyond what is known, and from before it, it begins anew.
  assert.deepEqual(await settled(101), [0, 33])
  assert.deepEqual(await settled(0), [1, 65])
})

test('a marker that is far ahead in one partition keeps no other from being settled', async () => {
  const far = longLog()
  const near = new Log([
    { producer: 1, what: 'data' },
    { producer: 1, what: 'abort' },
  ])
  near.written = near.batches.length
  const asked = new Set<number>()
  const scan = new MarkerScan(async ({ partition, offset }) => {
    asked.add(partition)
    return await (partition === 0 ? far : near).fetch(Number(offset), Number(offset) + 1)
  })
  const batches = [await fetchOf(far, 0), ...(await Promise.all([1, 2, 3].map((number) => fetchOf(near, 0, number))))]
  await scan.settle(batches)
  assert.deepEqual(
    batches.map(({ inDoubt }) => inDoubt.size),
    [1, 0, 0, 0],
  )
  assert.deepEqual([...asked], [0, 1, 2, 3])
})

test('a broker that answers with nothing is asked again; in the end what is known counts, and else what it lists', async () => {
  const log = new Log([
    { producer: 1, what: 'data' },
    { producer: 2, what: 'data' },
    { producer: 1, what: 'abort' },
  ])
  log.written = 3
  const asked: bigint[] = []
  const scan = new MarkerScan(async ({ offset }) => {
    asked.push(offset)
    return asked.length > 1 && offset < 3n ? await log.fetch(Number(offset), 3) : null
  })
  const batch = new FetchedBatch('t', '0', await log.fetch(0, 2))
  assert.deepEqual(await scan.settle([batch]), [batch])
  assert.deepEqual([[...batch.inDoubt], await offsetsOf(batch)], [[2n], [1]])
  assert.deepEqual(asked, [2n, 2n, 3n, 3n, 3n, 3n, 3n])
})

test('what time ran out for is left to be fetched again, and gets on with each fetch', async () => {
  const log = new Log([
    { producer: 1, what: 'data' },
    { producer: 0, what: 'data' },
    { producer: 0, what: 'data' },
    { producer: 1, what: 'abort' },
  ])
  log.written = log.batches.length
  let reads = 0
  const scan = new MarkerScan(async ({ offset }) => {
    reads++
    return await log.fetch(Number(offset), Number(offset) + 1)
  }, -1)
  const settled = async () => {
    const batches = [await fetchOf(log, 0), await fetchOf(log, 0, 1), await fetchOf(log, 1, 2)]
    const found = await scan.settle(batches)
    const seen = await Promise.all(found.map(offsetsOf))
    return [found.map(({ partition }) => partition), seen, reads]
  }
  assert.deepEqual(await settled(), [[2], [[1]], 1])
  assert.deepEqual(await settled(), [[2], [[1]], 2])
  assert.deepEqual(await settled(), [[0, 2], [[], [1]], 3])
})

test('what is known of a log counts for fetches that continue each other alone', async () => {
  const lost: Step[] = ['data', 'abort'].map((what) => ({ producer: 1, what: what as Step['what'] }))
  const kept: Step[] = ['data', 'commit'].map((what) => ({ producer: 1, what: what as Step['what'] }))
  const plain: Step = { producer: 0, what: 'data' }
  const former = new Log([...lost.slice(0, 1), plain, plain, plain, ...lost.slice(1)])
  const log = new Log([plain, plain, ...kept])
  for (const one of [former, log]) one.written = one.batches.length
  let from = former
  const scan = new MarkerScan(({ offset }) => from.fetch(Number(offset), Number(offset) + 1))
  await scan.settle([await fetchOf(former, 0)])
  from = log
  const batch = await fetchOf(log, 2)
  await scan.settle([batch])
  assert.deepEqual(await offsetsOf(batch), [2])
})

test('what is known of a partition counts for it alone', async () => {
  const plain: Step = { producer: 0, what: 'data' }
  const data: Step = { producer: 1, what: 'data' }
  const logs = [
    new Log([data, plain, plain, plain, { producer: 1, what: 'abort' }]),
    new Log([plain, data, plain, { producer: 1, what: 'commit' }]),
  ]
  for (const log of logs) log.written = log.batches.length
  const scan = new MarkerScan(async ({ partition, offset }) => {
    return (await logs[partition]?.fetch(Number(offset), Number(offset) + 1)) ?? null
  })
  const [first, second] = logs
  assert.ok(first && second)
  await scan.settle([await fetchOf(first, 0)])
  const batch = await fetchOf(second, 1, 1)
  await scan.settle([batch])
  assert.deepEqual(await offsetsOf(batch), [1])
})

test('a reader of the whole log goes by the markers, too', async () => {
  const log = longLog()
  const asked: string[] = []
  const fetcher = {
    connect: () => Promise.resolve(),
    close: () => Promise.resolve(),
    fetch: async ({ offset }: FetchPlace, { isolation }: FetchOptions) => {
      asked.push(isolation)
      const from = Number(offset)
      return await log.fetch(from, from + (isolation === 'committed' ? 60 : 25))
    },
  }
  const range = { first: 0n, last: BigInt(log.batches.length - 1) }
  const seen: number[] = []
  const patiently = <T>(attempt: () => Promise<T>) => attempt()
  for await (const { messages } of scanLog(fetcher, { topic: 't', partition: 0, range, patiently })) {
    for (const { offset } of messages) seen.push(Number(offset))
  }
  assert.deepEqual(seen, log.committed)
  assert.ok(asked.includes('uncommitted'))
})
