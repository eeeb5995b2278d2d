/**
 * Decides where a partition resumes, from what Kafka has committed, what the stage holds, what an operator has given up, and
 * how far the log reaches. Looking these up is assignment.ts; whether the log is still the same log, anchor.ts.
 */
import { type OffsetRange, rangeText } from '../change.ts'
import { type Commitment, parseCommitment } from './commitment.ts'
import type { EpochStart } from './epoch-record.ts'

/** A group's offset for a partition, with its metadata string. */
export type Committed = { readonly offset: bigint; readonly metadata: string | null }

/** The log holds `low..high-1`. */
export type LogBounds = { readonly low: bigint; readonly high: bigint }

/** What is known of a partition's past. */
export type Trail = {
  readonly epoch: number
  readonly start: EpochStart
  /** null where the group has none */
  readonly committed: Committed | null
  /** ranges of its landing files, sorted by first offset; all of them, or from the vouched offset on where there is one */
  readonly staged: readonly OffsetRange[]
  /** acknowledged gaps */
  readonly gaps: readonly OffsetRange[]
}

export type Resumption =
  | {
      readonly kind: 'resume'
      readonly cursor: bigint
      /** landing files that no commit knows of yet, in order */
      readonly adopted: readonly OffsetRange[]
    }
  | {
      readonly kind: 'halt'
      readonly code: 'RETENTION_LOSS' | 'OFFSET_BEYOND_LOG' | 'OFFSETS_SKIPPED'
      readonly reason: string
      /** how far all is staged or given up */
      readonly cursor: bigint
      readonly adopted: readonly OffsetRange[]
      /** the offsets that could be given up; null where that would not help */
      readonly gap: OffsetRange | null
    }

/**
 * The commitment where it counts: Firn wrote it, in this epoch, for this very offset. It vouches for all below it.
 * Null where there is none that does: then the stage alone shows the way.
 */
export function vouching(committed: Committed | null, epoch: number): Commitment | null {
  const commitment = committed && parseCommitment(committed.metadata)
  return commitment?.epoch === epoch && commitment.next === committed?.offset ? commitment : null
}

/** The lowest first offset of a file that a commit does not vouch for; null where all files count. */
export function unvouchedFrom(vouched: Commitment | null): bigint | null {
  if (!vouched?.anchor) return null
  return vouched.open ? vouched.first : vouched.next
}

/** Whether something else than Firn has set the offset: its string is not Firn's, or stands beside another offset. */
function isForeign(committed: Committed | null): committed is Committed {
  return committed !== null && parseCommitment(committed.metadata)?.next !== committed.offset
}

/**
 * Where to go on.
 *
 * Invariant: every offset from the start of the epoch to below the cursor is vouched for, lies in a staged range or was
 * given up by an operator; a hole is never jumped over.
 */
export function resume(trail: Trail, log: LogBounds): Resumption {
  const vouched = vouching(trail.committed, trail.epoch)
  const { cursor, adopted } = walk(vouched, trail, log)
  const bounds = `the log holds ${log.low.toString()} to ${log.high.toString()}`
  const halt = { kind: 'halt', cursor, adopted } as const
  if (isForeign(trail.committed) && trail.committed.offset > cursor) {
    const gap = { first: cursor, last: trail.committed.offset - 1n }
    const { offset } = trail.committed
    const reason = `staged to ${cursor.toString()}, committed is ${offset.toString()}, and nothing covers ${rangeText(gap)}`
    return { ...halt, code: 'OFFSETS_SKIPPED', reason, gap }
  }
  const reason = `staged to ${cursor.toString()}, and ${bounds}`
  if (cursor < log.low) return { ...halt, code: 'RETENTION_LOSS', reason, gap: { first: cursor, last: log.low - 1n } }
  if (cursor > log.high) return { ...halt, code: 'OFFSET_BEYOND_LOG', reason, gap: null }
  return { kind: 'resume', cursor, adopted }
}

/** Follows files and gaps from where the chain begins, as far as they join. */
function walk(vouched: Commitment | null, trail: Trail, log: LogBounds) {
  let cursor = beginningOf(vouched, trail, log)
  const adopted: OffsetRange[] = []
  const { staged, gaps } = trail
  const all = [...staged.map((range) => ({ range, isFile: true })), ...gaps.map((range) => ({ range, isFile: false }))]
  all.sort((a, b) => (a.range.first < b.range.first ? -1 : a.range.first > b.range.first ? 1 : 0))
  for (const { range, isFile } of all) {
    if (range.first > cursor) break
    if (range.last < cursor) continue
    cursor = range.last + 1n
    if (isFile) adopted.push(range)
  }
  return { cursor, adopted }
}

function beginningOf(vouched: Commitment | null, { start, staged }: Trail, { low }: LogBounds): bigint {
  const [earliest] = staged
  // One without an anchor has seen no message: nothing could show that this is still the same log.
  if (vouched && (vouched.anchor || !start.earliest)) return vouched.next
  // Files are stored in order, so what lay before the earliest one was staged too, and has been removed since.
  if (earliest) return earliest.first
  if (!start.earliest) return start.offset
  // What retention took since is a loss where it was committed to.
  return vouched && vouched.next < low ? vouched.next : low
}
