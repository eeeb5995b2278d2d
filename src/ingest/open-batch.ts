/**
 * The batch that a partition fills: counts what its file will be measured by, and keeps the timer of its age. When it is full
 * is sealing.ts's to say; what becomes of it, partition.ts's.
 */
import type { Message } from '../change.ts'
import type { Decoded } from '../envelope/decoded.ts'
import type { FailureCode } from '../failure.ts'
import { Batch, type BatchStart } from './batch.ts'
import { type SealLimits, type SealReason, sealReason } from './sealing.ts'

export class OpenBatch {
  readonly batch: Batch
  /** how many, by failure code */
  readonly rejects = new Map<FailureCode, number>()
  readonly #limits: SealLimits
  readonly #now: () => number
  #firstTimestamp: bigint | null = null
  #firstRowAtMs: number | null = null
  #ageTimer: NodeJS.Timeout | undefined

  constructor(start: Omit<BatchStart, 'openedAtMs'>, limits: SealLimits, now: () => number) {
    this.batch = new Batch({ ...start, openedAtMs: now() })
    this.#limits = limits
    this.#now = now
  }

  /** Of the first message since the last `passed`, ms since 1970; null where there is none, or it has no time. */
  get firstTimestamp(): bigint | null {
    return this.#firstTimestamp
  }

  /** @throws as Batch.add */
  add(message: Message, decoded: Decoded): void {
    this.batch.add(message, decoded)
    if (message.timestamp >= 0n) this.#firstTimestamp ??= message.timestamp
    if (decoded.kind === 'reject') this.rejects.set(decoded.code, (this.rejects.get(decoded.code) ?? 0) + 1)
  }

  /** What is in it so far has no row and waits for nothing. */
  passed(): void {
    this.#firstTimestamp = null
  }

  /** Why it must be sealed now; null where it may grow. */
  due(): SealReason | null {
    if (this.batch.rows > 0) this.#firstRowAtMs ??= this.#now()
    const ageMs = this.#firstRowAtMs === null ? 0 : this.#now() - this.#firstRowAtMs
    return sealReason(this.batch, ageMs, this.#limits)
  }

  /** Calls `seal` when it is old enough, once: an idle partition has no timer, and a batch never waits for new messages. */
  sealAtAge(seal: () => void): void {
    this.#ageTimer ??= setTimeout(seal, this.#limits.openMs)
  }

  stopTimer(): void {
    clearTimeout(this.#ageTimer)
    this.#ageTimer = undefined
  }
}
