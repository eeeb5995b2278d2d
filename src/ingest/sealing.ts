/**
 * Decides when a batch is sealed, and why. Measuring it is batch.ts, the clock partition.ts.
 */
import type { IngestConfig } from '../config.ts'

export type SealReason = 'age' | 'rows' | 'bytes' | 'memory' | 'leaving' | 'halt'

export type OpenBatch = { readonly rows: number; readonly fileBytesEstimate: number }
export type SealLimits = Pick<IngestConfig, 'fileBytes' | 'fileRows' | 'freshness'>

/** Null while the batch may grow. `ageMs` counts from its first row; a batch without rows is never sealed. */
export function sealReason(batch: OpenBatch, ageMs: number, limits: SealLimits): SealReason | null {
  if (batch.rows === 0) return null
  if (batch.rows >= limits.fileRows) return 'rows'
  if (batch.fileBytesEstimate >= limits.fileBytes) return 'bytes'
  return ageMs >= limits.freshness ? 'age' : null
}

export type MemoryUse = { readonly rows: number; readonly openBytes: number; readonly inFlightBytes: number }

/** Which batch to seal for memory's sake (an index of `uses`), and whether to read on. */
export type MemoryPlan = { readonly seal: number | null; readonly read: boolean; readonly usedBytes: number }

/**
 * What is left of the budget when reading stops, as a share of it: room for what is taken before it is looked at again, and
 * for pages that grow by doubling.
 */
const reserve = 1 / 32

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
  return { seal: open > budgetBytes / 2 ? largest : null, read: usedBytes < budgetBytes * (1 - reserve), usedBytes }
}
