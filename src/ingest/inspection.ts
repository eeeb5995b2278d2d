/**
 * What is looked at by the clock: whether what halted a partition is over, and whether a running one still reads the same
 * log. What follows is the roster's.
 */
import type { TableConfig } from '../config.ts'
import { type FailureCode, toFailure } from '../failure.ts'
import type { Anchor } from '../landing.ts'
import type { Logger } from '../telemetry.ts'
import { compareAnchor } from './anchor.ts'
import type { Membership } from './membership.ts'
import type { Partition } from './partition.ts'
import { replacedFailure } from './start.ts'

export type Halted = { readonly partition: Partition; readonly code: FailureCode }

export class Inspection {
  readonly #membership: Membership
  readonly #logger: Logger
  /** What each partition had taken last, when its log was verified. */
  readonly #anchors = new WeakMap<Partition, Anchor | null>()

  constructor(membership: Membership, logger: Logger) {
    this.#membership = membership
    this.#logger = logger
  }

  /** Those of the halted partitions of a topic that would get beyond the place where they stand. Never rejects. */
  async over(table: TableConfig, halted: readonly Halted[]): Promise<readonly Partition[]> {
    // Who holds the name shows only when it is put again.
    const candidates = halted.filter(({ code }) => code !== 'NAME_TAKEN')
    if (candidates.length === 0) return []
    const numbers = candidates.map(({ partition }) => partition.partition)
    const found = await this.#look('warn', () => this.#membership.findStarts(table, numbers))
    const over: Partition[] = []
    for (const { partition, code } of candidates) {
      const start = found?.starts.find((one) => one.partition === partition.partition)
      if (start?.kind === 'start' && (await this.#isPassable(partition, code, start.cursor))) over.push(partition)
    }
    return over
  }

  async #isPassable({ topic, partition, cursor, hasStarted }: Partition, code: FailureCode, next: bigint) {
    if (!hasStarted || next > cursor) return true
    if (code !== 'RECORD_UNREADABLE') return false
    return (await this.#look('warn', () => this.#membership.isReadable(topic, partition, cursor))) ?? false
  }

  /**
   * Halts each partition whose log is another one by now, which shows at the message that it had taken last when this was
   * called before. A topic that was created anew between two fetches shows nowhere else. Never rejects.
   */
  async verify(partitions: readonly Partition[]): Promise<void> {
    for (const partition of partitions) {
      const { topic, partition: number, phase } = partition
      const anchor = this.#anchors.get(partition)
      this.#anchors.set(partition, partition.anchor)
      if (phase !== 'reading' || !anchor) continue
      const isReplaced = await this.#look('debug', async () => {
        return compareAnchor(anchor, await this.#membership.entryAt(topic, number, anchor.offset)) === 'other'
      })
      if (isReplaced) partition.halt(replacedFailure(`${topic}/${number}`, anchor.offset))
    }
  }

  /** Null where it cannot be seen now: it is looked at again, before long. */
  async #look<T>(level: 'warn' | 'debug', see: () => Promise<T>): Promise<T | null> {
    try {
      return await see()
    } catch (error) {
      const { code, message } = toFailure(error)
      this.#logger[level]({ code, reason: message }, 'a partition could not be looked at; it will be, in a moment')
      return null
    }
  }
}
