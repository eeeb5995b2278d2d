/**
 * One neighbour that may be away (Kafka, the stage): says so once, says when it is back, and stays quiet between.
 */
import type { Failure, FailureCode } from '../failure.ts'
import type { Logger } from '../telemetry.ts'

/** A reminder for those who open the log late. */
const reminderMs = 60_000

export type OutageOptions = {
  readonly now?: () => number
  /** 1 unless the last that was heard of the neighbour is trouble */
  readonly reachable?: { set(value: number): void }
}

export type Trouble = {
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
  /** when it was first heard of, as ISO 8601 */
  readonly since: string
}

export class Outage {
  readonly #name: string
  readonly #logger: Logger
  readonly #now: () => number
  readonly #reachable: OutageOptions['reachable']
  #failure: Failure | null = null
  #toldAtMs = 0
  #sinceMs = 0

  constructor(name: string, logger: Logger, { now = Date.now, reachable }: OutageOptions = {}) {
    this.#name = name
    this.#logger = logger
    this.#now = now
    this.#reachable = reachable
    reachable?.set(1)
  }

  /** What is wrong now; null while all is well. */
  get failure(): Trouble | null {
    if (!this.#failure) return null
    const { code, message, hint } = this.#failure
    return { code, message, hint, since: new Date(this.#sinceMs).toISOString() }
  }

  report(failure: Failure): void {
    const news = failure.code !== this.#failure?.code || this.#now() - this.#toldAtMs >= reminderMs
    if (!this.#failure) this.#sinceMs = this.#now()
    this.#failure = failure
    this.#reachable?.set(0)
    if (!news) return
    this.#toldAtMs = this.#now()
    this.#logger.warn({ code: failure.code, hint: failure.hint }, `${failure.message}; trying again`)
  }

  over(): void {
    if (!this.#failure) return
    this.#logger.info(`${this.#name} is back`)
    this.#failure = null
    this.#reachable?.set(1)
  }
}
