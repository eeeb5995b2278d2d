/**
 * How far the partitions that a process reads have been loaded and merged, and since when the oldest file has waited for it,
 * from what is known of their files from an offset on. Pure.
 */
import type { GapEvidence, StagedFile } from '../evidence.ts'
import type { Place } from '../ingest/ingest.ts'
import type { LandingName } from '../landing.ts'
import { coveredUntil } from '../status/watermarks.ts'
import type { Newest } from '../warehouse/recent-evidence.ts'

export type Done = LandingName & Newest

/** What is known of the files of one topic, from somewhere on. */
export type RecentFiles = {
  readonly topic: string
  readonly staged: readonly StagedFile[]
  readonly landed: readonly Done[]
  /** by table */
  readonly merged: ReadonlyMap<string, readonly Done[]>
  readonly gaps: readonly GapEvidence[]
  /** by partition: all below it was merged, and the next file begins there; not there while no file is known */
  readonly begins: ReadonlyMap<number, bigint>
}

export type RecentWatermark = {
  readonly topic: string
  readonly partition: number
  /** each offset below it is loaded, or has no row; never above the staged watermark */
  readonly loaded: bigint
  /** time of the newest change that is loaded; null where none is known */
  readonly loadedMs: number | null
  /** when the oldest file that is not loaded was stored; null where none waits */
  readonly loadAwaitedMs: number | null
  readonly tables: readonly TableWatermark[]
}

export type TableWatermark = {
  readonly table: string
  readonly merged: bigint
  readonly mergedMs: number | null
  /** when the oldest file that is not merged was stored; null where none waits */
  readonly mergeAwaitedMs: number | null
}

/**
 * Invariant: a watermark stops at the first staged file that is not loaded, or not merged; where all are, it is the staged
 * watermark, since what lies behind the last file has no row. What was merged was loaded, also where it is pruned by now.
 */
export function recentWatermarks(
  { topic, staged, landed, merged, gaps, begins }: RecentFiles,
  own: readonly Place[],
): readonly RecentWatermark[] {
  return own.map(({ partition, staged: stagedEnd }) => {
    const of = <T extends LandingName>(files: readonly T[]) =>
      files.filter(({ file, run }) => file.partition === partition && run === null)
    const given = gaps.filter((gap) => gap.partition === partition).map(({ range }) => range)
    const everLoaded = [...landed, ...[...merged.values()].flat()]
    const ranges = of(staged).map(({ file }) => file.range)
    const [first] = [...ranges, ...of(everLoaded).map(({ file }) => file.range)].toSorted((a, b) =>
      a.first < b.first ? -1 : 1,
    )
    const start = begins.get(partition) ?? first?.first ?? null
    const reached = (done: readonly LandingName[]): bigint => {
      if (start === null) return stagedEnd
      const until = coveredUntil([...of(done).map(({ file }) => file.range), ...given], start)
      return ranges.every(({ last }) => last < until) ? stagedEnd : until
    }
    const newestBelow = (done: readonly Done[], until: bigint): number | null => {
      const times = of(done).flatMap(({ file, newestMs }) => (file.range.last < until ? (newestMs ?? []) : []))
      return times.length === 0 ? null : Math.max(...times)
    }
    const awaitedMs = (done: readonly LandingName[]): number | null => {
      const names = new Set(of(done).map(({ name }) => name))
      const times = of(staged).flatMap(({ name, storedAt }) => (names.has(name) ? [] : storedAt.getTime()))
      return times.length === 0 ? null : Math.min(...times)
    }
    const loaded = reached(everLoaded)
    const tables = [...merged].map(([table, files]) => {
      const until = reached(files)
      return { table, merged: until, mergedMs: newestBelow(files, until), mergeAwaitedMs: awaitedMs(files) }
    })
    const loadAwaitedMs = awaitedMs(everLoaded)
    return { topic, partition, loaded, loadedMs: newestBelow(everLoaded, loaded), loadAwaitedMs, tables }
  })
}
