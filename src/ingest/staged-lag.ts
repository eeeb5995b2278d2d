/**
 * How long the oldest message of each partition that is not staged has waited. What was read says so itself, by its Kafka
 * timestamp. Of what was not read nobody knows the time; it counts from when it was first seen that the partition has more to
 * read at its cursor, which is never too long ago. Does no I/O, and is told the time.
 */

export type Waiting = {
  readonly topic: string
  readonly partition: number
  /** the next offset to read */
  readonly cursor: bigint
  /** Kafka timestamp of the first message that was read and is not staged, ms since 1970; null where there is none */
  readonly oldestTimestamp: bigint | null
  /** what is left to read, in messages; null where nobody can say */
  readonly lag: bigint | null
}

type Behind = { readonly cursor: bigint; readonly sinceMs: number }

export class StagedLag {
  #behind: ReadonlyMap<string, Behind> = new Map()

  /** In ms, by partition in the order given: never below 0, null where it is not known. */
  look(all: readonly Waiting[], nowMs: number): readonly (number | null)[] {
    const behind = new Map<string, Behind>()
    const lags = all.map(({ topic, partition, cursor, oldestTimestamp, lag }) => {
      const place = `${topic}/${partition}`
      const before = this.#behind.get(place)
      const isBehind = lag === null ? before !== undefined : lag > 0n
      const since = before?.cursor === cursor ? before : { cursor, sinceMs: nowMs }
      if (isBehind) behind.set(place, since)
      if (oldestTimestamp !== null) return Math.max(0, nowMs - Number(oldestTimestamp))
      if (isBehind) return nowMs - since.sinceMs
      return lag === null ? null : 0
    })
    this.#behind = behind
    return lags
  }
}
