/** Record batches of format 2: what was written is read, and nothing that was damaged. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../src/change.ts'
import { registerCodecs } from '../../src/kafka/codecs.ts'
import { kafkajs } from '../../src/kafka/patches.ts'
import { decodeRecordBatches, isSound, messagesOf, recordsOf } from '../../src/kafka/record-batch.ts'
import { batchBytes, type RecordOf } from '../support/record-batches.ts'

registerCodecs()

const codecs = kafkajs.CompressionCodecs as unknown as Record<number, () => { decompress(b: Buffer): Promise<Buffer> }>
const decompress = async (attributes: number, bytes: Buffer) => {
  const codec = codecs[attributes & 7]?.()
  assert.ok(codec)
  return codec.decompress(bytes)
}
const place = { topic: 't', partition: 3 }
const read = async (bytes: Buffer) => {
  const { batches, unreadable } = decodeRecordBatches(bytes, decompress)
  const messages: Message[] = []
  for (const batch of batches) {
    const records = await recordsOf(batch)
    assert.ok(Buffer.isBuffer(records))
    for (const message of messagesOf(batch, records, place)) messages.push(message)
  }
  return { batches, unreadable, messages }
}

const text = fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)))
const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '2', '10', '1', ''))
const records = fc
  .array(
    fc.record({
      gap: fc.nat(3),
      key: text,
      value: text,
      timestamp: fc.bigInt({ min: -1n, max: 2n ** 55n }),
      headers: fc.array(fc.tuple(name, text), { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .chain((given) =>
    fc.tuple(fc.constant(given), fc.bigInt({ min: 0n, max: 2n ** 60n }), fc.constantFrom(0, 1, 2, 3, 4)),
  )

test('messages are read as they were written, through every codec, with holes, headers and far timestamps', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.boolean(), async ([given, first, codec], appended) => {
      let offset = first - 1n
      const written = given.map(({ gap, ...record }) => ({ ...record, offset: (offset += BigInt(gap) + 1n) }))
      const appendedAt = appended ? 77n : undefined
      const bytes = await batchBytes({
        first,
        last: offset,
        records: written,
        codec,
        firstTimestamp: 1_000n,
        ...(appendedAt === undefined ? {} : { appendedAt }),
      })
      const { messages, unreadable, batches } = await read(bytes)
      assert.equal(unreadable, null)
      assert.equal(batches[0]?.last, offset)
      assert.deepEqual(
        messages,
        written.map((record): Message => ({ ...place, ...record, timestamp: appendedAt ?? record.timestamp })),
      )
    }),
    { numRuns: 300 },
  )
})

const simple = (first: bigint, count: number): Promise<Buffer> => {
  const list = Array.from({ length: count }, (_, at): RecordOf => ({
    offset: first + BigInt(at),
    key: null,
    value: Buffer.from(`v${at}`),
  }))
  return batchBytes({ first, last: first + BigInt(count - 1), records: list })
}

test('a batch of 300,000 records is read', async () => {
  const { messages } = await read(await simple(5n, 300_000))
  assert.equal(messages.length, 300_000)
  assert.equal(messages.at(-1)?.offset, 300_004n)
})

test('any flipped bit behind the checksum is found, and only what lies before its batch is read', async () => {
  const first = await simple(0n, 3)
  const second = await simple(3n, 3)
  for (let at = 17; at < second.length; at++) {
    for (const bit of [1, 128]) {
      const damaged = Buffer.from(second)
      damaged[at] = (damaged[at] ?? 0) ^ bit
      const { messages, unreadable } = await read(Buffer.concat([first, damaged, first]))
      assert.deepEqual([unreadable?.first, unreadable?.reason], [3n, 'CRC-32C mismatch'])
      assert.equal(messages.length, 3)
    }
  }
})

test('a batch that is cut off is left for the next fetch', async () => {
  const whole = await simple(0n, 3)
  for (let end = 0; end < whole.length; end++) {
    const { messages, unreadable } = await read(Buffer.concat([whole, whole.subarray(0, end)]))
    assert.equal(messages.length, 3)
    assert.equal(unreadable, null)
  }
})

test('a first batch that is shorter than it says is unreadable: a broker never cuts that one off', async () => {
  const whole = await simple(4n, 3)
  for (let end = 17; end < whole.length; end++) {
    const { messages, unreadable } = await read(whole.subarray(0, end))
    assert.equal(messages.length, 0)
    assert.equal(unreadable?.first, 4n)
    assert.match(unreadable.reason, new RegExp(`^${end} bytes, and its header says ${whole.length}$`))
  }
  assert.equal((await read(Buffer.alloc(0))).unreadable, null)
})

test('what a producer wrote wrongly is not sound, though its checksum is right', async () => {
  const records = [{ offset: 0n, key: null, value: Buffer.from('v') }]
  const set = decodeRecordBatches(await batchBytes({ first: 0n, last: 0n, records }), decompress)
  assert.equal(await isSound(set), true)
  const [batch] = set.batches
  assert.ok(batch)
  assert.equal(await isSound({ ...set, batches: [{ ...batch, count: 2 }] }), false)
  assert.equal(
    await isSound({ batches: [], unreadable: { first: 0n, last: 0n, reason: 'CRC-32C mismatch' }, bytes: 0 }),
    false,
  )
})

test('a transaction marker that is compressed is unreadable: no broker writes one', async () => {
  const bytes = await batchBytes({ first: 7n, last: 7n, records: [], control: true, codec: 1 })
  assert.equal((await read(bytes)).unreadable?.reason, 'a transaction marker that is compressed')
})

test('a batch that compaction has emptied still says how far it reaches', async () => {
  const { batches, messages } = await read(await batchBytes({ first: 10n, last: 19n, records: [] }))
  assert.deepEqual([batches[0]?.first, batches[0]?.last, messages.length], [10n, 19n, 0])
})

test('an older format, an unknown codec and bytes that no codec wrote are unreadable, not skipped', async () => {
  const old = await simple(7n, 1)
  old[16] = 1
  assert.deepEqual((await read(old)).unreadable, { first: 7n, last: 7n, reason: 'format 1' })
  const good = await batchBytes({ first: 7n, last: 7n, records: [{ offset: 7n, key: null, value: null }], codec: 1 })
  const failing = decodeRecordBatches(good, () => Promise.reject(new Error('no')))
  assert.equal(await isSound(failing), false)
  const [refused] = failing.batches
  assert.deepEqual(refused && (await recordsOf(refused)), { first: 7n, last: 7n, reason: 'cannot be decompressed: no' })
})

test('records that do not end where they say are an error', async () => {
  const bytes = await simple(0n, 2)
  const { batches } = decodeRecordBatches(bytes, decompress)
  const [batch] = batches
  assert.ok(batch)
  const readAll = ({ count = batch.count, records = batch.stored }) => [
    ...messagesOf({ ...batch, count }, records, place),
  ]
  assert.throws(() => readAll({ count: 3 }), RangeError)
  assert.throws(() => readAll({ count: 1 }), RangeError)
  for (let end = 0; end < batch.stored.length; end++) {
    assert.throws(() => readAll({ records: batch.stored.subarray(0, end) }), RangeError)
  }
  const numbers = [...batch.stored].map((_, at) => at)
  fc.assert(
    fc.property(fc.constantFrom(...numbers), fc.nat(255), (at, byte) => {
      const records = Buffer.from(batch.stored)
      records[at] = byte
      try {
        assert.equal(readAll({ records }).length, 2)
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error))
      }
    }),
  )
})
