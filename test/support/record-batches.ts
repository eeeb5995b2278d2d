/**
 * Record batches as bytes, written with kafkajs's own encoder and checksum: another hand than the one that reads them.
 */
import { createRequire } from 'node:module'
import { kafkajs } from '../../src/kafka/patches.ts'

const inside = createRequire(import.meta.url)
type Encoder = {
  readonly buffer: Buffer
  writeInt8(value: number): Encoder
  writeInt16(value: number): Encoder
  writeInt32(value: number): Encoder
  writeUInt32(value: number): Encoder
  writeInt64(value: string): Encoder
  writeVarInt(value: number): Encoder
  writeVarLong(value: object): Encoder
  writeVarIntBytes(value: Buffer | null): Encoder
  writeBuffer(value: Buffer): Encoder
}
const KafkaEncoder = inside('kafkajs/src/protocol/encoder') as new () => Encoder
const Long = inside('kafkajs/src/utils/long') as { fromValue(value: string): object }
const crc32C = inside('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number

export type RecordOf = {
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp?: bigint
  readonly headers?: readonly (readonly [name: string, value: Buffer | null])[]
}

export type BatchOf = {
  readonly first: bigint
  readonly last: bigint
  readonly records: readonly RecordOf[]
  readonly codec?: number
  readonly producerId?: bigint
  readonly transactional?: boolean
  readonly control?: boolean
  readonly firstTimestamp?: bigint
  /** the broker's own time for all records */
  readonly appendedAt?: bigint
}

export async function batchBytes(batch: BatchOf): Promise<Buffer> {
  const { first, last, records, codec = 0, firstTimestamp = 0n, appendedAt, producerId = -1n } = batch
  const { transactional = false, control = false } = batch
  const plain = Buffer.concat(records.map((record) => recordBytes(record, first, firstTimestamp)))
  const codecs = kafkajs.CompressionCodecs as unknown as Record<
    number,
    () => { compress(encoder: { buffer: Buffer }): Promise<Buffer> }
  >
  const body = codec === 0 ? plain : await codecs[codec]?.().compress({ buffer: plain })
  if (!body) throw new Error(`no codec ${codec}`)
  const attributes = codec | (appendedAt === undefined ? 0 : 0x08) | (transactional ? 0x10 : 0) | (control ? 0x20 : 0)
  const covered = new KafkaEncoder()
    .writeInt16(attributes)
    .writeInt32(Number(last - first))
    .writeInt64(firstTimestamp.toString())
    .writeInt64((appendedAt ?? firstTimestamp).toString())
    .writeInt64(producerId.toString())
    .writeInt16(0)
    .writeInt32(0)
    .writeInt32(records.length)
    .writeBuffer(body).buffer
  const rest = new KafkaEncoder().writeInt32(0).writeInt8(2).writeUInt32(crc32C(covered)).writeBuffer(covered).buffer
  return new KafkaEncoder().writeInt64(first.toString()).writeInt32(rest.length).writeBuffer(rest).buffer
}

/** The marker that ends a transaction: version 0, then 0 for an abort, 1 for a commit. */
export function markerBytes(offset: bigint, producerId: bigint, outcome: 'abort' | 'commit'): Promise<Buffer> {
  const key = Buffer.from([0, 0, 0, outcome === 'abort' ? 0 : 1])
  const value = Buffer.alloc(6)
  const records = [{ offset, key, value }]
  return batchBytes({ first: offset, last: offset, records, producerId, transactional: true, control: true })
}

function recordBytes({ offset, key, value, timestamp, headers = [] }: RecordOf, first: bigint, from: bigint): Buffer {
  const body = new KafkaEncoder()
    .writeInt8(0)
    .writeVarLong(Long.fromValue(((timestamp ?? from) - from).toString()))
    .writeVarInt(Number(offset - first))
    .writeVarIntBytes(key)
    .writeVarIntBytes(value)
    .writeVarInt(headers.length)
  for (const [name, bytes] of headers) body.writeVarIntBytes(Buffer.from(name)).writeVarIntBytes(bytes)
  return new KafkaEncoder().writeVarInt(body.buffer.length).writeBuffer(body.buffer).buffer
}
