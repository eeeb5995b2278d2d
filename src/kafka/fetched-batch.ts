/**
 * What a fetch brought of one partition, as a reader that sees committed transactions alone may see it, and how far it
 * reaches. Stands in for kafkajs's own class, which delivers messages of some aborted transactions and forgets where a
 * batch without messages ends. Which batches may be seen is transactions.ts's; whether they are taken, ingest/'s.
 */
import type { KafkaMessage } from 'kafkajs'
import type { Message } from '../change.ts'
import { releaseWhole } from '../memory.ts'
import {
  messagesOf,
  type Outcome,
  type RecordBatch,
  recordsOf,
  type RecordSet,
  type Unreadable,
  unreadableFailure,
} from './record-batch.ts'
import { type AbortedTransaction, type Decided, decide } from './transactions.ts'

/** One partition of a fetch response, as kafkajs hands it over. */
export type PartitionData = {
  readonly partition: number
  readonly highWatermark: string
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  readonly messages: RecordSet
}

/** Messages in order, that cover the offsets from `first` to below `next`; what ends them early, at or above `next`. */
export type Stretch = {
  readonly first: bigint
  readonly next: bigint
  readonly messages: Iterable<Message>
  readonly unreadable: Unreadable | null
}

/** A stretch ends when it has come to so many bytes: a fetch of compressed records never stands in memory as a whole. */
const stretchBytes = 2 ** 20

type Opened = { readonly batch: RecordBatch; readonly records: Buffer }

export class FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly fetchedOffset: string
  readonly highWatermark: string
  /** the offset after all that this fetch covers; the fetched one where it brought nothing */
  readonly next: bigint
  /** what ends it early, at or above `next` */
  readonly unreadable: Unreadable | null
  /** of what was sent */
  readonly bytes: number
  /** the member's turn when it was asked for; null for a consumer without hooks */
  askedAt: number | null = null
  readonly #fetched: bigint
  readonly #reached: readonly RecordBatch[]
  readonly #listed: readonly AbortedTransaction[]
  #decided: Decided
  #messages: readonly KafkaMessage[] = []

  constructor(topic: string, fetchedOffset: string, data: PartitionData) {
    const { batches, unreadable, bytes } = data.messages
    this.topic = topic
    this.partition = data.partition
    this.fetchedOffset = fetchedOffset
    this.highWatermark = data.highWatermark
    this.bytes = bytes
    this.#fetched = BigInt(fetchedOffset)
    // A broker sends whole batches: the first may begin below what was asked for.
    this.#reached = batches.filter(({ last }) => last >= this.#fetched)
    this.next = (this.#reached.at(-1)?.last ?? this.#fetched - 1n) + 1n
    this.unreadable = unreadable
    this.#listed = data.abortedTransactions ?? []
    this.#decided = decide(this.#reached, this.#listed)
  }

  /** What its messages are views of, unless they were compressed; null where it has none. */
  get memory(): ArrayBufferLike | null {
    return this.#reached[0]?.stored.buffer ?? null
  }

  /** Producers of whose last transaction in it no marker is known: how that ends, only the broker's list says. */
  get inDoubt(): ReadonlySet<bigint> {
    return this.#decided.inDoubt
  }

  /** Before any of it is taken: how transactions in doubt end, by producer, as their markers say. */
  settle(ends: ReadonlyMap<bigint, Outcome>): void {
    this.#decided = decide(this.#reached, this.#listed, ends)
  }

  /** Whether it covers no offset, and tells of nothing. */
  get saysNothing(): boolean {
    return this.next === this.#fetched && this.unreadable === null
  }

  /**
   * All of it, one stretch at the least, each from where the one before ends; the first from the fetched offset on. A batch that
   * cannot be decompressed ends them. The messages of a stretch are empty once the next one is asked for, unless they are to be
   * `kept`: what their bytes were decompressed into is given back.
   */
  async *stretches(kept = false): AsyncGenerator<Stretch, undefined> {
    let [first, next, bytes] = [this.#fetched, this.#fetched, 0]
    let opened: Opened[] = []
    const stretch = (unreadable: Unreadable | null): Stretch => {
      return { first, next, messages: this.#messagesIn(opened), unreadable }
    }
    try {
      for (const batch of this.#reached) {
        if (bytes >= stretchBytes) {
          yield stretch(null)
          if (!kept) opened.forEach(release)
          first = next
          opened = []
          bytes = 0
        }
        if (this.#decided.visible.has(batch)) {
          const records = await recordsOf(batch)
          if (!Buffer.isBuffer(records)) {
            yield stretch(records)
            return
          }
          opened.push({ batch, records })
          bytes += records.length
        }
        next = batch.last + 1n
      }
      yield stretch(this.unreadable)
      return
    } finally {
      // Also where whoever takes them stops, for want of memory most of all.
      if (!kept) opened.forEach(release)
    }
  }

  /** From the fetched offset on. @throws Failure RECORD_UNREADABLE where a producer wrote a record wrongly */
  *#messagesIn(opened: readonly Opened[]): Generator<Message> {
    for (const { batch, records } of opened) {
      let last: bigint | null = null
      try {
        for (const message of messagesOf(batch, records, this)) {
          if (message.offset < this.#fetched) continue
          last = message.offset
          yield message
        }
      } catch (error) {
        // Of these records alone: what goes wrong with whoever takes the messages is not thrown here.
        if (!(error instanceof RangeError)) throw error
        const begin = batch.first > this.#fetched ? batch.first : this.#fetched
        throw unreadableFailure(this, last === null ? begin : last + 1n, { ...batch, reason: error.message })
      }
    }
  }

  /** Reads all of it into `messages`. @throws Failure RECORD_UNREADABLE */
  async open(): Promise<void> {
    const messages: KafkaMessage[] = []
    for await (const stretch of this.stretches(true)) {
      for (const message of stretch.messages) messages.push(kafkaMessage(message))
      if (stretch.unreadable) throw unreadableFailure(this, stretch.next, stretch.unreadable)
    }
    this.#messages = messages
  }

  /** As kafkajs's other readers know them, once it is open. */
  get messages(): readonly KafkaMessage[] {
    return this.#messages
  }

  isEmpty(): boolean {
    return this.messages.length === 0
  }

  /** Then kafkajs moves on by itself. */
  isEmptyDueToFiltering(): boolean {
    return this.isEmpty() && this.next > this.#fetched
  }

  firstOffset(): string | null {
    return this.messages[0]?.offset ?? null
  }

  lastOffset(): string {
    return (this.next - 1n).toString()
  }

  offsetLag(): string {
    return (BigInt(this.highWatermark) - this.next).toString()
  }

  offsetLagLow(): string {
    return (BigInt(this.highWatermark) - this.#fetched).toString()
  }
}

/**
 * At once, since what lies outside of its heap moves the garbage collector little: 600 batches of 1 MB, decompressed by lz4-napi,
 * held 340 MB, and 15 MB so.
 */
function release({ batch, records }: Opened): void {
  if (batch.decompress) releaseWhole(records)
}

function kafkaMessage({ offset, timestamp, key, value, headers }: Message): KafkaMessage {
  const byName = new Map<string, Buffer[]>()
  for (const [name, bytes] of headers) if (bytes) byName.set(name, [...(byName.get(name) ?? []), bytes])
  return {
    key,
    value,
    offset: offset.toString(),
    timestamp: timestamp.toString(),
    attributes: 0,
    headers: Object.fromEntries([...byName].map(([name, all]) => [name, all.length === 1 ? all[0] : all])),
  }
}
