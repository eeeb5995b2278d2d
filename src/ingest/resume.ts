/**
 * Decides where a partition resumes, from what Kafka has committed, what the stage holds and how far the log reaches.
 * Looking these up is assignment.ts, which also looks again before a halt counts.
 */
import type { OffsetRange } from '../change.ts'
import { parseCommitment } from './commitment.ts'

/** A group's offset for a partition, with its metadata string. */
export type Committed = { readonly offset: bigint; readonly metadata: string | null }

/** The log holds `low..high-1`. */
export type LogBounds = { readonly low: bigint; readonly high: bigint }

export type Resumption =
  | { readonly kind: 'resume'; readonly cursor: bigint; readonly adopted: readonly OffsetRange[] }
  | { readonly kind: 'halt'; readonly code: 'RETENTION_LOSS' | 'OFFSET_BEYOND_LOG'; readonly reason: string }

/**
 * The committed offset where it counts: Firn wrote it, in this epoch, for this very offset. It vouches for all below it.
 * Null where there is none that does: then the stage alone shows the way.
 */
export function vouchedOffset(committed: Committed | null, epoch: number): bigint | null {
  const commitment = committed && parseCommitment(committed.metadata)
  if (commitment?.epoch !== epoch || commitment.next !== committed?.offset) return null
  return committed.offset
}

/**
 * Where to go on. `staged` are the ranges of the partition's landing files, sorted by first offset, at least those that
 * begin at or above `vouched`.
 *
 * Invariant: every offset from the start of the epoch to below the cursor is vouched for or lies in a staged range; a
 * hole is never jumped over.
 */
export function resume(vouched: bigint | null, staged: readonly OffsetRange[], log: LogBounds): Resumption {
  // Files are stored in order, so what lay before the earliest one was staged too, and has been removed since.
  const start = vouched ?? staged[0]?.first
  if (start === undefined) return { kind: 'resume', cursor: log.low, adopted: [] }
  const { cursor, adopted } = adopt(start, staged)
  const bounds = `the log holds ${log.low.toString()} to ${log.high.toString()}`
  const reason = `staged to ${cursor.toString()}, but ${bounds}`
  if (cursor < log.low) return { kind: 'halt', code: 'RETENTION_LOSS', reason }
  if (cursor > log.high) return { kind: 'halt', code: 'OFFSET_BEYOND_LOG', reason }
  return { kind: 'resume', cursor, adopted }
}

/** Follows the ranges from `start` as far as they join. */
function adopt(start: bigint, staged: readonly OffsetRange[]) {
  let cursor = start
  const adopted: OffsetRange[] = []
  for (const range of staged) {
    if (range.first > cursor) break
    if (range.last < cursor) continue
    cursor = range.last + 1n
    adopted.push(range)
  }
  return { cursor, adopted }
}
