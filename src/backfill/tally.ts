/**
 * What a replay comes to, in numbers: the same words for what is planned and for what was stored.
 */
import type { FailureCode } from '../failure.ts'
import type { RunCounts } from '../landing.ts'
import type { SealedBatch } from '../ingest/batch.ts'

export type Tally = RunCounts & {
  readonly files: number
  /** of the files */
  readonly bytes: number
  /** rejects among them */
  readonly rows: number
}

export const nothing: Tally = { files: 0, bytes: 0, rows: 0, messages: 0, rejects: 0, tombstones: 0 }

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce((all, one) => {
    const keys = Object.keys(nothing) as (keyof Tally)[]
    return Object.fromEntries(keys.map((key) => [key, all[key] + one[key]])) as Tally
  }, nothing)
}

export function tallyOf({ rows, messages, rejects, tombstones }: SealedBatch, bytes: number): Tally {
  return { files: 1, bytes, rows, messages, rejects, tombstones }
}

/** Rejects by what is wrong with them. */
export type RejectCounts = ReadonlyMap<FailureCode, number>
