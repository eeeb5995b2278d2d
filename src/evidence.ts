/**
 * What is known about landing files and about the objects in Snowflake: the words in which the stage, Kafka and Snowflake
 * tell it to the audit. Reading it is theirs, what follows from it is in audit/.
 *
 * Null always means that it was not asked or that nobody answered, never that there is nothing.
 */
import type { OffsetRange } from './change.ts'
import type { Anchor, LandingName } from './landing.ts'

/** An object on the stage. */
export type StagedFile = LandingName & {
  readonly storedAt: Date
  readonly bytes: number
  /** by its metadata; null where they do not tell */
  readonly rows: number | null
}

/** A line of Snowflake's load history, which reaches back 14 days. */
export type LoadRecord = LandingName & {
  readonly status: string
  readonly rows: number
  readonly error: string | null
  /** null where it was a COPY statement, or the role may not see the pipe */
  readonly pipe: string | null
  readonly at: Date
}

/** What the landing table holds of a file; `rows` are counted once, however often the file came. */
export type LandedFile = LandingName & { readonly rows: number; readonly firstLoadedAt: Date }

/** What the merges of one table have taken of a file; a row that came twice counts twice. */
export type MergedFile = LandingName & { readonly rows: number; readonly lastMergedAt: Date }

/** A partition's committed offset, where Firn wrote it in the current epoch. */
export type LogEvidence = {
  readonly partition: number
  readonly commit: {
    readonly next: bigint
    readonly first: bigint
    /** `first` to `next` holds no row and has no file yet */
    readonly open: boolean
    readonly anchor: Anchor | null
  } | null
}

/** Where an epoch that has begun starts in each partition; one that is not listed is not known. */
export type EpochEvidence = { readonly epoch: number; readonly starts: ReadonlyMap<number, bigint> }

export type GapEvidence = { readonly epoch: number; readonly partition: number; readonly range: OffsetRange }

export type PipeEvidence = {
  readonly state: string
  readonly error: string | null
  readonly createdAt: Date
  /** when a migration or a repair last knew its load history to be whole; null where nobody noted it */
  readonly notedAt: Date | null
}

export type StreamEvidence = {
  readonly createdAt: Date
  readonly isStale: boolean
  readonly staleAfter: Date | null
  /** null where it is stale and cannot tell, too */
  readonly hasRows: boolean | null
}

export type TaskEvidence = {
  readonly state: string
  /** of the newest run that has ended, where it failed */
  readonly error: string | null
}

/** An object by the name that statements give it. */
export type Shown<T> = { readonly name: string; readonly found: T | 'missing' | null }

/** One id of which the target holds something else than what its landing rows say. */
export type Deviation = {
  readonly code:
    'TARGET_ROW_MISSING' | 'TARGET_ROW_STALE' | 'TARGET_ROW_WRONG' | 'TARGET_ROW_KEPT' | 'TOMBSTONE_MISSING'
  readonly id: string
  /** the file that holds its newest change; null where its name is not one of the topic's */
  readonly file: string | null
  /** whether the change would mend it if it came again */
  readonly isMendable: boolean
}

/** Of each kind no more than a limit; how many there are of each is in `totals`. */
export type DeepEvidence = {
  readonly deviations: readonly Deviation[]
  readonly totals: Readonly<Partial<Record<Deviation['code'], number>>>
  /** ids whose changes come from several partitions; null where an order is named, which makes that right */
  readonly unordered: { readonly ids: readonly string[]; readonly total: number } | null
}

export type TableEvidence = {
  readonly table: string
  readonly merged: readonly MergedFile[] | null
  readonly stream: Shown<StreamEvidence> & { /** what its owner runs to make it anew */ readonly remake: string }
  readonly merge: Shown<TaskEvidence>
  readonly retention: Shown<TaskEvidence>
  readonly deep: DeepEvidence | null
}

export type TopicEvidence = {
  readonly topic: string
  /** the current one */
  readonly epoch: number
  /** when the first question was put: what came later may show in one answer and not in another */
  readonly askedAt: Date
  readonly log: readonly LogEvidence[] | null
  readonly epochs: readonly EpochEvidence[] | null
  readonly gaps: readonly GapEvidence[] | null
  readonly staged: readonly StagedFile[] | null
  readonly loads: readonly LoadRecord[] | null
  readonly landed: readonly LandedFile[] | null
  readonly pipe: Shown<PipeEvidence>
  readonly tables: readonly TableEvidence[]
}
