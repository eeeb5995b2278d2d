/**
 * Replays the parts of a run, several at once, each from where its stored files end; and says what a run has stored already.
 */
import type { OffsetRange } from '../change.ts'
import { hullOf } from '../audit/coverage.ts'
import { parallel } from './parallel.ts'
import { replayPart, type ReplaySetting } from './replay.ts'
import type { Part } from './run-record.ts'
import { type Tally, sum } from './tally.ts'

/** A file of the run, by its place. */
type Stored = { readonly file: { readonly epoch: number; readonly partition: number; readonly range: OffsetRange } }

/**
 * Where a part goes on. Its files were stored in order by one process at a time, so what lies below the end of those that
 * join is done; single messages leave room between their files.
 */
export function resumeAt({ epoch, partition, range }: Part, stored: readonly Stored[], isSparse: boolean): bigint {
  const ranges = stored
    .map(({ file }) => file)
    .filter((file) => file.epoch === epoch && file.partition === partition)
    .map((file) => file.range)
    .toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  if (isSparse) return (hullOf(ranges)?.last ?? range.first - 1n) + 1n
  let next = range.first
  for (const { first, last } of ranges) {
    if (first > next) break
    if (last >= next) next = last + 1n
  }
  return next
}

export type ReplayAll = ReplaySetting & { readonly parallel: number }

/** What the parts hold behind their last files. @throws as replayPart, the first that fails */
export async function replayParts(
  parts: readonly (Part & { readonly from: bigint })[],
  setting: ReplayAll,
): Promise<Tally> {
  const tails: Tally[] = []
  const unfinished = parts.filter(({ from, range }) => from <= range.last)
  await parallel(unfinished, setting.parallel, setting.signal, async (part, signal) => {
    tails.push(await replayPart(part, part.from, { ...setting, signal }))
  })
  return sum(tails)
}
