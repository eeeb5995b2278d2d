/**
 * Record batches as Kafka stores them (format 2, https://kafka.apache.org/documentation/#recordbatch): bytes of a fetch to
 * batches whose checksum is right, and a batch to its messages. Which of them a reader may see is transactions.ts's.
 *
 * Read here and not by kafkajs, which checks no CRC-32C, dies of a batch of more than some 120,000 records, never gets past a
 * batch that compaction has emptied, and loses headers.
 */
import { crc32c } from '@node-rs/crc32'
import { type Message, rangeText } from '../change.ts'
import { ackGapCommand, Failure } from '../failure.ts'

export type RecordBatch = {
  /** The offsets `first..last` belong to this batch, also those that compaction has removed. */
  readonly first: bigint
  readonly last: bigint
  readonly producerId: bigint
  readonly transactional: boolean
  /** holds a marker, of a transaction or something else, and no messages */
  readonly control: boolean
  readonly firstTimestamp: bigint
  /** where the broker stamps messages as it appends them: the time of all of them */
  readonly appendedAt: bigint | null
  readonly count: number
  /** the records as they are stored */
  readonly stored: Buffer
  /** Undoes their compression, anew with each call; null where they are not compressed. @throws what the codec throws */
  readonly decompress: (() => Promise<Buffer>) | null
}

/** A batch that cannot be read; `last` is what its header says, which may be damaged too. */
export type Unreadable = { readonly first: bigint; readonly last: bigint; readonly reason: string }

/** What cannot be read from `offset` on. */
export function unreadableFailure(
  { topic, partition }: Pick<Message, 'topic' | 'partition'>,
  offset: bigint,
  { first, last, reason }: Unreadable,
): Failure {
  const gap = { first: offset, last: last > offset ? last : offset }
  const message = `${topic}/${partition}: the record batch at offset ${first.toString()}: ${reason}`
  return new Failure('RECORD_UNREADABLE', message, { command: ackGapCommand(topic, partition, rangeText(gap), true) })
}

/** Whole batches in the order of their offsets; `unreadable` ends them early. `bytes`: of all that was sent. */
export type RecordSet = {
  readonly batches: readonly RecordBatch[]
  readonly unreadable: Unreadable | null
  readonly bytes: number
}

/** Undoes the compression that a batch's attributes name. @throws where the codec is unknown, or the bytes are not its own */
export type Decompress = (attributes: number, bytes: Buffer) => Promise<Buffer>

/** Bytes before the length counts, and up to the records. */
const lengthEnd = 12
const headerEnd = 61
/** The format stands at the same place in every format. */
const formatEnd = 17
/** The CRC covers all that follows it. */
const crcAt = 17
const crcEnd = 21
const magic = 2

/**
 * Reads the batches that a broker sent. A batch that is cut off at the end is left for the next fetch; the first one never is
 * (brokers send it whole, or nothing at all, since 0.10.1), unless its length is damaged. Compressed records stay so until
 * somebody takes them: they may come to many times the bytes of a fetch.
 *
 * Invariant: what is returned is what was stored: the CRC-32C of every batch was compared.
 */
export function decodeRecordBatches(bytes: Buffer, decompress: Decompress): RecordSet {
  const batches: RecordBatch[] = []
  let at = 0
  while (bytes.length - at >= formatEnd) {
    const end = at + lengthEnd + bytes.readInt32BE(at + 8)
    const first = bytes.readBigInt64BE(at)
    const hasHeader = bytes.length - at >= headerEnd
    const last = first + (hasHeader ? BigInt(bytes.readInt32BE(at + 23)) : 0n)
    const refused = (reason: string): RecordSet => ({
      batches,
      unreadable: { first, last, reason },
      bytes: bytes.length,
    })
    const format = bytes.readInt8(at + 16)
    if (format !== magic) return refused(`format ${format}`)
    if (end < at + headerEnd) return refused('shorter than its header')
    if (end > bytes.length) {
      if (at > 0) break
      return refused(`${bytes.length} bytes, and its header says ${end}`)
    }
    const batch = bytes.subarray(at, end)
    if (crc32c(batch.subarray(crcEnd)) !== batch.readUInt32BE(crcAt)) return refused('CRC-32C mismatch')
    const decoded = decodeBatch(batch, decompress)
    if (decoded.control && decoded.decompress) return refused('a transaction marker that is compressed')
    batches.push(decoded)
    at = end
  }
  return { batches, unreadable: null, bytes: bytes.length }
}

function decodeBatch(batch: Buffer, decompress: Decompress): RecordBatch {
  const first = batch.readBigInt64BE(0)
  const attributes = batch.readInt16BE(21)
  const stored = batch.subarray(headerEnd)
  return {
    first,
    last: first + BigInt(batch.readInt32BE(23)),
    firstTimestamp: batch.readBigInt64BE(27),
    appendedAt: (attributes & 0x08) > 0 ? batch.readBigInt64BE(35) : null,
    producerId: batch.readBigInt64BE(43),
    transactional: (attributes & 0x10) > 0,
    control: (attributes & 0x20) > 0,
    count: batch.readInt32BE(57),
    stored,
    decompress: (attributes & 0x07) === 0 ? null : () => decompress(attributes, stored),
  }
}

/** The records of a batch, uncompressed, or why they cannot be had. */
export async function recordsOf(batch: RecordBatch): Promise<Buffer | Unreadable> {
  if (!batch.decompress) return batch.stored
  try {
    return await batch.decompress()
  } catch (error) {
    const { first, last } = batch
    return { first, last, reason: `cannot be decompressed: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** How a transaction ends, as the key of its marker's only record says. */
export type Outcome = 'abort' | 'commit'
const markerKey = { bytes: 4, outcomes: ['abort', 'commit'] } as const

/** Null where the batch is no marker of a transaction's end. @throws RangeError where it cannot be read */
export function markerOf(batch: RecordBatch): Outcome | null {
  if (!batch.control) return null
  const [marker] = messagesOf(batch, batch.stored, { topic: '', partition: 0 })
  return marker?.key?.length === markerKey.bytes ? (markerKey.outcomes[marker.key.readInt16BE(2)] ?? null) : null
}

/**
 * The messages of one batch, in order, of its uncompressed `records`. Key, value and headers stay views of the batch: who keeps them, copies them.
 *
 * @throws RangeError where the records end early or late: bytes that a producer wrote so, since the CRC was right
 */
export function* messagesOf(
  batch: RecordBatch,
  records: Buffer,
  { topic, partition }: Pick<Message, 'topic' | 'partition'>,
): Generator<Message> {
  const reader = new RecordReader(records)
  for (let record = 0; record < batch.count; record++) {
    const end = reader.lengthEnd()
    reader.at++ // attributes of a record are not in use
    const timestamp = batch.appendedAt ?? batch.firstTimestamp + reader.varlong()
    if (batch.appendedAt !== null) reader.varlong()
    const offset = batch.first + BigInt(reader.varint())
    const key = reader.bytes()
    const value = reader.bytes()
    const headers = reader.headers()
    if (reader.at !== end) throw new RangeError(`record ${record} does not end where its length says`)
    yield { topic, partition, offset, timestamp, key, value, headers }
  }
  if (reader.at !== records.length) throw new RangeError(`bytes behind the last of ${batch.count} records`)
}

const none: Message['headers'] = []

/** Whether a reader gets to the end of all of it. */
export async function isSound({ batches, unreadable }: RecordSet): Promise<boolean> {
  try {
    for (const batch of batches) {
      const records = await recordsOf(batch)
      if (!Buffer.isBuffer(records)) return false
      Array.from(messagesOf(batch, records, { topic: '', partition: 0 }))
    }
    return unreadable === null
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

class RecordReader {
  readonly #bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Reads a length; the place where what it counts ends. */
  lengthEnd(): number {
    const length = this.varint()
    const end = this.at + length
    if (length < 0 || end > this.#bytes.length) throw new RangeError('a record ends beyond its batch')
    return end
  }

  /** Null where the length is -1. */
  bytes(): Buffer | null {
    const length = this.varint()
    if (length === -1) return null
    const end = this.at + length
    if (length < 0 || end > this.#bytes.length) throw new RangeError('a field ends beyond its batch')
    const bytes = this.#bytes.subarray(this.at, end)
    this.at = end
    return bytes
  }

  headers(): Message['headers'] {
    const count = this.varint()
    if (count === 0) return none
    // Each takes two bytes at the least.
    if (count < 0 || count > this.#bytes.length / 2) throw new RangeError('more headers than the batch could hold')
    return Array.from({ length: count }, () => {
      const name = this.bytes()
      if (!name) throw new RangeError('a header without a name')
      return [name.toString(), this.bytes()] as const
    })
  }

  /** Zigzag: 0, -1, 1, -2, ... A number of five bytes at the most. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw new RangeError('a varint of more than five bytes')
  }

  varlong(): bigint {
    let value = 0n
    let low = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte()
      if (shift < 28) low |= (byte & 0x7f) << shift
      else value |= BigInt(byte & 0x7f) << BigInt(shift)
      if (byte >= 0x80) continue
      // Most are small: deltas of milliseconds within one batch.
      if (shift < 28) return BigInt((low >>> 1) ^ -(low & 1))
      const zigzag = BigInt.asUintN(64, value | BigInt(low))
      return BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n))
    }
    throw new RangeError('a varlong of more than ten bytes')
  }

  #byte(): number {
    const byte = this.#bytes[this.at++]
    if (byte === undefined) throw new RangeError('a record ends beyond its batch')
    return byte
  }
}
