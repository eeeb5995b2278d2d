/**
 * Decides whether a replay may bring changes that lie below a floor. There, tombstones were pruned: a row that was deleted
 * since is not known to be, unless its delete comes with the replay. The merge lists such changes and applies none; so a
 * replay of them would be for nothing, and is refused before it begins. Pure.
 */
import { type OffsetRange, positionOf } from '../change.ts'
import type { TableConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import { coveredUntil } from '../status/watermarks.ts'
import type { Part } from './run-record.ts'

export type FloorFacts = {
  /** by table; empty where nothing was pruned */
  readonly floors: ReadonlyMap<string, string>
  /** by partition: the end of what every table of the topic has merged of the current epoch, without a hole */
  readonly mergedTo: ReadonlyMap<number, bigint>
}

export function hasFloor({ floors }: FloorFacts): boolean {
  return [...floors.values()].some((floor) => floor !== '')
}

/**
 * Whether what is replayed reaches, without a hole, the end of what was merged, so that each delete of its rows is among it. Without an order,
 * the changes of one row lie in one partition; with one, they may lie in any.
 */
export function runsToMerged(
  covered: readonly { readonly partition: number; readonly range: OffsetRange }[],
  { mergedTo }: FloorFacts,
  isOrdered: boolean,
): boolean {
  const own = Map.groupBy(covered, ({ partition }) => partition)
  const partitions = isOrdered ? [...mergedTo.keys()] : [...own.keys()]
  if (covered.length === 0) return false
  return partitions.every((partition) => {
    const end = mergedTo.get(partition) ?? 0n
    const ranges = (own.get(partition) ?? []).map(({ range }) => range)
    const first = ranges.reduce((least, range) => (range.first < least ? range.first : least), ranges[0]?.first ?? 0n)
    return end === 0n || coveredUntil(ranges, first) >= end
  })
}

/** The smallest position that a change of the parts can have, where Kafka's own order decides; null where only reading tells. */
export function lowestOf(parts: readonly Part[], table: Pick<TableConfig, 'order'>, revision: number): string | null {
  if (table.order !== undefined || parts.length === 0) return null
  const positions = parts.map(({ epoch, partition, range }) =>
    positionOf({ epoch, revision, isLogged: true, order: '', rank: 0, offset: range.first, partition, rowIndex: 0 }),
  )
  return positions.reduce((least, one) => (one < least ? one : least))
}

/** @throws Failure RANGE_BELOW_FLOOR */
export function refuseBelowFloor(lowest: string | null, { floors }: FloorFacts): void {
  for (const [table, floor] of floors) {
    if (lowest === null || lowest >= floor) continue
    throw new Failure(
      'RANGE_BELOW_FLOOR',
      `what would be replayed begins at ${lowest}, below the floor of ${table}, ${floor}`,
    )
  }
}
