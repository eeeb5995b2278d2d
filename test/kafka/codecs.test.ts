/** The codecs of Kafka that kafkajs leaves to others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compressSnappy, decompressSnappy, registerCodecs } from '../../src/kafka/codecs.ts'
import { kafkajs } from '../../src/kafka/patches.ts'
import { compress } from '../../src/snappy.ts'

const bytes = fc.uint8Array({ maxLength: 100_000 }).map((array) => Buffer.from(array))

registerCodecs()

const codecOf = (type: number): unknown => (kafkajs.CompressionCodecs as Record<number, () => unknown>)[type]?.()

for (const name of ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const) {
  test(`${name} gives back what it was given`, async () => {
    const codec = codecOf(kafkajs.CompressionTypes[name]) as {
      compress(records: { readonly buffer: Buffer }): Promise<Buffer>
      decompress(bytes: Buffer): Promise<Buffer>
    }
    await fc.assert(
      fc.asyncProperty(bytes, async (given) => {
        const back = await codec.decompress(await codec.compress({ buffer: given }))
        assert.ok(back.equals(given))
      }),
      { numRuns: 30 },
    )
  })
}

test('snappy is framed as Java frames it: a header, then blocks of at most 32 KiB behind their lengths', async () => {
  const framed = await compressSnappy(Buffer.alloc(40_000, 'firn'))
  assert.equal(framed.subarray(0, 16).toString('hex'), '82534e41505059000000000100000001')
  const first = framed.readUInt32BE(16)
  const second = framed.readUInt32BE(16 + 4 + first)
  assert.equal(16 + 4 + first + 4 + second, framed.length)
})

test('a bare snappy block and frames one after the other are read too', async () => {
  const text = Buffer.from('one change after the other')
  assert.ok((await decompressSnappy(Buffer.from(await compress(text)))).equals(text))
  const twice = Buffer.concat([await compressSnappy(text), await compressSnappy(text)])
  assert.ok((await decompressSnappy(twice)).equals(Buffer.concat([text, text])))
})

test('a snappy block that is cut off is an error, never fewer bytes', async () => {
  const framed = await compressSnappy(Buffer.from('one change after the other'))
  for (let end = 17; end < framed.length; end++) await assert.rejects(decompressSnappy(framed.subarray(0, end)))
})
