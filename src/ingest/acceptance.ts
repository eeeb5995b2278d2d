/**
 * Decides whether a fetched batch may be taken. The client's own position cannot be trusted across a rejoin: a partition
 * goes by its own cursor, and this rule is what keeps every message.
 */

/** `resuming` until its start is known, `leaving` when it only stores what it has, `halted` until an operator acts. */
export type Phase = 'resuming' | 'reading' | 'leaving' | 'halted'

export type Reader = { readonly generation: number; readonly phase: Phase; readonly cursor: bigint }

/** A batch of a partition: of which generation the request was, and which offset it asked for. */
export type Fetched = { readonly generation: number | null; readonly offset: bigint }

/** `take` it; `seek` back to the cursor, and fetch again; `drop` it, for nothing is to be read there now. */
export type Verdict = 'take' | 'seek' | 'drop'

/** `reader` is null where the partition is not assigned. */
export function judge(reader: Reader | null, fetched: Fetched): Verdict {
  if (reader?.generation !== fetched.generation || reader.phase !== 'reading') return 'drop'
  return fetched.offset === reader.cursor ? 'take' : 'seek'
}
