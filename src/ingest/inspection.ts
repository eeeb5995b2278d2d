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

export class Inspection {
  readonly #membership: Membership
  readonly #logger: Logger
  /** What each partition had taken last, when its log was verified. */
  readonly #anchors = new WeakMap<Partition, Anchor | null>()

  constructor(membership: Membership, logger: Logger) {
    this.#membership = membership
    this.#logger = logger
  }

  /** Whether a partition that halted with `code` would get beyond the place where it stands. Never rejects. */
  async isOver(partition: Partition, code: FailureCode, table: TableConfig): Promise<boolean> {
    const { topic, partition: number, cursor, hasStarted } = partition
    return await this.#look(async () => {
      const { starts } = await this.#membership.findStarts(table, [number])
      const [start] = starts
      if (start?.kind !== 'start') return false
      if (!hasStarted || start.cursor > cursor) return true
      return code === 'RECORD_UNREADABLE' && (await this.#membership.isReadable(topic, number, cursor))
    })
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
      const isReplaced = await this.#look(async () => {
        return compareAnchor(anchor, await this.#membership.entryAt(topic, number, anchor.offset)) === 'other'
      })
      if (isReplaced) partition.halt(replacedFailure(`${topic}/${number}`, anchor.offset))
    }
  }

  /** What cannot be seen now is looked at again, before long. */
  async #look(see: () => Promise<boolean>): Promise<boolean> {
    try {
      return await see()
    } catch (error) {
      const { code, message } = toFailure(error)
      this.#logger.debug({ code, reason: message }, 'a partition could not be looked at')
      return false
    }
  }
}
