/**
 * One assigned partition from its start to its end: takes messages into a batch and seals it for its outbox, step by step as
 * progress.ts has it. Where it starts is found in assignment.ts; what its end means for the others, in roster.ts.
 */
import type { Message } from '../change.ts'
import type { IngestConfig } from '../config.ts'
import { type Failure, type FailureCode, toFailure } from '../failure.ts'
import { reach } from '../fail-point.ts'
import { type Unreadable, unreadableFailure } from '../kafka/record-batch.ts'
import type { Anchor } from '../landing.ts'
import type { Phase, Reader } from './acceptance.ts'
import type { Commitment } from './commitment.ts'
import { busyWaitMs } from './fetch-patience.ts'
import { decodeByRules } from './message-rules.ts'
import { OpenBatch } from './open-batch.ts'
import { type About, Outbox, type OutboxSetting } from './outbox.ts'
import { PartitionCommits } from './partition-commits.ts'
import * as step from './progress.ts'
import { type MemoryUse, openMs, type SealReason } from './sealing.ts'
import type { CommitPlace } from './start.ts'

/** What a partition is given at its start; the same for all partitions of a process but for `table`. */
export type PartitionSetting = OutboxSetting & { readonly limits: IngestConfig }

/** Told by a partition, heard by its roster. */
export interface PartitionListener {
  /** All below `next` is staged: commit it. Resolves when Kafka has answered, also where it refused; never throws. */
  commit(partition: Partition, next: bigint, metadata: string): Promise<void>
  /** Nothing more will be taken here; an operator must act. */
  halted(partition: Partition, failure: Failure): void
  /** Another writer stored the range that is next: the partition must start anew from the stage, beyond `next`. */
  taken(partition: Partition, next: bigint): void
  /** What it holds in memory has changed. */
  resized(partition: Partition): void
  /** Something on its way has ended, and memory may have been freed. */
  freed(): void
}

/** What a fetch brought of this partition. */
export type Offer = {
  readonly messages: Iterable<Message>
  /** the offset after all that it covers */
  readonly next: bigint
  readonly unreadable: Unreadable | null
}

/** Thrown before the batch in hand was touched, so that it can be stored. */
const leavesBatchWhole: ReadonlySet<FailureCode> = new Set(['UNORDERED', 'TEXT_TOO_LONG', 'RECORD_UNREADABLE'])

/** A batch that cannot be read is fetched this often before it halts the partition. */
const readsMax = 5

/** How often the memory is looked at while a fetch is taken, in bytes of messages. */
const roomEveryBytes = 64 * 2 ** 10

export class Partition implements Reader {
  readonly topic: string
  readonly partition: number
  readonly generation: number
  readonly #setting: PartitionSetting
  readonly #listener: PartitionListener
  readonly #labels: { readonly topic: string; readonly partition: number }
  readonly #outbox: Outbox
  readonly #commits: PartitionCommits
  #progress: step.Progress
  #partitionCount = 1
  #open: OpenBatch | null = null
  #sealedAnchor: Anchor | null = null
  #failedReads = 0

  constructor(partition: number, generation: number, setting: PartitionSetting, listener: PartitionListener) {
    this.topic = setting.table.topic
    this.partition = partition
    this.generation = generation
    this.#progress = step.resuming(generation)
    this.#setting = setting
    this.#listener = listener
    this.#labels = { topic: this.topic, partition }
    this.#commits = new PartitionCommits((next, metadata) => listener.commit(this, next, metadata))
    this.#outbox = new Outbox(partition, setting, {
      settled: (outcome, about) => this.#settled(outcome, about),
      failed: (failure) => {
        this.halt(failure)
      },
      resized: () => {
        listener.resized(this)
      },
      freed: () => {
        listener.freed()
      },
    })
  }

  get startedAt(): number {
    return this.#progress.startedAt
  }

  get phase(): Phase {
    return this.#progress.phase
  }

  /** The last message that was taken; null where none is known. */
  get anchor(): Anchor | null {
    return this.#open?.batch.anchor ?? this.#sealedAnchor ?? this.#commits.last?.anchor ?? null
  }

  /** Whether it has ever been reading. */
  get hasStarted(): boolean {
    return this.#commits.last !== null
  }

  /** The next offset to take. */
  get cursor(): bigint {
    return this.#progress.cursor
  }

  /** Each offset below it is on the stage, vouched for, given up, or carries no row. */
  get staged(): bigint {
    return this.#progress.staged
  }

  /** Kafka timestamp of the first message that is in hand or on its way, ms since 1970; null where there is none. */
  get oldestTimestamp(): bigint | null {
    if (this.staged >= this.cursor) return null
    return this.#outbox.oldestTimestamp ?? this.#open?.firstTimestamp ?? null
  }

  /** Resolves when nothing of this partition is on its way any more. */
  get settled(): Promise<void> {
    return this.#outbox.settled
  }

  get memory(): MemoryUse {
    const batch = this.#open?.batch
    return { rows: batch?.rows ?? 0, openBytes: batch?.bytes ?? 0, inFlightBytes: this.#outbox.inFlightBytes }
  }

  /** From here on batches at its `next` may be taken; it is committed first, where Kafka does not have it yet. */
  start(commitment: Commitment, turn: number, partitionCount: number, isCommitted: boolean): void {
    const { next, first, open } = commitment
    this.#progress = step.startAt(this.#progress, open ? first : next, next, turn)
    this.#partitionCount = partitionCount
    this.#commits.startAt(commitment)
    if (!isCommitted) {
      this.#outbox.then(async () => {
        reach('bootstrap.before')
        await this.#commits.commit(commitment)
        reach('bootstrap.after')
      })
    }
    this.#tellStaged()
    this.#setting.metrics.firn_consumed_offset.set(this.#labels, Number(next))
  }

  /**
   * Takes a fetched batch that continues at the cursor, for as long as there is room: false where it was not taken to its
   * end. After a halt the cursor stays at what caused it.
   */
  take({ messages, next, unreadable }: Offer, hasRoom: () => boolean): boolean {
    reach('buffer.before')
    try {
      const before = this.cursor
      const isWhole = this.#takeMessages(messages, hasRoom)
      if (isWhole && next > this.cursor) {
        this.#opened().batch.cover(next)
        this.#progress = step.taken(this.#progress, next)
      }
      this.#setting.metrics.firn_consumed_offset.set(this.#labels, Number(this.cursor))
      this.#sealIfDue()
      if (isWhole) this.#countReads(unreadable, this.cursor > before)
      reach('buffer.after')
      return isWhole
    } catch (error) {
      this.halt(toFailure(error))
      return false
    }
  }

  /** Ends the open batch and hands it to the outbox; a batch without rows is passed, and goes on. */
  seal(reason: SealReason): void {
    const open = this.#open
    open?.stopTimer()
    if (!open || this.#outbox.broken) return
    const { batch, firstTimestamp, rejects } = open
    if (batch.rows === 0) {
      this.#progress = step.passed(this.#progress)
      open.passed()
      this.#outbox.pass({ first: batch.first, open: true, anchor: batch.anchor })
      return
    }
    this.#progress = step.sealed(this.#progress)
    this.#drop()
    this.#sealedAnchor = batch.anchor
    this.#setting.metrics.firn_seals_total.inc({ topic: this.topic, reason })
    this.#outbox.store({ batch: batch.seal(), reason, sealedAt: this.#setting.now(), firstTimestamp, rejects })
  }

  /** Takes nothing more, and stores what is there. */
  leave(): void {
    if (this.phase === 'reading') this.seal('leaving')
    this.#progress = step.leaving(this.#progress)
    this.#drop()
  }

  /** Nobody waits for this partition any more: attempts that failed are not repeated, and nothing is committed. */
  abandon(): void {
    this.#drop()
    this.#progress = step.abandoned(this.#progress)
    this.#outbox.abandon()
  }

  /**
   * Stops here: takes nothing more and keeps its place. What is complete is still stored, and behind it the halt is noted in
   * the commit; where it halts before it has started, at `place`. That this is another log is noted at once.
   */
  halt(failure: Failure, place?: CommitPlace | null): void {
    if (this.phase === 'halted') return
    const isOtherLog = failure.code === 'LOG_REPLACED' && place === undefined
    if (isOtherLog) this.#commits.isOtherLog(failure)
    this.#progress = step.halted(this.#progress)
    if (leavesBatchWhole.has(failure.code)) this.seal('halt')
    this.#drop()
    this.#progress = step.dropped(this.#progress)
    const note = () => this.#commits.note(failure, place ?? undefined)
    if (place !== null && (isOtherLog || this.#outbox.broken)) void note()
    if (place !== null && !this.#outbox.broken) this.#outbox.then(note)
    this.#listener.halted(this, failure)
  }

  /** Whether it came to the end of `messages`. */
  #takeMessages(messages: Iterable<Message>, hasRoom: () => boolean): boolean {
    const { limits } = this.#setting
    let last: Message | null = null
    let uncounted: Message | null = null
    let bytes = 0
    /** To be called before anybody else looks at this partition: counted one by one, messages would cost more than their rows. */
    const count = (): void => {
      if (uncounted) this.#progress = step.taken(this.#progress, uncounted.offset + 1n)
      uncounted = null
    }
    try {
      for (const message of messages) {
        if (bytes >= roomEveryBytes) {
          bytes = 0
          count()
          if (!hasRoom()) return false
        }
        const decoded = decodeByRules(message, this.#setting, this.#partitionCount)
        const open = this.#opened()
        open.add(message, decoded)
        last = uncounted = message
        bytes += (message.value?.length ?? 0) + (message.key?.length ?? 0)
        if (open.batch.rows >= limits.fileRows) {
          count()
          this.seal('rows')
        }
      }
      return true
    } finally {
      count()
      this.#open?.batch.letGo()
      if (last) this.#tellConsumed(last)
    }
  }

  #tellConsumed({ timestamp }: Message): void {
    this.#setting.metrics.firn_consumed_timestamp_seconds.set(this.#labels, Number(timestamp) / 1000)
  }

  /** The batch at the cursor cannot be read: fetched again, it may be sound; if it never is, somebody must act. */
  #countReads(unreadable: Unreadable | null, moved: boolean): void {
    this.#failedReads = unreadable === null ? 0 : moved ? 1 : this.#failedReads + 1
    if (unreadable !== null && this.#failedReads >= readsMax) throw unreadableFailure(this, this.cursor, unreadable)
  }

  #opened(): OpenBatch {
    if (this.#open) return this.#open
    const { table, limits, now } = this.#setting
    const { fileBytesPerByte, storeMs } = this.#outbox
    const measure = fileBytesPerByte === undefined ? {} : { fileBytesPerByte }
    const { topic, partition } = this
    const { opened: first, cursor } = this.#progress
    const sealLimits = { ...limits, openMs: openMs(limits.freshness, busyWaitMs(limits) + storeMs) }
    this.#open = new OpenBatch({ topic, epoch: table.epoch, partition, first, ...measure }, sealLimits, now)
    this.#open.batch.cover(cursor)
    return this.#open
  }

  #sealIfDue(): void {
    const open = this.#open
    const reason = open?.due() ?? null
    if (reason) this.seal(reason)
    else
      open?.sealAtAge(() => {
        this.seal('age')
      })
  }

  #drop(): void {
    this.#open?.stopTimer()
    this.#open = null
    this.#listener.resized(this)
  }

  async #settled(outcome: step.Outcome, { first, open, anchor }: About): Promise<void> {
    const { staged } = this.#progress
    const { progress, commit } = step.settled(this.#progress, outcome)
    this.#progress = progress
    if (outcome === 'taken') {
      this.#drop()
      this.#listener.taken(this, first > staged ? first : staged)
      return
    }
    this.#tellStaged()
    if (commit === null) return
    const { epoch } = this.#setting.table
    reach('commit.before')
    await this.#commits.commit({
      epoch,
      next: commit,
      first,
      open,
      anchor: anchor ?? this.#commits.last?.anchor ?? null,
    })
    reach('commit.after')
  }

  #tellStaged(): void {
    this.#setting.metrics.firn_staged_offset.set(this.#labels, Number(this.#progress.staged))
  }
}
