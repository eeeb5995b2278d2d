/**
 * One batch: the changes of one topic partition over one contiguous range of offsets, kept as columns.
 * When it is sealed is decided in sealing.ts; how it becomes a file in parquet.ts.
 */
import type { Change, Message, OffsetRange } from '../change.ts'
import type { Decoded, Reject } from '../envelope/decoded.ts'
import { type Anchor, type LandingColumnName, landingColumns } from '../landing.ts'
import { LastMessage } from './anchor.ts'
import { Column, type ColumnPage } from './columns.ts'
import { headersText, refuseLong } from './message-text.ts'
import { PositionBytes } from './position-bytes.ts'

/** A row group ends at this many rows ... */
const groupRowsMax = 50_000

/** ... or this many bytes, so that a reader never needs much more memory than this for one column. */
const groupBytesMax = 64 * 2 ** 20

/** What 107.6 MB of change events came to as SNAPPY: 48 MB. Other codecs make a smaller first file; from then on it is measured. */
const fileBytesPerByteDefault = 0.45

export type BatchStart = {
  readonly topic: string
  readonly epoch: number
  readonly partition: number
  /** the cursor when the batch was opened: the first offset that it covers */
  readonly first: bigint
  /** the clock when it was opened */
  readonly openedAtMs: number
  /** the size of the last file over the `bytes` of its batch, where one is known: what `fileBytesEstimate` goes by */
  readonly fileBytesPerByte?: number
}

/** Rows of one row group: pages of each column, in the order of landingColumns. */
export type RowGroup = { readonly rows: number; readonly columns: readonly (readonly ColumnPage[])[] }

export type SealedBatch = {
  readonly topic: string
  readonly epoch: number
  readonly partition: number
  readonly range: OffsetRange
  readonly openedAtMs: number
  readonly messages: number
  readonly rows: number
  readonly rejects: number
  readonly tombstones: number
  /** memory held by the row groups and the values */
  readonly bytes: number
  readonly valuesBytes: number
  /** message values that are too large for a row, to be stored before it */
  readonly values: readonly LargeValue[]
  /** null where the batch covers no message at all */
  readonly anchor: Anchor | null
  /** of the last message, ms since 1970; null where there is none */
  readonly lastTimestamp: bigint | null
  /** the latest commit at the source, ms since 1970; null where no change told one */
  readonly lastSourceTs: bigint | null
  /** their buffers move to the encoder and are gone here afterwards */
  readonly groups: readonly RowGroup[]
}

/** Stored in an object of its own. */
export type LargeValue = { readonly offset: bigint; readonly bytes: Buffer }

type Columns = Readonly<Record<LandingColumnName, Column>>

/**
 * A growing batch.
 *
 * Invariant: `first..next-1` is covered: each offset in it was added, or covered as one that has no row.
 */
export class Batch {
  readonly topic: string
  readonly epoch: number
  readonly partition: number
  readonly first: bigint
  readonly openedAtMs: number
  /** what is the same for all rows, in plain encoding: written when a row group ends */
  readonly #topicValue: Buffer
  readonly #partitionValue: Buffer
  readonly #fileBytesPerByte: number
  readonly #columns: Columns
  readonly #positions = new PositionBytes()
  readonly #columnList: readonly Column[]
  readonly #groups: RowGroup[] = []
  readonly #last = new LastMessage()
  /** what `last` is to keep */
  #lastAdded: Message | null = null
  readonly #values: LargeValue[] = []
  #valuesBytes = 0
  #groupsBytes = 0
  #groupRows = 0
  /** of the messages whose rows are in it: what its large columns come to */
  #groupValueBytes = 0
  #next: bigint
  #messages = 0
  #rows = 0
  #rejects = 0
  #tombstones = 0
  #lastSourceTs: bigint | null = null

  constructor(start: BatchStart) {
    this.topic = start.topic
    this.epoch = start.epoch
    this.partition = start.partition
    this.first = start.first
    this.openedAtMs = start.openedAtMs
    this.#next = start.first
    this.#topicValue = Buffer.from(`\0\0\0\0${start.topic}`)
    this.#topicValue.writeInt32LE(this.#topicValue.length - 4)
    this.#partitionValue = Buffer.alloc(4)
    this.#partitionValue.writeInt32LE(start.partition)
    this.#fileBytesPerByte = start.fileBytesPerByte ?? fileBytesPerByteDefault
    this.#columnList = landingColumns.map((column) => new Column(column))
    this.#columns = Object.fromEntries(this.#columnList.map((column) => [column.name, column])) as Columns
  }

  /** The offset after the last one covered. */
  get next(): bigint {
    return this.#next
  }

  get messages(): number {
    return this.#messages
  }

  get rows(): number {
    return this.#rows
  }

  get rejects(): number {
    return this.#rejects
  }

  get tombstones(): number {
    return this.#tombstones
  }

  /** Memory held. */
  get bytes(): number {
    return this.#rowsBytes + this.#valuesBytes + this.#last.bytes
  }

  /** How large the file would be, by the last file's measure. */
  get fileBytesEstimate(): number {
    return Math.ceil(this.#rowsBytes * this.#fileBytesPerByte)
  }

  /** Of the last message; null where it covers none. */
  get anchor(): Anchor | null {
    this.letGo()
    return this.#last.anchor()
  }

  /**
   * Adds one message; copies all that it keeps. Offsets between `next` and the message's are covered as holes.
   *
   * @throws Failure TEXT_TOO_LONG, and the batch is as it was; RangeError of a position that cannot be, and it is torn
   */
  add(message: Message, decoded: Decoded): void {
    if (message.offset < this.#next) {
      throw new RangeError(`offset ${message.offset.toString()} is covered already, up to ${this.#next.toString()}`)
    }
    const headers = message.headers.length === 0 ? null : headersText(message.headers)
    const isApart = decoded.kind === 'reject' && decoded.code === 'VALUE_TOO_LARGE'
    refuseLong(isApart ? { ...message, value: null } : message, headers)
    this.cover(message.offset + 1n)
    switch (decoded.kind) {
      case 'changes':
        for (const change of decoded.changes) this.#addChange(message, headers, change)
        break
      case 'reject':
        this.#addReject(message, headers, decoded)
        break
      case 'tombstone':
        this.#tombstones++
        break
    }
    this.#messages++
    this.#lastAdded = message
  }

  /** To be called before the buffers of what was added are used again: of the last message it still has to keep a copy. */
  letGo(): void {
    if (this.#lastAdded) this.#last.keep(this.#lastAdded)
    this.#lastAdded = null
  }

  /** Covers all below `next`, where no message is: compacted ones, transaction markers, aborted records. */
  cover(next: bigint): void {
    if (next < this.#next) throw new RangeError(`${next.toString()} is below ${this.#next.toString()}`)
    this.#next = next
  }

  /** Ends the batch: nothing may be added afterwards. @throws RangeError where it covers nothing */
  seal(): SealedBatch {
    if (this.#next === this.first) throw new RangeError('the batch covers nothing')
    if (this.#groupRows > 0) this.#endGroup()
    const { anchor } = this
    return {
      topic: this.topic,
      epoch: this.epoch,
      partition: this.partition,
      range: { first: this.first, last: this.#next - 1n },
      openedAtMs: this.openedAtMs,
      messages: this.#messages,
      rows: this.#rows,
      rejects: this.#rejects,
      tombstones: this.#tombstones,
      bytes: this.#groupsBytes + this.#valuesBytes,
      valuesBytes: this.#valuesBytes,
      values: this.#values,
      anchor,
      lastTimestamp: this.#last.timestamp,
      lastSourceTs: this.#lastSourceTs,
      groups: this.#groups,
    }
  }

  get #rowsBytes(): number {
    const alike = this.#groupRows * (this.#topicValue.length + this.#partitionValue.length)
    return this.#columnList.reduce((sum, { bytes }) => sum + bytes, this.#groupsBytes + alike)
  }

  #addChange(message: Message, headers: string | null, change: Change): void {
    this.#addOrigin(message, headers, change.rowIndex)
    this.#groupValueBytes += message.value?.length ?? 0
    const columns = this.#columns
    columns.op.addText(change.op)
    addOptionalText(columns.source_table, change.sourceTable)
    columns.id.addText(change.id)
    columns.position.addBytes(this.#positions.of(change.position))
    if (change.sourceTs === null) columns.source_ts.addNull()
    else columns.source_ts.addInt64(change.sourceTs)
    addOptionalBytes(columns.before, change.before)
    addOptionalBytes(columns.after, change.after)
    addOptionalBytes(columns.meta, change.meta)
    columns.error.addNull()
    columns.raw.addNull()
    if (change.sourceTs !== null && (this.#lastSourceTs === null || change.sourceTs > this.#lastSourceTs)) {
      this.#lastSourceTs = change.sourceTs
    }
    this.#endRow()
  }

  #addReject(message: Message, headers: string | null, { code, reason }: Reject): void {
    this.#addOrigin(message, headers, 0)
    const { op, source_table, id, position, source_ts, before, after, meta, error, raw } = this.#columns
    op.addText('x')
    for (const empty of [source_table, id, position, source_ts, before, after, meta]) empty.addNull()
    error.addText(`${code}: ${reason}`)
    if (code === 'VALUE_TOO_LARGE') this.#keepApart(message)
    if (message.value && code !== 'VALUE_TOO_LARGE') {
      raw.addBase64(message.value)
      this.#groupValueBytes += Math.ceil((message.value.length * 4) / 3)
    } else raw.addNull()
    this.#rejects++
    this.#endRow()
  }

  #keepApart({ offset, value }: Message): void {
    if (!value) return
    this.#values.push({ offset, bytes: Buffer.from(value) })
    this.#valuesBytes += value.length
  }

  #addOrigin(message: Message, headers: string | null, rowIndex: number): void {
    const columns = this.#columns
    columns.kafka_offset.addInt64(message.offset)
    if (message.timestamp < 0n) columns.kafka_timestamp.addNull()
    else columns.kafka_timestamp.addInt64(message.timestamp)
    columns.row_index.addInt32(rowIndex)
    if (message.key === null) columns.kafka_key.addNull()
    else if (!columns.kafka_key.addUtf8(message.key)) columns.kafka_key.addBase64(message.key)
    addOptionalText(columns.headers, headers)
  }

  #endRow(): void {
    this.#rows++
    this.#groupRows++
    if (this.#groupRows === groupRowsMax || this.#groupValueBytes >= groupBytesMax) this.#endGroup()
  }

  #endGroup(): void {
    this.#columns.kafka_topic.addRepeated(this.#topicValue, this.#groupRows)
    this.#columns.kafka_partition.addRepeated(this.#partitionValue, this.#groupRows)
    const columns = this.#columnList.map((column) => column.takePages())
    for (const page of columns.flat()) {
      this.#groupsBytes += page.values.byteLength + (page.present?.byteLength ?? 0)
    }
    this.#groups.push({ rows: this.#groupRows, columns })
    this.#groupRows = 0
    this.#groupValueBytes = 0
  }
}

function addOptionalText(column: Column, value: string | null): void {
  if (value === null) column.addNull()
  else column.addText(value)
}

function addOptionalBytes(column: Column, value: Buffer | null): void {
  if (value === null) column.addNull()
  else column.addBytes(value)
}
