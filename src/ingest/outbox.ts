/**
 * What a partition has on its way: encoded ahead of its turn, stored in order. What may be committed after a step is
 * progress.ts's; how one object is put, storing.ts.
 */
import type { TableConfig } from '../config.ts'
import { Failure, type FailureCode, failures, toFailure } from '../failure.ts'
import { reach } from '../fail-point.ts'
import { encodeLandingMetadata, landingKey, valueKey } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import type { Logger, Metrics } from '../telemetry.ts'
import type { SealedBatch } from './batch.ts'
import type { Commitment } from './commitment.ts'
import type { Outage } from './outage.ts'
import type { Outcome } from './progress.ts'
import type { RecentFiles } from './recent-files.ts'
import { type SealReason, storeMsAfter } from './sealing.ts'
import { type StageObject, storeObject } from './storing.ts'

export type OutboxSetting = {
  readonly table: TableConfig
  readonly prefix: string
  readonly stage: Stage
  readonly encoder: { encode(batch: SealedBatch): Promise<{ readonly file: Uint8Array; readonly rows: number }> }
  readonly metrics: Metrics
  readonly logger: Logger
  readonly stageOutage: Outage
  readonly recentFiles: RecentFiles
  readonly now: () => number
}

/** What a commit says of the step that it follows. */
export type About = Pick<Commitment, 'first' | 'open' | 'anchor'>

/** Told by an outbox, heard by its partition. */
export interface OutboxListener {
  /** A step has ended, after all before it. Resolves when what follows from it is done, and the next may end. Never throws. */
  settled(outcome: Outcome, about: About): Promise<void>
  /** A file could not be stored, and none after it will be. */
  failed(failure: Failure): void
  /** What is in here has another size now. */
  resized(): void
  /** A step has ended. */
  freed(): void
}

/** What is told of a batch when it is stored. */
export type Sealed = {
  readonly batch: SealedBatch
  readonly reason: SealReason
  /** ms since 1970 */
  readonly sealedAt: number
  /** of the first message that nothing had passed before, ms since 1970; null where there is none */
  readonly firstTimestamp: bigint | null
  /** rejects by failure code */
  readonly rejects: ReadonlyMap<FailureCode, number>
}

export class Outbox {
  readonly #setting: OutboxSetting
  readonly #listener: OutboxListener
  readonly #labels: { readonly topic: string; readonly partition: number }
  readonly #abandoned = new AbortController()
  /** codes of rejects that were told of */
  readonly #rejected = new Set<FailureCode>()
  /** of each batch on its way, in order: the Kafka timestamp of its first message */
  readonly #firstTimestamps: (bigint | null)[] = []
  #inFlightBytes = 0
  #fileBytesPerByte: number | undefined
  #storeMs = 0
  /** Everything to be done, in order. Never rejects. */
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

  /** Kafka timestamp of the first message on its way; null where there is none. */
  get oldestTimestamp(): bigint | null {
    return this.#firstTimestamps.find((timestamp) => timestamp !== null) ?? null
  }

  /** The size of the last file over the memory of its batch; undefined before the first. */
  get fileBytesPerByte(): number | undefined {
    return this.#fileBytesPerByte
  }

  /** What storing a file takes, from its seal on, as it was lately; 0 before the first. */
  get storeMs(): number {
    return this.#storeMs
  }

  /** Does something in its turn, unless a file before it could not be stored. It must not throw. */
  then(step: () => Promise<void>): void {
    this.#enqueue(step)
  }

  /** Offsets without a row: settled in their turn. */
  pass(about: About): void {
    this.#enqueue(() => this.#listener.settled('stored', about))
  }

  /** Encodes at once, stores in its turn. */
  store(sealed: Sealed): void {
    const { encoder, metrics } = this.#setting
    const { topic, bytes } = sealed.batch
    let heldBytes = 0
    let ended = false
    const hold = (nowBytes: number) => {
      this.#inFlightBytes += nowBytes - heldBytes
      heldBytes = nowBytes
      this.#listener.resized()
    }
    hold(bytes)
    this.#firstTimestamps.push(sealed.firstTimestamp)
    const encoded = metrics.firn_encode_seconds.startTimer({ topic })
    reach('encode.before')
    const encoding = encoder.encode(sealed.batch).then(({ file }) => {
      encoded()
      reach('encode.after')
      if (bytes > 0) this.#fileBytesPerByte = file.byteLength / bytes
      // Its turn may have passed, where a file before it could not be stored.
      if (!ended) hold(file.byteLength + sealed.batch.valuesBytes)
      this.#listener.freed()
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
        this.#firstTimestamps.shift()
        hold(0)
      },
    )
  }

  /** Nobody waits for what is in here any more: attempts that failed are not repeated, and nothing is settled. */
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
    const { prefix, metrics, table } = this.#setting
    const { topic, epoch, partition, range, rows, anchor, values } = sealed.batch
    const about = { first: range.first, open: false, anchor }
    for (const { offset, bytes } of values) {
      const key = valueKey(prefix, topic, epoch, partition, offset)
      if ((await this.#store({ key, body: bytes, metadata: {} })) === 'stored') continue
      await this.#settle('taken', about)
      return
    }
    const key = landingKey(prefix, { topic, epoch, partition, range })
    const fileBytes = file.byteLength
    const arrived = metrics.firn_put_seconds.startTimer({ topic: table.topic })
    const outcome = await this.#store({ key, body: file, metadata: encodeLandingMetadata({ rows, anchor }) })
    arrived()
    if (outcome === 'stored') this.#tellStored(sealed, fileBytes, key)
    else metrics.firn_files_taken_total.inc(this.#labels)
    await this.#settle(outcome, about)
  }

  async #store(object: StageObject): Promise<Outcome> {
    const { stage, metrics, stageOutage } = this.#setting
    const onRetry = (failure: Failure) => {
      metrics.firn_puts_retried_total.inc({ topic: this.#labels.topic, code: failure.code })
      stageOutage.report(failure)
    }
    reach('put.before')
    const outcome = await storeObject(stage, object, onRetry, this.#abandoned.signal)
    reach('put.after')
    stageOutage.over()
    return outcome === 'taken' ? 'taken' : 'stored'
  }

  async #settle(outcome: Outcome, about: About): Promise<void> {
    if (outcome === 'taken') this.#broken = true
    if (!this.#abandoned.signal.aborted) await this.#listener.settled(outcome, about)
  }

  #tellStored({ batch, reason, sealedAt, firstTimestamp, rejects }: Sealed, fileBytes: number, key: string): void {
    const { metrics, logger, now, prefix, recentFiles } = this.#setting
    const storedAt = now()
    this.#storeMs = storeMsAfter(this.#storeMs, storedAt - sealedAt)
    const latencyMs = firstTimestamp === null ? null : storedAt - Number(firstTimestamp)
    const { topic, rows, tombstones, lastTimestamp, lastSourceTs } = batch
    const labels = this.#labels
    metrics.firn_rows_total.inc(labels, rows)
    metrics.firn_files_total.inc(labels)
    metrics.firn_file_bytes_total.inc(labels, fileBytes)
    if (tombstones > 0) metrics.firn_tombstones_total.inc(labels, tombstones)
    for (const [code, count] of rejects) {
      metrics.firn_rejects_total.inc({ topic, code }, count)
      if (this.#rejected.has(code)) continue
      this.#rejected.add(code)
      logger.warn({ ...labels, code, hint: failures[code].hint }, 'rejected: messages that cannot become changes')
    }
    if (latencyMs !== null) metrics.firn_staging_latency_seconds.observe({ topic }, latencyMs / 1000)
    recentFiles.add({ name: key.slice(prefix.length), rows, bytes: fileBytes, reason, storedAt, latencyMs })
    if (!this.#broken) {
      if (lastTimestamp !== null) metrics.firn_staged_timestamp_seconds.set(labels, Number(lastTimestamp) / 1000)
      if (lastSourceTs !== null) metrics.firn_staged_source_timestamp_seconds.set(labels, Number(lastSourceTs) / 1000)
    }
    logger.debug({ key, rows, bytes: fileBytes, reason, sealedAt, storedAt }, 'landing file stored')
  }
}
