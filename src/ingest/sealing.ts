/**
 * Decides when a batch is sealed, and why. Measuring it is batch.ts, the clock partition.ts.
 */
import type { IngestConfig } from '../config.ts'

export type SealReason = 'age' | 'rows' | 'bytes' | 'memory' | 'leaving' | 'halt'

export type SealLimits = Pick<IngestConfig, 'fileBytes' | 'fileRows'> & {
  /** how long it may wait for more, in ms from its first row */
  readonly openMs: number
}

/** Null while the batch may grow. `ageMs` counts from its first row; a batch without rows is never sealed. */
export function sealReason(
  batch: { readonly rows: number; readonly fileBytesEstimate: number },
  ageMs: number,
  limits: SealLimits,
): SealReason | null {
  if (batch.rows === 0) return null
  if (batch.rows >= limits.fileRows) return 'rows'
  if (batch.fileBytesEstimate >= limits.fileBytes) return 'bytes'
  return ageMs >= limits.openMs ? 'age' : null
}

/**
 * The longest that a batch may wait for more, which makes the fewest files: until what is left of `freshnessMs` is what else there
 * is to wait for (`elseMs`): at the broker before, and while it is stored. Where that takes longer than half of it, files are no
 * smaller for that.
 */
export function openMs(freshnessMs: number, elseMs: number): number {
  return Math.max(freshnessMs - elseMs, freshnessMs / 2)
}

/** What storing takes, from the seal on, as it was lately: slow at once, fast again after some files. */
export function storeMsAfter(beforeMs: number, lastMs: number): number {
  return Math.max(lastMs, (7 * beforeMs + lastMs) / 8)
}

export type MemoryUse = { readonly rows: number; readonly openBytes: number; readonly inFlightBytes: number }

/**
 * Reading stops when so much of the budget is left: an eighth, or this much. What is taken before the memory is looked at
 * again, and pages of two columns that double, come to less than it; only a single message of its size may pass the budget.
 */
const reserveBytesMax = 2 * 2 ** 20

/** What open batches may hold: beyond it the largest is sealed. The other half is for those on their way to the stage. */
export function openBytesMax(budgetBytes: number): number {
  return budgetBytes / 2
}

/** Whether more may be read: where it may not, some of what is on its way must have arrived first. */
export function hasRoom(usedBytes: number, budgetBytes: number): boolean {
  return usedBytes < budgetBytes - Math.min(budgetBytes / 8, reserveBytesMax)
}
