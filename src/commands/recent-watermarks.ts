/**
 * How far the partitions that a process reads have been loaded and merged, from what is known of the last day's files. Pure.
 */
import type { TopicEvidence } from '../evidence.ts'
import type { Place } from '../ingest/ingest.ts'
import type { LandingName } from '../landing.ts'
import { coveredUntil } from '../status/watermarks.ts'
import type { Newest, RecentMerges } from '../warehouse/recent-evidence.ts'

export type RecentWatermark = {
  readonly topic: string
  readonly partition: number
  /** each offset below it is loaded, or has no row; never above the staged watermark */
  readonly loaded: bigint
  /** time of the newest change that is loaded; null where none is known */
  readonly loadedMs: number | null
  readonly tables: readonly { readonly table: string; readonly merged: bigint; readonly mergedMs: number | null }[]
}

/**
 * Invariant: a watermark stops at the first staged file that is not loaded, or not merged; where all are, it is the staged
 * watermark, since what lies behind the last file has no row.
 */
export function recentWatermarks(
  { topic, staged, landed, gaps }: TopicEvidence,
  merges: ReadonlyMap<string, RecentMerges>,
  own: readonly Place[],
): readonly RecentWatermark[] {
  return own.map(({ partition, staged: stagedEnd }) => {
    const of = <T extends LandingName>(files: readonly T[] | null) =>
      (files ?? []).filter(({ file, run }) => file.partition === partition && run === null)
    const given = (gaps ?? []).filter((gap) => gap.partition === partition).map(({ range }) => range)
    const ranges = of(staged).map(({ file }) => file.range)
    const [start] = ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))
    const reached = (done: readonly LandingName[]): bigint => {
      if (!start) return stagedEnd
      const until = coveredUntil([...of(done).map(({ file }) => file.range), ...given], start.first)
      return ranges.every(({ last }) => last < until) ? stagedEnd : until
    }
    const newestBelow = (done: readonly (LandingName & Partial<Newest>)[], until: bigint): number | null => {
      const times = of(done).flatMap(({ file, newestMs }) => (file.range.last < until ? (newestMs ?? []) : []))
      return times.length === 0 ? null : Math.max(...times)
    }
    const loaded = reached(landed ?? [])
    const tables = [...merges].map(([table, { merged: files }]) => {
      const merged = reached(files)
      return { table, merged, mergedMs: newestBelow(files, merged) }
    })
    return { topic, partition, loaded, loadedMs: newestBelow(landed ?? [], loaded), tables }
  })
}
