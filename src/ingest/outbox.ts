/**
 * What a partition has sealed and not yet stored: encoded ahead of its turn, stored in order, committed behind.
 * What is sealed, and when, is partition.ts; how one file is put, storing.ts.
 */
import type { OffsetRange } from '../change.ts'
import type { TableConfig } from '../config.ts'
import { Failure, toFailure } from '../failure.ts'
import { type Anchor, encodeLandingMetadata, landingKey } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import type { Logger, Metrics } from '../telemetry.ts'
import type { SealedBatch } from './batch.ts'
import { encodeCommitment } from './commitment.ts'
import type { Outage } from './outage.ts'
import type { SealReason } from './sealing.ts'
import { storeFile } from './storing.ts'

export type OutboxSetting = {
  readonly table: TableConfig
  readonly prefix: string
  readonly stage: Stage
  readonly encoder: { encode(batch: SealedBatch): Promise<{ readonly file: Uint8Array; readonly rows: number }> }
  readonly metrics: Metrics
  readonly logger: Logger
  readonly stageOutage: Outage
  readonly now: () => number
}

/** Told by an outbox, heard by its partition. */
export interface OutboxListener {
  /** All below `next` is stored: commit it. Resolves when Kafka has answered, also where it refused; never throws. */
  commit(next: bigint, metadata: string): Promise<void>
  /** A file could not be stored, and none after it will be. */
  failed(failure: Failure): void
  /** Another writer stored exactly this range first, and none after it will be stored here. */
  taken(range: OffsetRange): void
  /** Memory was freed. */
  freed(): void
}

/** What is told of a batch when it is stored. */
export type Sealed = {
  readonly batch: SealedBatch
  readonly reason: SealReason
  /** ms since 1970 */
  readonly sealedAt: number
  /** of the first message, ms since 1970; -1 where there is none */
  readonly firstTimestamp: bigint
  /** rejects by failure code */
  readonly rejects: ReadonlyMap<string, number>
}

export class Outbox {
  readonly #setting: OutboxSetting
  readonly #listener: OutboxListener
  readonly #labels: { readonly topic: string; readonly partition: number }
  readonly #abandoned = new AbortController()
  #staged: bigint | null = null
  #lastAnchor: Anchor | null = null
  #inFlightBytes = 0
  #fileBytesPerByte: number | undefined
  /** Everything to be stored and committed, in order. Never rejects. */
  #queue: Promise<void> = Promise.resolve()
  /** Once a file could not be stored, none after it may be. */
  #broken = false

  constructor(partition: number, setting: OutboxSetting, listener: OutboxListener) {
    this.#setting = setting
    this.#listener = listener
    this.#labels = { topic: setting.table.topic, partition }
  }

  /** Resolves when nothing is on its way any more. */
  get settled(): Promise<void> {
    return this.#queue
  }

  /** Whether nothing put in from now on will be stored. */
  get broken(): boolean {
    return this.#broken
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes
  }

  /** The size of the last file over the memory of its batch; undefined before the first. */
  get fileBytesPerByte(): number | undefined {
    return this.#fileBytesPerByte
  }

  /** All below `cursor` is on the stage; `adopted` is the last file of it that no commit knows yet. */
  start(cursor: bigint, adopted: OffsetRange | null): void {
    if (adopted) this.#enqueue(() => this.#commit(cursor, adopted.first, null))
    else this.#reach(cursor)
  }

  /** Commits `next` in its turn, where the batch that began at `first` has no row up to there. */
  commit(next: bigint, first: bigint): void {
    this.#enqueue(() => this.#commit(next, first, this.#lastAnchor))
  }

  /** Encodes at once, stores and commits in its turn. */
  store(sealed: Sealed): void {
    const { encoder, metrics } = this.#setting
    const { topic, bytes } = sealed.batch
    let heldBytes = 0
    let ended = false
    const hold = (nowBytes: number) => {
      this.#inFlightBytes += nowBytes - heldBytes
      heldBytes = nowBytes
    }
    hold(bytes)
    const encoded = metrics.firn_encode_seconds.startTimer({ topic })
    const encoding = encoder.encode(sealed.batch).then(({ file }) => {
      encoded()
      if (bytes > 0) this.#fileBytesPerByte = file.byteLength / bytes
      // Its turn may have passed, where a file before it could not be stored.
      if (!ended) hold(file.byteLength)
      return file
    })
    // Files are encoded ahead of their turn; a failure counts when the turn comes.
    encoding.catch(() => undefined)
    this.#enqueue(
      async () => {
        await this.#put(sealed, await encoding)
      },
      () => {
        ended = true
        hold(0)
      },
    )
  }

  /** Nobody waits for what is in here any more: attempts that failed are not repeated, and nothing is committed. */
  abandon(): void {
    this.#broken = true
    this.#abandoned.abort(new Failure('UNKNOWN', 'the partition was given up'))
  }

  #enqueue(step: () => Promise<void>, ended: () => void = () => undefined): void {
    this.#queue = this.#queue.then(async () => {
      try {
        if (!this.#broken) await step()
      } catch (error) {
        this.#broken = true
        if (!this.#abandoned.signal.aborted) this.#listener.failed(toFailure(error))
      } finally {
        ended()
        this.#listener.freed()
      }
    })
  }

  async #put(sealed: Sealed, file: Uint8Array): Promise<void> {
    const { prefix, stage, metrics, stageOutage, table } = this.#setting
    const { topic, epoch, partition, range, rows, anchor } = sealed.batch
    const key = landingKey(prefix, { topic, epoch, partition, range })
    const metadata = encodeLandingMetadata({ rows, anchor })
    const arrived = metrics.firn_put_seconds.startTimer({ topic: table.topic })
    const onRetry = (failure: Failure) => {
      metrics.firn_puts_retried_total.inc({ ...this.#labels, code: failure.code })
      stageOutage.report(failure)
    }
    const outcome = await storeFile(stage, { key, body: file, metadata }, onRetry, this.#abandoned.signal)
    arrived()
    stageOutage.over()
    if (outcome === 'taken') {
      this.#broken = true
      metrics.firn_files_taken_total.inc(this.#labels)
      this.#listener.taken(range)
      return
    }
    this.#tellStored(sealed, file.byteLength, key)
    await this.#commit(range.last + 1n, range.first, anchor ?? this.#lastAnchor)
  }

  async #commit(next: bigint, first: bigint, anchor: Anchor | null): Promise<void> {
    if (this.#broken || (this.#staged !== null && next <= this.#staged)) return
    this.#lastAnchor = anchor
    this.#reach(next)
    const { epoch } = this.#setting.table
    await this.#listener.commit(next, encodeCommitment({ epoch, next, first, anchor }))
  }

  #reach(staged: bigint): void {
    this.#staged = staged
    this.#setting.metrics.firn_staged_offset.set(this.#labels, Number(staged))
  }

  #tellStored({ batch, reason, sealedAt, firstTimestamp, rejects }: Sealed, fileBytes: number, key: string): void {
    const { metrics, logger, now } = this.#setting
    const { topic, rows, tombstones, lastTimestamp, lastSourceTs } = batch
    const labels = this.#labels
    metrics.firn_rows_total.inc(labels, rows)
    metrics.firn_files_total.inc(labels)
    metrics.firn_file_bytes_total.inc(labels, fileBytes)
    if (tombstones > 0) metrics.firn_tombstones_total.inc(labels, tombstones)
    for (const [code, count] of rejects) metrics.firn_rejects_total.inc({ ...labels, code }, count)
    if (firstTimestamp >= 0n) {
      metrics.firn_staging_latency_seconds.observe({ topic }, (now() - Number(firstTimestamp)) / 1000)
    }
    if (!this.#broken) {
      if (lastTimestamp !== null) metrics.firn_staged_timestamp_seconds.set(labels, Number(lastTimestamp) / 1000)
      if (lastSourceTs !== null) metrics.firn_staged_source_timestamp_seconds.set(labels, Number(lastSourceTs) / 1000)
    }
    logger.debug({ key, rows, bytes: fileBytes, reason, sealedAt, storedAt: now() }, 'landing file stored')
  }
}
