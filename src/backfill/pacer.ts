/**
 * Holds a replay to a rate, over all that runs in parallel.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export class Pacer {
  readonly #perSecond: number | null
  readonly #now: () => number
  /** when the next message may come */
  #dueMs: number

  /** `perSecond` null: as fast as it goes */
  constructor(perSecond: number | null, now: () => number = Date.now) {
    this.#perSecond = perSecond
    this.#now = now
    this.#dueMs = now()
  }

  /** Counts messages that were taken, and says how long to wait before the next one, in ms. What was not used is not saved up. */
  waitMs(messages: number): number {
    if (this.#perSecond === null) return 0
    this.#dueMs = Math.max(this.#dueMs, this.#now()) + (messages / this.#perSecond) * 1000
    return Math.max(0, this.#dueMs - this.#now())
  }

  /** Rejects with an AbortError where the signal says so. */
  async take(messages: number, signal: AbortSignal): Promise<void> {
    const ms = this.waitMs(messages)
    if (ms > 0) await sleep(ms, undefined, { signal })
  }
}
