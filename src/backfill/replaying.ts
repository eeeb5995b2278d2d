/**
 * Replays the parts of a run, several at once, each from where its stored files end; and says what a run has stored already.
 */
import type { OffsetRange } from '../change.ts'
import { hullOf } from '../audit/coverage.ts'
import { Failure } from '../failure.ts'
import { coveredUntil } from '../status/watermarks.ts'
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
  return isSparse ? (hullOf(ranges)?.last ?? range.first - 1n) + 1n : coveredUntil(ranges, range.first)
}

export type ReplayAll = ReplaySetting & { readonly parallel: number }

/** By part, in the order in which they were given. */
export type ReplayedParts = { readonly stored: readonly bigint[]; readonly tail: Tally }

/**
 * Where a log has lost what a part had yet to read, the others are brought to their end first.
 *
 * @throws as replayPart, the first that fails
 */
export async function replayParts(
  parts: readonly (Part & { readonly from: bigint })[],
  setting: ReplayAll,
): Promise<ReplayedParts> {
  const tails: Tally[] = []
  const gone: Failure[] = []
  const stored = parts.map(({ from }) => from)
  const unfinished = parts.flatMap((part, index) => (part.from <= part.range.last ? [{ part, index }] : []))
  await parallel(unfinished, setting.parallel, setting.signal, async ({ part, index }, signal) => {
    try {
      const replayed = await replayPart(part, part.from, { ...setting, signal })
      tails.push(replayed.tail)
      stored[index] = replayed.stored
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'RANGE_GONE') throw error
      gone.push(error)
    }
  })
  const [first, ...others] = gone
  if (first) throw new Failure(first.code, [first, ...others].map(({ message }) => message).join('; '))
  return { stored, tail: sum(tails) }
}
