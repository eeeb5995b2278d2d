/**
 * One assigned partition from its start to its end: takes messages into a batch and seals it for its outbox, which stores
 * the files. Where it starts is found in assignment.ts; what its end means for the others, in roster.ts.
 */
import type { Message, OffsetRange } from '../change.ts'
import type { IngestConfig } from '../config.ts'
import { decode } from '../envelope/envelope.ts'
import { Failure, toFailure } from '../failure.ts'
import type { Phase, Reader } from './acceptance.ts'
import { Batch } from './batch.ts'
import { disorderOf } from './disorder.ts'
import { Outbox, type OutboxSetting } from './outbox.ts'
import { type MemoryUse, type SealReason, sealReason } from './sealing.ts'

/** What a partition is given at its start; the same for all partitions of a process but for `table`. */
export type PartitionSetting = OutboxSetting & { readonly limits: IngestConfig }

/** Told by a partition, heard by its roster. */
export interface PartitionListener {
  /** The file is stored: commit `next`. Resolves when Kafka has answered, also where it refused; never throws. */
  commit(partition: Partition, next: bigint, metadata: string): Promise<void>
  /** Nothing more will be taken here; an operator must act. */
  halted(partition: Partition, failure: Failure): void
  /** Another writer stored exactly this range first: the partition must start anew from the stage. */
  taken(partition: Partition, range: OffsetRange): void
  /** Memory was freed. */
  freed(): void
}

/** The batch in hand, with what it does not count itself. */
type Open = { readonly batch: Batch; firstTimestamp: bigint; readonly rejects: Map<string, number> }

export class Partition implements Reader {
  readonly topic: string
  readonly partition: number
  readonly generation: number
  readonly #setting: PartitionSetting
  readonly #listener: PartitionListener
  readonly #labels: { readonly topic: string; readonly partition: number }
  readonly #outbox: Outbox
  #phase: Phase = 'resuming'
  #cursor = 0n
  #partitionCount = 1
  #open: Open | null = null
  #ageTimer: NodeJS.Timeout | undefined
  #firstRowAtMs: number | null = null

  constructor(partition: number, generation: number, setting: PartitionSetting, listener: PartitionListener) {
    this.topic = setting.table.topic
    this.partition = partition
    this.generation = generation
    this.#setting = setting
    this.#listener = listener
    this.#labels = { topic: this.topic, partition }
    this.#outbox = new Outbox(partition, setting, {
      commit: (next, metadata) => listener.commit(this, next, metadata),
      failed: (failure) => {
        this.halt(failure)
      },
      taken: (range) => {
        this.#drop()
        listener.taken(this, range)
      },
      freed: () => {
        listener.freed()
      },
    })
  }

  get phase(): Phase {
    return this.#phase
  }

  /** The next offset to take. */
  get cursor(): bigint {
    return this.#cursor
  }

  /** Resolves when nothing of this partition is on its way any more. */
  get settled(): Promise<void> {
    return this.#outbox.settled
  }

  get memory(): MemoryUse {
    const batch = this.#open?.batch
    return { rows: batch?.rows ?? 0, openBytes: batch?.bytes ?? 0, inFlightBytes: this.#outbox.inFlightBytes }
  }

  /** From here on batches at `cursor` may be taken. `adopted` is the last file that no commit knows yet. */
  start(cursor: bigint, partitionCount: number, adopted: OffsetRange | null): void {
    this.#phase = 'reading'
    this.#cursor = cursor
    this.#partitionCount = partitionCount
    this.#outbox.start(cursor, adopted)
    this.#setting.metrics.firn_consumed_offset.set(this.#labels, Number(cursor))
  }

  /**
   * Takes a fetched batch that continues at the cursor; `next` is the offset after all that it covers, also where its last
   * offsets carry no message. After a halt the cursor stays at the message that caused it.
   */
  take(messages: Iterable<Message>, next: bigint): void {
    try {
      let last: Message | null = null
      for (const message of messages) {
        this.#add(message)
        last = message
      }
      if (next > this.#cursor) {
        this.#opened().batch.cover(next)
        this.#cursor = next
      }
      this.#sealIfDue()
      this.#tellConsumed(last)
    } catch (error) {
      this.halt(toFailure(error))
    }
  }

  /** Ends the open batch and hands it to the outbox; a batch without rows only moves the commit. */
  seal(reason: SealReason): void {
    const open = this.#open
    clearTimeout(this.#ageTimer)
    this.#ageTimer = undefined
    if (!open || this.#outbox.broken) return
    const { batch, firstTimestamp, rejects } = open
    if (batch.rows === 0) {
      this.#outbox.commit(batch.next, batch.first)
      return
    }
    this.#drop()
    this.#setting.metrics.firn_seals_total.inc({ ...this.#labels, reason })
    this.#outbox.store({ batch: batch.seal(), reason, sealedAt: this.#setting.now(), firstTimestamp, rejects })
  }

  /** Takes nothing more, and stores what is there. */
  leave(): void {
    if (this.#phase === 'reading') this.seal('leaving')
    if (this.#phase !== 'halted') this.#phase = 'leaving'
  }

  /** Nobody waits for this partition any more: attempts that failed are not repeated, and nothing is committed. */
  abandon(): void {
    this.#drop()
    if (this.#phase !== 'halted') this.#phase = 'leaving'
    this.#outbox.abandon()
  }

  /** Stops here: takes nothing more and keeps its place. What is complete is still stored. */
  halt(failure: Failure): void {
    if (this.#phase === 'halted') return
    this.#phase = 'halted'
    // Only a failure that leaves the batch whole lets it be stored.
    if (failure.code === 'UNORDERED' || failure.code === 'TEXT_TOO_LONG') this.seal('halt')
    this.#drop()
    this.#listener.halted(this, failure)
  }

  #add(message: Message): void {
    const { table } = this.#setting
    const decoded = decode(message, table)
    const disorder = disorderOf(message, decoded, table, this.#partitionCount)
    if (disorder !== null) {
      const place = `${this.topic}/${this.partition} at offset ${message.offset.toString()}`
      throw new Failure('UNORDERED', `${place}: ${disorder}, on a topic of ${this.#partitionCount} partitions`)
    }
    const open = this.#opened()
    open.batch.add(message, decoded)
    this.#cursor = message.offset + 1n
    if (open.batch.messages === 1) open.firstTimestamp = message.timestamp
    if (decoded.kind === 'reject') open.rejects.set(decoded.code, (open.rejects.get(decoded.code) ?? 0) + 1)
    if (open.batch.rows >= this.#setting.limits.fileRows) this.seal('rows')
  }

  #opened(): Open {
    if (this.#open) return this.#open
    const { table, now } = this.#setting
    const { fileBytesPerByte } = this.#outbox
    const batch = new Batch({
      topic: this.topic,
      epoch: table.epoch,
      partition: this.partition,
      first: this.#cursor,
      openedAtMs: now(),
      ...(fileBytesPerByte === undefined ? {} : { fileBytesPerByte }),
    })
    this.#open = { batch, firstTimestamp: -1n, rejects: new Map() }
    return this.#open
  }

  /** One timer for the batch in hand: an idle partition has none, and a batch never waits for new messages. */
  #sealIfDue(): void {
    const batch = this.#open?.batch
    if (!batch) return
    const { limits, now } = this.#setting
    if (batch.rows > 0) this.#firstRowAtMs ??= now()
    const ageMs = this.#firstRowAtMs === null ? 0 : now() - this.#firstRowAtMs
    const reason = sealReason(batch, ageMs, limits)
    if (reason) this.seal(reason)
    else
      this.#ageTimer ??= setTimeout(() => {
        this.seal('age')
      }, limits.freshness)
  }

  #drop(): void {
    clearTimeout(this.#ageTimer)
    this.#ageTimer = undefined
    this.#open = null
    this.#firstRowAtMs = null
  }

  #tellConsumed(last: Message | null): void {
    const { metrics } = this.#setting
    metrics.firn_consumed_offset.set(this.#labels, Number(this.#cursor))
    if (last) metrics.firn_consumed_timestamp_seconds.set(this.#labels, Number(last.timestamp) / 1000)
  }
}
