/**
 * How one partition gets on in one generation: what is in hand, what is on its way to the stage, and what may be committed.
 * Pure: batches, files and requests belong to partition.ts and outbox.ts, which follow these steps.
 *
 * Invariant: each offset of `staged..cursor-1` is on its way or in hand. What is in hand covers `opened..cursor-1`; where it has
 * no row so far and was passed, `opened` lies below `staged`.
 */
import type { OffsetRange } from '../change.ts'
import type { Phase } from './acceptance.ts'

/** On its way: a batch that becomes a landing file, or `pass`, offsets without a row that need none. */
export type Step = { readonly kind: 'file' | 'pass'; readonly range: OffsetRange }

export type Progress = {
  readonly generation: number
  /** the turn in which it started, as acceptance.ts has it */
  readonly startedAt: number
  readonly phase: Phase
  /** the next offset to take */
  readonly cursor: bigint
  /** where the batch in hand begins: it covers `opened..cursor-1` */
  readonly opened: bigint
  /** in the order in which they are stored */
  readonly underway: readonly Step[]
  /** each offset below it is on the stage, vouched for, given up, or carries no row */
  readonly staged: bigint
}

/** Before its start is known. */
export function resuming(generation: number): Progress {
  return { generation, startedAt: 0, phase: 'resuming', cursor: 0n, opened: 0n, underway: [], staged: 0n }
}

/**
 * Everything below `cursor` is staged; what is fetched from this turn on may be taken. The next file begins at `opened`: below
 * the cursor, where a batch without rows was passed before.
 */
export function startAt(progress: Progress, opened: bigint, cursor: bigint, turn: number): Progress {
  return { ...progress, startedAt: turn, phase: 'reading', cursor, opened, staged: cursor }
}

/** All below `next` is in hand. @throws RangeError where the cursor would go back */
export function taken(progress: Progress, next: bigint): Progress {
  if (next < progress.cursor)
    throw new RangeError(`${next.toString()} is below the cursor ${progress.cursor.toString()}`)
  return { ...progress, cursor: next }
}

/** The batch in hand sets out. @throws RangeError where it covers nothing */
export function sealed(progress: Progress): Progress {
  const { opened, cursor, underway } = progress
  if (opened === cursor) throw new RangeError('the batch covers nothing')
  return {
    ...progress,
    opened: cursor,
    underway: [...underway, { kind: 'file', range: { first: opened, last: cursor - 1n } }],
  }
}

/** What is in hand has no row: it needs no file to be passed, and the next file covers it all the same. */
export function passed(progress: Progress): Progress {
  const { opened, cursor, underway } = progress
  return { ...progress, underway: [...underway, { kind: 'pass', range: { first: opened, last: cursor - 1n } }] }
}

/** What came of the first step underway: it is on the stage (or needs nothing there), or its name holds other bytes. */
export type Outcome = 'stored' | 'taken'

/**
 * The first step underway has ended. `commit` is the offset that may be committed now; null where none may.
 *
 * Invariant: nothing is committed that is not staged, and nothing behind a step that was not stored.
 */
export function settled(
  progress: Progress,
  outcome: Outcome,
): { readonly progress: Progress; readonly commit: bigint | null } {
  const [step, ...underway] = progress.underway
  if (!step) throw new RangeError('nothing is underway')
  if (outcome === 'taken') return { progress: abandoned(progress), commit: null }
  const next = step.range.last + 1n
  if (next <= progress.staged) return { progress: { ...progress, underway }, commit: null }
  return { progress: { ...progress, underway, staged: next }, commit: next }
}

/** Nothing more is taken; what is underway goes on. */
export function leaving(progress: Progress): Progress {
  return progress.phase === 'halted' ? progress : { ...progress, phase: 'leaving' }
}

/** Nothing more is taken, and the place is kept; what is underway goes on. */
export function halted(progress: Progress): Progress {
  return { ...progress, phase: 'halted' }
}

/** What is in hand is given up, to be read again. */
export function dropped(progress: Progress): Progress {
  const { opened, staged } = progress
  return { ...progress, cursor: opened > staged ? opened : staged }
}

/** Nothing more is taken, stored or committed: what is in hand and underway is read again by whoever comes next. */
export function abandoned(progress: Progress): Progress {
  return { ...leaving(progress), cursor: progress.staged, opened: progress.staged, underway: [] }
}
