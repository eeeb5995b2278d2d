/**
 * Decides when a batch is sealed, and why. Measuring it is batch.ts, the clock partition.ts.
 */
import type { IngestConfig } from '../config.ts'

export type SealReason = 'age' | 'rows' | 'bytes' | 'memory' | 'leaving' | 'halt'

export type SealLimits = Pick<IngestConfig, 'fileBytes' | 'fileRows' | 'freshness'>

/** Null while the batch may grow. `ageMs` counts from its first row; a batch without rows is never sealed. */
export function sealReason(
  batch: { readonly rows: number; readonly fileBytesEstimate: number },
  ageMs: number,
  limits: SealLimits,
): SealReason | null {
  if (batch.rows === 0) return null
  if (batch.rows >= limits.fileRows) return 'rows'
  if (batch.fileBytesEstimate >= limits.fileBytes) return 'bytes'
  return ageMs >= limits.freshness ? 'age' : null
}

export type MemoryUse = { readonly rows: number; readonly openBytes: number; readonly inFlightBytes: number }

/** Which batch to seal for memory's sake (an index of `uses`), and whether to read on. */
export type MemoryPlan = { readonly seal: number | null; readonly read: boolean; readonly usedBytes: number }

/**
 * Reading stops when so much of the budget is left: an eighth, or this much. What is taken before the memory is looked at
 * again, and pages of two columns that double, come to less than it; only a single message of its size may pass the budget.
 */
const reserveBytesMax = 2 * 2 ** 20

/**
 * Open batches may hold half of the budget: beyond that the largest is sealed. The other half is for those on their way
 * to the stage; when it is used up, nothing is read until some of them have arrived.
 */
export function planMemory(uses: readonly MemoryUse[], budgetBytes: number): MemoryPlan {
  let open = 0
  let inFlight = 0
  let largest: number | null = null
  uses.forEach(({ rows, openBytes, inFlightBytes }, index) => {
    open += openBytes
    inFlight += inFlightBytes
    if (rows > 0 && (largest === null || openBytes > (uses[largest]?.openBytes ?? 0))) largest = index
  })
  const usedBytes = open + inFlight
  const reserveBytes = Math.min(budgetBytes / 8, reserveBytesMax)
  return { seal: open > budgetBytes / 2 ? largest : null, read: usedBytes < budgetBytes - reserveBytes, usedBytes }
}
