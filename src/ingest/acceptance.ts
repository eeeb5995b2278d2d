/**
 * Decides whether a fetched batch may be taken. The client's own position cannot be trusted across a rejoin: a partition
 * goes by its own cursor, and this rule is what keeps every message.
 */

/** `resuming` until its start is known, `leaving` when it only stores what it has, `halted` until an operator acts. */
export type Phase = 'resuming' | 'reading' | 'leaving' | 'halted'

/** `startedAt`: the turn in which it last started, of turns that are counted for all partitions of a member together. */
export type Reader = { readonly startedAt: number; readonly phase: Phase; readonly cursor: bigint }

/** What was fetched of a partition: the turn in which it was asked for, and the offset that it continues at. */
export type Fetched = { readonly askedAt: number | null; readonly offset: bigint }

/** `take` it; `seek` back to the cursor, and fetch again; `drop` it, for nothing is to be read there now. */
export type Verdict = 'take' | 'seek' | 'drop'

/** `reader` is null where the partition is not assigned. */
export function judge(reader: Reader | null, fetched: Fetched): Verdict {
  if (reader?.phase !== 'reading') return 'drop'
  // Asked for before it started: in an earlier generation, or of a log that has been replaced since.
  if (fetched.askedAt === null || fetched.askedAt < reader.startedAt) return 'drop'
  return fetched.offset === reader.cursor ? 'take' : 'seek'
}
