/**
 * In which order the partitions of a topic are shown, and how many at once: who looks at 1,000 of them looks for those that stand
 * still. Pure; the table itself is page-topics.ts's.
 */
import type { PartitionState } from './page-state.ts'

/** `under way`: something waits to be read, staged, loaded or merged, as is ordinary. */
export type Standing = 'halted' | 'stalled' | 'under way' | 'up to date'

/** Of a topic's partitions, so many are shown without a click. */
export const shownMax = 20

export function standingOf({ halt, isStalled, lagMessages, waits }: PartitionState): Standing {
  if (halt !== null) return 'halted'
  if (isStalled) return 'stalled'
  return (lagMessages ?? 0) > 0 || longestWait(waits) > 0 ? 'under way' : 'up to date'
}

/** In seconds; 0 where none waits, or none is known to. */
export function longestWait({ staged, loaded, merged }: PartitionState['waits']): number {
  return Math.max(0, ...[staged, loaded, ...merged].map((seconds) => seconds ?? 0))
}

const standings: readonly Standing[] = ['halted', 'stalled', 'under way', 'up to date']

/**
 * The worst first: what is halted, what stalls, then what has waited longest and has most to read, else by number. `shown` are the
 * first; the others are `rest`.
 */
export function inOrder(partitions: readonly PartitionState[]): {
  readonly shown: readonly PartitionState[]
  readonly rest: readonly PartitionState[]
} {
  const ordered = partitions
    .map((one) => ({ one, rank: standings.indexOf(standingOf(one)), wait: longestWait(one.waits) }))
    .toSorted((a, b) => {
      if (a.rank !== b.rank) return a.rank - b.rank
      // What is halted or stalls is found by its number, and so is what is up to date.
      if (standings[a.rank] === 'under way') {
        const byLag = b.wait - a.wait || (b.one.lagMessages ?? 0) - (a.one.lagMessages ?? 0)
        if (byLag !== 0) return byLag
      }
      return a.one.partition - b.one.partition
    })
    .map(({ one }) => one)
  return { shown: ordered.slice(0, shownMax), rest: ordered.slice(shownMax) }
}
