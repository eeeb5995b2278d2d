/**
 * How far each partition has come, from what Kafka, the stage and Snowflake say. Deciding is pure here; reading Kafka and
 * the stage is in watermarks-source.ts, reading Snowflake in warehouse/progress.ts.
 */
import type { OffsetRange } from '../change.ts'
import type { LandingFile } from '../landing.ts'

/** Each is the next offset, so that all of them equal `end` when nothing is left to do; null where nothing is known. */
export type Watermark = {
  readonly topic: string
  readonly partition: number
  readonly table: string
  /** committed in Kafka */
  readonly consumed: bigint | null
  /** below it all is on the stage, given up, or without a row */
  readonly staged: bigint | null
  /** end of the gapless files in the landing table */
  readonly loaded: bigint | null
  /** end of the gapless files that the merge has taken */
  readonly merged: bigint | null
  /** end of the log; null where it has no leader now */
  readonly end: bigint | null
  /** when the newest change below each was committed at the source, else its Kafka timestamp; null where that is not known */
  readonly newest: { readonly staged: number | null; readonly loaded: number | null; readonly merged: number | null }
}

/** A file with the time of its newest change. */
type Done = LandingFile & { readonly newestMs: number | null }

/** One partition's offsets, as Kafka says; `metadata` stands beside the committed one. */
export type LogState = {
  readonly partition: number
  readonly committed: bigint | null
  readonly metadata: string | null
  readonly end: bigint | null
}

export type Observed = {
  readonly topic: string
  readonly table: string
  readonly epoch: number
  /** `isVouched` where Firn committed the offset in this epoch: all below it is staged, given up, or carries no row */
  readonly log: readonly (LogState & { readonly isVouched: boolean; readonly stagedMs: number | null })[]
  /** acknowledged gaps, which no file covers and none will */
  readonly gaps: readonly Pick<LandingFile, 'partition' | 'range'>[]
  /** each null where nobody was asked, or nobody answered */
  readonly staged: readonly LandingFile[] | null
  readonly loaded: readonly Done[] | null
  readonly merged: readonly Done[] | null
}

/** One per partition of the log, in order. Files of other epochs do not count. */
export function watermarksOf(observed: Observed): readonly Watermark[] {
  const { topic, table, epoch, log, gaps, staged, loaded, merged } = observed
  return log.map(({ partition, committed, isVouched, stagedMs, end }) => {
    const rangesIn = (files: readonly LandingFile[] | null): readonly OffsetRange[] =>
      (files ?? []).filter((file) => file.partition === partition && file.epoch === epoch).map(({ range }) => range)
    const given = gaps.filter((gap) => gap.partition === partition).map(({ range }) => range)
    // The stage forgets old files and Snowflake's tables may too: what is gone from all of them was done.
    const stagedStart = lowest(rangesIn(staged))
    const start = lowest([...rangesIn(staged), ...rangesIn(loaded), ...rangesIn(merged)])
    const files = stagedStart === null ? null : coveredUntil([...rangesIn(staged), ...given], stagedStart)
    const vouched = isVouched && staged !== null ? committed : null
    const stagedEnd = files === null || (vouched !== null && vouched > files) ? vouched : files
    const reached = (done: readonly LandingFile[] | null): bigint | null => {
      if (start === null || done === null) return null
      const until = coveredUntil([...rangesIn(done), ...given], start)
      // Behind the last staged file lies nothing that could be loaded.
      const isAll = files !== null && rangesIn(staged).every(({ last }) => last < until)
      return isAll && stagedEnd !== null && stagedEnd > until ? stagedEnd : until
    }
    // What was merged was loaded, also where the landing table has pruned it.
    const everLoaded = loaded && [...loaded, ...(merged ?? [])]
    const [loadedEnd, mergedEnd] = [reached(everLoaded), reached(merged)]
    const newestBelow = (done: readonly Done[] | null, until: bigint | null): number | null => {
      const own = (done ?? []).filter((file) => file.partition === partition && file.epoch === epoch)
      const times = own.flatMap(({ range, newestMs }) => (until !== null && range.last < until ? (newestMs ?? []) : []))
      return times.length === 0 ? null : Math.max(...times)
    }
    const newest = {
      staged: stagedMs,
      loaded: newestBelow(everLoaded, loadedEnd),
      merged: newestBelow(merged, mergedEnd),
    }
    return {
      topic,
      partition,
      table,
      consumed: committed,
      staged: stagedEnd,
      loaded: loadedEnd,
      merged: mergedEnd,
      end,
      newest,
    }
  })
}

function lowest(ranges: readonly OffsetRange[]): bigint | null {
  return ranges.reduce<bigint | null>((least, { first }) => (least === null || first < least ? first : least), null)
}

/**
 * Where the coverage that begins at `start` ends.
 *
 * Invariant: every offset from `start` to below the result lies in some range. A range behind a hole does not count.
 */
export function coveredUntil(ranges: readonly OffsetRange[], start: bigint): bigint {
  let next = start
  for (const { first, last } of [...ranges].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    if (first > next) break
    if (last >= next) next = last + 1n
  }
  return next
}
