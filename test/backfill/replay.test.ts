/**
 * Where the files of a replay end: by its messages and limits alone, whatever comes together in one fetch, and with every
 * offset in one file, in order.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { rulesOf } from '../../src/backfill/origin.ts'
import { replayPart, type ReplaySetting } from '../../src/backfill/replay.ts'
import type { Part } from '../../src/backfill/run-record.ts'
import type { MessageSource } from '../../src/backfill/source.ts'
import { type Message, rangeText } from '../../src/change.ts'
import { anchorOf } from '../../src/ingest/anchor.ts'
import type { SealedBatch } from '../../src/ingest/batch.ts'
import { exampleConfig, exampleTable } from '../support/config.ts'

const table = exampleTable({ topic: 't' })
const part: Part = { epoch: 1, partition: 0, range: { first: 0n, last: 999n } }

const message = (offset: number, value: string | null): Message => ({
  ...{ topic: 't', partition: 0, timestamp: 1n, key: Buffer.from('k'), headers: [] },
  offset: BigInt(offset),
  value: value === null ? null : Buffer.from(value),
})
const insert = (offset: number, bytes = 10) =>
  message(offset, `{"operation":"INSERT","before":null,"after":{"id":${offset},"x":"${'x'.repeat(bytes)}"}}`)

/** Hands messages over as the cuts say; a cut may come behind offsets that hold none. */
function sourceOf(messages: readonly Message[], cuts: readonly number[]): MessageSource {
  return {
    // eslint-disable-next-line @typescript-eslint/require-await -- the contract is asynchronous
    async *read({ range }, from) {
      let at = from
      for (const next of [...cuts.map(BigInt), range.last + 1n].sort((a, b) => (a < b ? -1 : 1))) {
        if (next <= at) continue
        const own = messages
          .filter(({ offset }) => offset >= at && offset < next)
          .map((one) => ({ ...one, value: one.value && Buffer.from(one.value) }))
        yield { messages: own, next }
        // Good until the next stretch is asked for, and no longer.
        for (const { value } of own) value?.fill(0)
        at = next
      }
    },
  }
}

async function replayed(
  messages: readonly Message[],
  cuts: readonly number[],
  changes: Partial<ReplaySetting> = {},
  from = 0n,
) {
  const { ingest: limits, stage } = exampleConfig({ ingest: { fileRows: 300 } })
  const stored: SealedBatch[] = []
  const { tail, stored: end } = await replayPart(part, from, {
    source: sourceOf(messages, cuts),
    sink: { store: (batch) => Promise.resolve(void stored.push(batch)) },
    witness: { saw: () => undefined, took: () => Promise.resolve(), advanced: () => undefined },
    rulesOf: (own) => rulesOf(own, { table, limits, prefix: 'p/', stage, run: 'r', revision: 0 }),
    partitionCount: 1,
    limits,
    batchBytes: 400_000,
    isSparse: false,
    signal: new AbortController().signal,
    ...changes,
  })
  const files = stored.map(({ range, rows }) => `${rangeText(range)} ${rows}`)
  return { files, tail, end, anchors: stored.map(({ anchor }) => anchor) }
}

describe('a part', () => {
  test('holds nothing of a stretch when the next one is asked for', async () => {
    const messages = Array.from({ length: 500 }, (_, offset) => insert(offset))
    const { anchors } = await replayed(messages, [100, 450])
    assert.deepEqual(
      anchors,
      [messages[299], messages[499]].map((last) => anchorOf(last ?? assert.fail())),
    )
  })

  test('ends its files at the same offsets, however it is fetched', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 3_000 })), {
          minLength: 1,
          maxLength: 800,
        }),
        fc.array(fc.integer({ min: 1, max: 999 }), { maxLength: 30 }),
        async (places, cuts) => {
          const messages = [...new Map(places)]
            .sort(([a], [b]) => a - b)
            .map(([offset, bytes]) => insert(offset, bytes))
          const whole = await replayed(messages, [])
          assert.deepEqual((await replayed(messages, cuts)).files, whole.files)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('ends its files by what they hold, not by how much of it came at once', async () => {
    const messages = Array.from({ length: 900 }, (_, at) => insert(at, 1_500 + at))
    const whole = await replayed(messages, [])
    assert.ok(whole.files.length > 3 && whole.files.every((file) => !file.endsWith(' 300')), whole.files.join())
    const often = await replayed(
      messages,
      Array.from({ length: 90 }, (_, at) => at * 10 + 7),
    )
    assert.deepEqual(often.files, whole.files)
  })

  test('has every offset in one file, up to its last row', async () => {
    const messages = Array.from({ length: 480 }, (_, at) => insert(at * 2 + 21))
    const { files } = await replayed(messages, [10, 20, 100, 777])
    assert.deepEqual(files, ['0-619 300', '620-999 180'])
  })

  test('goes on in the middle with the same rows', async () => {
    const messages = Array.from({ length: 1_000 }, (_, at) => insert(at))
    assert.deepEqual((await replayed(messages, [], {}, 300n)).files, ['300-599 300', '600-899 300', '900-999 100'])
  })

  test('that ends without a row makes no file of it, and tells what was there', async () => {
    const messages = [insert(5), ...Array.from({ length: 3 }, (_, at) => message(400 + at, null))]
    const one = await replayed(messages, [300])
    assert.deepEqual([one.files, one.end], [['0-999 1'], 1_000n])
    const none = await replayed(messages.slice(1), [300])
    assert.deepEqual([none.files, none.end, none.tail.messages, none.tail.tombstones], [[], 0n, 3, 3])
  })

  test('of single messages covers what it holds, and leaves what is a reject again', async () => {
    const messages = [insert(7), message(8, 'not json'), insert(90), message(95, 'nor this')]
    assert.deepEqual((await replayed(messages, [50], { isSparse: true })).files, ['7-90 2'])
    assert.deepEqual((await replayed(messages, [50])).files, ['0-999 4'])
  })

  test('fails where a file cannot be stored, and reads no further than the next one', async () => {
    const messages = Array.from({ length: 1_000 }, (_, at) => insert(at))
    let saw = 0
    const witness = {
      saw: () => {
        saw += 1
      },
      took: () => Promise.resolve(),
      advanced: () => undefined,
    }
    const sink = { store: () => Promise.reject(new Error('no room')) }
    await assert.rejects(replayed(messages, [], { sink, witness }), /no room/)
    assert.ok(saw <= 600, String(saw))
  })
})
