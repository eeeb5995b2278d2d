/**
 * What a run would do, in figures: what it stores, how long that takes, what it costs, and what it changes in the tables.
 */
import type { OffsetRange } from '../change.ts'
import { holesIn } from '../audit/coverage.ts'
import type { Effects } from './effects.ts'
import type { RunRecord } from './run-record.ts'
import type { RejectCounts, Tally } from './tally.ts'

/** One table's rows, as they would change; null where the warehouse was not asked. */
export type TablePlan = { readonly table: string; readonly effects: Effects | null }

export type Plan = {
  readonly record: RunRecord
  readonly tally: Tally
  readonly rejects: RejectCounts
  /** what the log source read or the stage source copied in a second, on this machine, just now */
  readonly unitsPerSecond: number
  readonly seconds: number
  readonly tables: readonly TablePlan[]
  /** by part: what files of the live path hold of it already */
  readonly staged: readonly (readonly OffsetRange[])[]
}

/** What of a range is covered by others, as the fewest ranges. */
export function coveredOf(range: OffsetRange, others: readonly OffsetRange[]): readonly OffsetRange[] {
  const covered: OffsetRange[] = []
  let next = range.first
  for (const hole of holesIn(range, others)) {
    if (hole.first > next) covered.push({ first: next, last: hole.first - 1n })
    next = hole.last + 1n
  }
  if (next <= range.last) covered.push({ first: next, last: range.last })
  return covered
}
