/**
 * What a fetch brought of one partition, as a reader that sees committed transactions alone may see it, and how far it
 * reaches. Stands in for kafkajs's own class, which delivers messages of some aborted transactions and forgets where a
 * batch without messages ends. Whether it is taken is decided in ingest/.
 */
import type { KafkaMessage } from 'kafkajs'
import type { Message } from '../change.ts'
import {
  isAbortMarker,
  messagesOf,
  type RecordBatch,
  type RecordSet,
  type Unreadable,
  unreadableFailure,
} from './record-batch.ts'

/** One partition of a fetch response, as kafkajs hands it over. */
export type PartitionData = {
  readonly partition: number
  readonly highWatermark: string
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  readonly messages: RecordSet
}

export type AbortedTransaction = { readonly producerId: string; readonly firstOffset: string }

export class FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly fetchedOffset: string
  readonly highWatermark: string
  /** the offset after all that this fetch covers; the fetched one where it brought nothing */
  readonly next: bigint
  /** what ends it early, at or above `next` */
  readonly unreadable: Unreadable | null
  /** the member's turn when it was asked for; null for a consumer without hooks */
  askedAt: number | null = null
  readonly #fetched: bigint
  readonly #visible: readonly RecordBatch[]
  #messages: readonly KafkaMessage[] | undefined

  constructor(topic: string, fetchedOffset: string, data: PartitionData) {
    const { batches, unreadable } = data.messages
    this.topic = topic
    this.partition = data.partition
    this.fetchedOffset = fetchedOffset
    this.highWatermark = data.highWatermark
    this.#fetched = BigInt(fetchedOffset)
    // A broker sends whole batches: the first may begin below what was asked for.
    const reached = batches.filter(({ last }) => last >= this.#fetched)
    this.next = (reached.at(-1)?.last ?? this.#fetched - 1n) + 1n
    this.unreadable = unreadable
    this.#visible = committedOnly(reached, data.abortedTransactions ?? [])
  }

  /** Whether it covers no offset, and tells of nothing. */
  get saysNothing(): boolean {
    return this.next === this.#fetched && this.unreadable === null
  }

  /** In order, from the fetched offset on. @throws Failure RECORD_UNREADABLE where a producer wrote a record wrongly */
  *records(): Generator<Message> {
    for (const batch of this.#visible) {
      let next = batch.first > this.#fetched ? batch.first : this.#fetched
      const messages = messagesOf(batch, this)
      for (;;) {
        let found
        try {
          found = messages.next()
        } catch (error) {
          if (!(error instanceof RangeError)) throw error
          throw unreadableFailure(this, next, { ...batch, reason: error.message })
        }
        if (found.done === true) break
        if (found.value.offset < this.#fetched) continue
        next = found.value.offset + 1n
        yield found.value
      }
    }
  }

  /** As kafkajs's other readers know them. */
  get messages(): readonly KafkaMessage[] {
    this.#messages ??= [...this.records()].map(kafkaMessage)
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
 * Without transaction markers and what was aborted. A broker lists the transactions that were aborted in the fetched range,
 * in any order; each lasts from its first offset to its producer's next abort marker.
 */
function committedOnly(
  batches: readonly RecordBatch[],
  aborted: readonly AbortedTransaction[],
): readonly RecordBatch[] {
  const ahead = aborted
    .map(({ producerId, firstOffset }) => ({ producerId: BigInt(producerId), first: BigInt(firstOffset) }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const aborting = new Set<bigint>()
  return batches.filter((batch) => {
    for (let next = ahead[0]; next && next.first <= batch.last; next = ahead[0]) {
      aborting.add(next.producerId)
      ahead.shift()
    }
    if (isAbortMarker(batch)) aborting.delete(batch.producerId)
    return !batch.control && !(batch.transactional && aborting.has(batch.producerId))
  })
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
