/**
 * One assigned partition from its start to its end: takes messages into a batch, seals it, stores the files in order and
 * commits behind them. Where it starts is found in assignment.ts; what its end means for the others, in session.ts.
 */
import type { Message, OffsetRange } from '../change.ts'
import type { IngestConfig, TableConfig } from '../config.ts'
import { decode } from '../envelope/envelope.ts'
import { Failure, toFailure } from '../failure.ts'
import { type Anchor, encodeLandingMetadata, landingKey } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import type { Logger, Metrics } from '../telemetry.ts'
import type { Phase, Reader } from './acceptance.ts'
import { Batch, type SealedBatch } from './batch.ts'
import { encodeCommitment } from './commitment.ts'
import { disorderOf } from './disorder.ts'
import type { Outage } from './outage.ts'
import { type MemoryUse, type SealReason, sealReason } from './sealing.ts'
import { storeFile } from './storing.ts'

/** What a partition is given at its start; the same for all partitions of a process but for `table`. */
export type PartitionSetting = {
  readonly table: TableConfig
  readonly prefix: string
  readonly limits: IngestConfig
  readonly stage: Stage
  readonly encoder: { encode(batch: SealedBatch): Promise<{ readonly file: Uint8Array; readonly rows: number }> }
  readonly metrics: Metrics
  readonly logger: Logger
  readonly stageOutage: Outage
  readonly now: () => number
}

/** Told by a partition, heard by its session. */
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

type Tally = { firstTimestamp: bigint; tombstones: number; readonly rejects: Map<string, number> }
type Sealed = {
  readonly batch: SealedBatch
  readonly tally: Tally
  readonly reason: SealReason
  /** ms since 1970 */
  readonly sealedAt: number
}

export class Partition implements Reader {
  readonly topic: string
  readonly partition: number
  readonly generation: number
  readonly #setting: PartitionSetting
  readonly #listener: PartitionListener
  readonly #labels: { readonly topic: string; readonly partition: number }
  readonly #abandoned = new AbortController()
  #phase: Phase = 'resuming'
  #cursor = 0n
  #partitionCount = 1
  #open: { readonly batch: Batch; readonly tally: Tally } | null = null
  #ageTimer: NodeJS.Timeout | undefined
  #firstRowAtMs: number | null = null
  #staged: bigint | null = null
  #lastAnchor: Anchor | null = null
  #inFlightBytes = 0
  #fileBytesPerByte: number | undefined
  /** Everything to be stored and committed, in order. Never rejects. */
  #queue: Promise<void> = Promise.resolve()
  /** Once a file could not be stored, none after it may be. */
  #broken = false

  constructor(partition: number, generation: number, setting: PartitionSetting, listener: PartitionListener) {
    this.topic = setting.table.topic
    this.partition = partition
    this.generation = generation
    this.#setting = setting
    this.#listener = listener
    this.#labels = { topic: this.topic, partition }
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
    return this.#queue
  }

  get memory(): MemoryUse {
    const batch = this.#open?.batch
    return { rows: batch?.rows ?? 0, openBytes: batch?.bytes ?? 0, inFlightBytes: this.#inFlightBytes }
  }

  /** From here on batches at `cursor` may be taken. `adopted` is the last file that no commit knows yet. */
  start(cursor: bigint, partitionCount: number, adopted: OffsetRange | null): void {
    this.#phase = 'reading'
    this.#cursor = cursor
    this.#partitionCount = partitionCount
    if (adopted) this.#enqueue(() => this.#commit(cursor, adopted.first, null))
    else this.#reach(cursor)
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
      this.#halt(toFailure(error))
    }
  }

  /** Ends the open batch and queues it for the stage; a batch without rows only moves the commit. */
  seal(reason: SealReason): void {
    const open = this.#open
    clearTimeout(this.#ageTimer)
    this.#ageTimer = undefined
    if (!open || this.#broken) return
    if (open.batch.rows === 0) {
      const { first, next } = open.batch
      this.#enqueue(() => this.#commit(next, first, this.#lastAnchor))
      return
    }
    this.#open = null
    this.#firstRowAtMs = null
    const sealed = { batch: open.batch.seal(), tally: open.tally, reason, sealedAt: this.#setting.now() }
    this.#setting.metrics.firn_seals_total.inc({ ...this.#labels, reason })
    this.#store(sealed)
  }

  /** Takes nothing more, and stores what is there. */
  leave(): void {
    if (this.#phase === 'reading') this.seal('leaving')
    if (this.#phase !== 'halted') this.#phase = 'leaving'
  }

  /** Nobody waits for this partition any more: attempts that failed are not repeated, and nothing is committed. */
  abandon(): void {
    this.#broken = true
    this.#drop()
    if (this.#phase !== 'halted') this.#phase = 'leaving'
    this.#abandoned.abort(new Failure('UNKNOWN', 'the partition was given up'))
  }

  /** Stops here: takes nothing more and keeps its place. What is complete is still stored. */
  halt(failure: Failure): void {
    this.#halt(failure)
  }

  #add(message: Message): void {
    const { table } = this.#setting
    const decoded = decode(message, table)
    const disorder = disorderOf(message, decoded, table, this.#partitionCount)
    if (disorder !== null) {
      const place = `${this.topic}/${this.partition} at offset ${message.offset.toString()}`
      throw new Failure('UNORDERED', `${place}: ${disorder}, on a topic of ${this.#partitionCount} partitions`)
    }
    const { batch, tally } = this.#opened()
    batch.add(message, decoded)
    this.#cursor = message.offset + 1n
    if (batch.messages === 1) tally.firstTimestamp = message.timestamp
    if (decoded.kind === 'tombstone') tally.tombstones++
    if (decoded.kind === 'reject') tally.rejects.set(decoded.code, (tally.rejects.get(decoded.code) ?? 0) + 1)
    if (batch.rows >= this.#setting.limits.fileRows) this.seal('rows')
  }

  #opened(): { readonly batch: Batch; readonly tally: Tally } {
    if (this.#open) return this.#open
    const { table, now } = this.#setting
    const batch = new Batch({
      topic: this.topic,
      epoch: table.epoch,
      partition: this.partition,
      first: this.#cursor,
      openedAtMs: now(),
      ...(this.#fileBytesPerByte === undefined ? {} : { fileBytesPerByte: this.#fileBytesPerByte }),
    })
    this.#open = { batch, tally: { firstTimestamp: -1n, tombstones: 0, rejects: new Map() } }
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

  #halt(failure: Failure): void {
    if (this.#phase === 'halted') return
    this.#phase = 'halted'
    // Only a failure that leaves the batch whole lets it be stored.
    if (failure.code === 'UNORDERED') this.seal('halt')
    else this.#drop()
    this.#listener.halted(this, failure)
  }

  #drop(): void {
    clearTimeout(this.#ageTimer)
    this.#ageTimer = undefined
    this.#open = null
    this.#firstRowAtMs = null
  }

  #store(sealed: Sealed): void {
    const { encoder, metrics } = this.#setting
    const { bytes } = sealed.batch
    let heldBytes = bytes
    this.#inFlightBytes += bytes
    const encoded = metrics.firn_encode_seconds.startTimer({ topic: this.topic })
    const encoding = encoder.encode(sealed.batch).then(({ file }) => {
      encoded()
      if (bytes > 0) this.#fileBytesPerByte = file.byteLength / bytes
      this.#inFlightBytes += file.byteLength - heldBytes
      heldBytes = file.byteLength
      return file
    })
    // Files are encoded ahead of their turn; a failure counts when the turn comes.
    encoding.catch(() => undefined)
    this.#enqueue(
      async () => {
        await this.#put(sealed, await encoding)
      },
      () => {
        this.#inFlightBytes -= heldBytes
      },
    )
  }

  #enqueue(step: () => Promise<void>, ended: () => void = () => undefined): void {
    this.#queue = this.#queue.then(async () => {
      try {
        if (!this.#broken) await step()
      } catch (error) {
        this.#broken = true
        if (!this.#abandoned.signal.aborted) this.#halt(toFailure(error))
      } finally {
        ended()
        this.#listener.freed()
      }
    })
  }

  async #put(sealed: Sealed, file: Uint8Array): Promise<void> {
    const { prefix, stage, metrics, stageOutage, table } = this.#setting
    const { range, rows, anchor } = sealed.batch
    const place = { topic: this.topic, epoch: table.epoch, partition: this.partition, range }
    const key = landingKey(prefix, place)
    const metadata = encodeLandingMetadata({ rows, anchor })
    const arrived = metrics.firn_put_seconds.startTimer({ topic: this.topic })
    const onRetry = (failure: Failure) => {
      metrics.firn_puts_retried_total.inc({ ...this.#labels, code: failure.code })
      metrics.firn_stage_reachable.set(0)
      stageOutage.report(failure)
    }
    const outcome = await storeFile(stage, { key, body: file, metadata }, onRetry, this.#abandoned.signal)
    arrived()
    stageOutage.over()
    metrics.firn_stage_reachable.set(1)
    if (outcome === 'taken') {
      this.#broken = true
      this.#drop()
      metrics.firn_files_taken_total.inc(this.#labels)
      this.#listener.taken(this, range)
      return
    }
    this.#tellStored(sealed, file.byteLength, key)
    await this.#commit(range.last + 1n, range.first, anchor ?? this.#lastAnchor)
  }

  async #commit(next: bigint, first: bigint, anchor: Anchor | null): Promise<void> {
    if (this.#staged !== null && next <= this.#staged) return
    this.#lastAnchor = anchor
    this.#reach(next)
    const { epoch } = this.#setting.table
    await this.#listener.commit(this, next, encodeCommitment({ epoch, next, first, anchor }))
  }

  #reach(staged: bigint): void {
    this.#staged = staged
    this.#setting.metrics.firn_staged_offset.set(this.#labels, Number(staged))
  }

  #tellConsumed(last: Message | null): void {
    const { metrics } = this.#setting
    metrics.firn_consumed_offset.set(this.#labels, Number(this.#cursor))
    if (last) metrics.firn_consumed_timestamp_seconds.set(this.#labels, Number(last.timestamp) / 1000)
  }

  #tellStored({ batch, tally, reason, sealedAt }: Sealed, fileBytes: number, key: string): void {
    const { metrics, logger, now } = this.#setting
    const { rows, lastTimestamp, lastSourceTs } = batch
    const labels = this.#labels
    metrics.firn_rows_total.inc(labels, rows)
    metrics.firn_files_total.inc(labels)
    metrics.firn_file_bytes_total.inc(labels, fileBytes)
    if (tally.tombstones > 0) metrics.firn_tombstones_total.inc(labels, tally.tombstones)
    for (const [code, count] of tally.rejects) metrics.firn_rejects_total.inc({ ...labels, code }, count)
    if (lastTimestamp !== null) metrics.firn_staged_timestamp_seconds.set(labels, Number(lastTimestamp) / 1000)
    if (lastSourceTs !== null) metrics.firn_staged_source_timestamp_seconds.set(labels, Number(lastSourceTs) / 1000)
    if (tally.firstTimestamp >= 0n) {
      const latencySeconds = (now() - Number(tally.firstTimestamp)) / 1000
      metrics.firn_staging_latency_seconds.observe({ topic: this.topic }, latencySeconds)
    }
    logger.debug({ key, rows, bytes: fileBytes, reason, sealedAt, storedAt: now() }, 'landing file stored')
  }
}
