/**
 * Decides whether a process is stuck: it lags, it has read nothing for a while, and nothing is known that it waits for; and
 * which of its partitions stand still, whatever they wait for. Pure; what is measured is observer.ts's, and so is what follows.
 */
import type { Phase } from './acceptance.ts'

/** One thing that ought to get on, as it is now. */
export type Pulse = {
  /** always the same for the same thing */
  readonly name: string
  /** changes whenever it gets on */
  readonly place: string
  /** whether there is something to do, and nothing that it waits for: an operator, the store, memory, Kafka */
  readonly due: boolean
  /** how long it may stay at its place while it is due */
  readonly patienceMs: number
}

/** How long a partition may stay where it is, and how long it may take to become a member of the group. */
export type Patience = { readonly partitionMs: number; readonly joinMs: number }

/** What of a partition decides whether it is due. */
export type Seen = {
  readonly topic: string
  readonly partition: number
  readonly phase: Phase
  readonly cursor: bigint
  /**
   * from the cursor to the last stable offset, so that a tail of markers or a hanging transaction is none; null where Kafka
   * does not say, for want of a leader
   */
  readonly lag: bigint | null
  /** for want of memory */
  readonly isPaused: boolean
}

/** Which neighbours are known to be away. */
export type Waits = { readonly kafka: boolean; readonly stage: boolean }

/**
 * A partition that is halted, or waits for the store or for memory, is not due; nor is one without lag, nor any while the
 * process is no member of its group.
 */
export function pulsesOf(
  isOutside: boolean,
  partitions: readonly Seen[],
  waits: Waits,
  { partitionMs, joinMs }: Patience,
): readonly Pulse[] {
  const due = isOutside && !waits.kafka
  const member: Pulse = { name: 'membership of the group', place: '', due, patienceMs: joinMs }
  const all = partitions.map(({ topic, partition, phase, cursor, lag, isPaused }): Pulse => {
    const isBehind = lag !== null && lag > 0n && !isPaused
    const due = phase === 'reading' ? isBehind : phase !== 'halted' && lag !== null && !waits.stage
    const place = `${phase} ${cursor.toString()}`
    return { name: `${topic}/${partition}`, place, due: due && !isOutside && !waits.kafka, patienceMs: partitionMs }
  })
  return [member, ...all]
}

/**
 * For readiness: a partition with lag ought to get on, also where it waits for the store or for memory. One that is halted
 * is told of by itself, and one without lag has nothing to do.
 */
export function backlogOf(partitions: readonly Seen[], patienceMs: number): readonly Pulse[] {
  return partitions.map(({ topic, partition, phase, cursor, lag }) => {
    const due = phase !== 'halted' && lag !== null && lag > 0n
    return { name: `${topic}/${partition}`, place: cursor.toString(), due, patienceMs }
  })
}

type Since = { readonly place: string; readonly sinceMs: number }

export class Watchdog {
  #seen: ReadonlyMap<string, Since> = new Map()

  /** What was due for longer than its patience, all that time at one place. */
  look(pulses: readonly Pulse[], nowMs: number): readonly Pulse[] {
    const seen = new Map<string, Since>()
    const stuck: Pulse[] = []
    for (const pulse of pulses) {
      const { name, place, due, patienceMs } = pulse
      if (!due) continue
      const before = this.#seen.get(name)
      const since = before?.place === place ? before : { place, sinceMs: nowMs }
      seen.set(name, since)
      if (nowMs - since.sinceMs >= patienceMs) stuck.push(pulse)
    }
    this.#seen = seen
    return stuck
  }
}
