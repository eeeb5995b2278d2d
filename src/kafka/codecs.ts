/**
 * The compression codecs of Kafka, both ways: gzip is kafkajs's own, the others are plugged in here.
 * A missing one would end the consumer for good, so all are there from the start.
 */
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import lz4 from 'lz4-napi'
import * as snappy from '../snappy.ts'
import { kafkajs } from './patches.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs

/** What kafkajs hands to `compress`: an encoder whose `buffer` are the records. */
type Records = { readonly buffer: Buffer }
type Codec = {
  compress(records: Records): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

const zstdCompressed = promisify(zstdCompress)
const zstdDecompressed = promisify(zstdDecompress)

const codecs = {
  [CompressionTypes.Snappy]: {
    compress: ({ buffer }) => compressSnappy(buffer),
    decompress: decompressSnappy,
  },
  [CompressionTypes.LZ4]: {
    compress: ({ buffer }) => lz4.compressFrame(buffer),
    decompress: (bytes) => lz4.decompressFrame(bytes),
  },
  [CompressionTypes.ZSTD]: {
    compress: ({ buffer }) => zstdCompressed(buffer),
    decompress: (bytes) => zstdDecompressed(bytes),
  },
} satisfies Record<number, Codec>

/** Idempotent; kafkajs keeps one table for the whole process. */
export function registerCodecs(): void {
  Object.assign(
    CompressionCodecs,
    Object.fromEntries(Object.entries(codecs).map(([type, codec]) => [type, () => codec])),
  )
}

/**
 * Java's client frames snappy blocks in the way of the xerial library: this magic, two versions of 4 bytes, then blocks,
 * each behind its length of 4 bytes, big-endian. Others write one bare block.
 */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialHeader = Buffer.concat([xerialMagic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
/** As Java's client: 32 KiB a block */
const xerialBlockBytes = 32 * 1024

export async function compressSnappy(bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [xerialHeader]
  for (let at = 0; at < bytes.length; at += xerialBlockBytes) {
    const block = await snappy.compress(bytes.subarray(at, at + xerialBlockBytes))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** @throws RangeError where a block is cut off */
export async function decompressSnappy(bytes: Buffer): Promise<Buffer> {
  if (!startsWithMagic(bytes, 0)) return uncompressBlock(bytes)
  const parts: Buffer[] = []
  let at = 0
  while (at < bytes.length) {
    if (startsWithMagic(bytes, at)) {
      at += xerialHeader.length
      continue
    }
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) throw new RangeError('a snappy block ends beyond its batch')
    parts.push(await uncompressBlock(bytes.subarray(at + 4, end)))
    at = end
  }
  return Buffer.concat(parts)
}

function startsWithMagic(bytes: Buffer, at: number): boolean {
  return bytes.subarray(at, at + xerialMagic.length).equals(xerialMagic)
}

async function uncompressBlock(block: Buffer): Promise<Buffer> {
  const plain = await snappy.uncompress(block, { asBuffer: true })
  return typeof plain === 'string' ? Buffer.from(plain) : plain
}
