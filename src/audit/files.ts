/**
 * Judges each landing file: whether what was staged was loaded, and what was loaded was merged by every table. A file that
 * came more than once is no worse for it, also under the name of a backfill, and what retention has pruned was merged.
 */
import { rangeText } from '../change.ts'
import type { LandedFile, LoadRecord, MergedFile, StagedFile, TableEvidence, TopicEvidence } from '../evidence.ts'
import { coversRanges, firstRunOf, type LandingName } from '../landing.ts'
import { type Finding, finding, type FindingCode } from './finding.ts'

export type Patience = {
  /** what is younger may still be on its way */
  readonly patienceMs: number
  /** warehouse.landingDays */
  readonly landingDays: number
}

/** Everything that is known of one file. */
type Known = LandingName & {
  readonly staged: StagedFile | null
  readonly loads: readonly LoadRecord[]
  readonly landed: LandedFile | null
  readonly merged: ReadonlyMap<string, MergedFile>
}

type Times = { readonly settledMs: number; readonly prunedMs: number }

const dayMs = 24 * 3600 * 1000
/** Snowflake's clock, the object store's and this one's may differ by minutes; retention never prunes so early. */
const clocksMs = 3600 * 1000

/** Nothing where part of the evidence is not known: what is missing there could be what is looked for. */
export function judgeFiles(evidence: TopicEvidence, { patienceMs, landingDays }: Patience): readonly Finding[] {
  const { askedAt, tables } = evidence
  const files = join(evidence)
  if (!files) return []
  const times = {
    settledMs: askedAt.getTime() - patienceMs,
    prunedMs: askedAt.getTime() - landingDays * dayMs + clocksMs,
  }
  const alike = Map.groupBy(files, contentOf)
  return files.flatMap((known) => {
    const findings = judgeFile(known, tables, times)
    const others = (alike.get(contentOf(known)) ?? []).filter((other) => other !== known)
    if (!others.some((other) => holds(other, rowsWanted(known), tables, times))) return findings
    return findings.filter(({ code }) => !lostRows.has(code))
  })
}

/** Whose rows are not there: no loss where a backfill has brought the same messages. */
const lostRows: ReadonlySet<FindingCode> = new Set(['FILE_NOT_LOADED', 'LOAD_FAILED', 'ROWS_MISSING'])

/** Files of which this is the same hold the same messages. Single messages of two runs may have the same first and last. */
function contentOf({ file: { epoch, partition, range }, run }: LandingName): string {
  const own = run === null || coversRanges(run) ? '' : firstRunOf(run)
  return `${epoch} ${partition} ${rangeText(range)} ${own}`
}

/** Whether so many rows of the file are in the landing table, or were merged by every table before it pruned them; null: any. */
function holds(known: Known, wanted: number | null, tables: readonly TableEvidence[], { prunedMs }: Times): boolean {
  const isEnough = (rows: number | undefined): boolean => rows !== undefined && rows >= (wanted ?? 1)
  if (isEnough(known.landed?.rows)) return true
  return loadedAfter(known) <= prunedMs && tables.every(({ table }) => isEnough(known.merged.get(table)?.rows))
}

function join({ staged, loads, landed, tables }: TopicEvidence): readonly Known[] | null {
  if (!staged || !loads || !landed || tables.some(({ merged }) => merged === null)) return null
  const byName = <T extends LandingName>(files: readonly T[]) => new Map(files.map((file) => [file.name, file]))
  const [stagedBy, landedBy] = [byName(staged), byName(landed)]
  const loadsBy = Map.groupBy(loads, ({ name }) => name)
  const mergedBy = tables.map(({ table, merged }) => [table, byName(merged ?? [])] as const)
  const all = new Map<string, LandingName>(
    [...staged, ...loads, ...landed, ...mergedBy.flatMap(([, files]) => [...files.values()])].map((one) => [
      one.name,
      one,
    ]),
  )
  return [...all.values()]
    .map(({ name, file, run }) => ({
      name,
      file,
      run,
      staged: stagedBy.get(name) ?? null,
      loads: loadsBy.get(name) ?? [],
      landed: landedBy.get(name) ?? null,
      merged: new Map(
        mergedBy.flatMap(([table, files]) => {
          const taken = files.get(name)
          return taken ? [[table, taken] as const] : []
        }),
      ),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function judgeFile(known: Known, tables: readonly TableEvidence[], times: Times): readonly Finding[] {
  const { staged, loads, landed, merged } = known
  // Of one that is nowhere any more gaps.ts tells which offsets went with it.
  if (!staged && !landed && merged.size === 0) return []
  // Whoever removed it from the stage, it had done its work; its rows may have been erased with it.
  if (!staged && tables.every(({ table }) => merged.has(table))) return []
  if (loads.length === 0 && !landed && merged.size === 0) {
    if (!staged || staged.storedAt.getTime() > times.settledMs) return []
    const seen = `it was staged at ${staged.storedAt.toISOString()}, and nothing shows that it was loaded`
    return [aboutFile('FILE_NOT_LOADED', known, seen)]
  }
  const wanted = rowsWanted(known)
  const rows = landed?.rows ?? 0
  if (wanted === null ? landed !== null || merged.size === 0 : rows >= wanted) return judgeMerged(known, tables, times)
  const of = wanted === null ? 'its rows' : `its ${wanted} rows`
  const least = Math.min(...[...merged.values()].map((one) => one.rows))
  if (merged.size > 0 && loadedAfter(known) <= times.prunedMs) {
    if (wanted === null || least >= wanted) return []
    return [aboutFile('ROWS_MISSING', known, `${least} of ${of} were merged before the landing table pruned it`)]
  }
  const failed = failedLoad(loads)
  if (failed) {
    const seen = `its load failed at ${failed.at.toISOString()}: ${failed.error ?? failed.status}`
    return [aboutFile('LOAD_FAILED', known, seen)]
  }
  if (lastSeen(known) > times.settledMs) return []
  const before = merged.size > 0 ? ', though it was merged' : ''
  return [aboutFile('ROWS_MISSING', known, `the landing table holds ${rows} of ${of}${before}`)]
}

function judgeMerged(known: Known, tables: readonly TableEvidence[], { settledMs }: Times): readonly Finding[] {
  const { landed, merged } = known
  if (!landed || landed.firstLoadedAt.getTime() > settledMs) return []
  return tables.flatMap(({ table, stream: { found } }) => {
    const rows = merged.get(table)?.rows ?? 0
    // The stream of a table that was added later begins with all that had landed.
    const isNew = found !== null && found !== 'missing' && found.createdAt.getTime() > settledMs
    if (rows >= landed.rows || isNew) return []
    const seen = `${rows} of its ${landed.rows} rows were merged, and it was loaded at ${landed.firstLoadedAt.toISOString()}`
    return [{ ...aboutFile('ROWS_UNMERGED', known, seen), table }]
  })
}

/** How many rows the landing table must hold; null where nobody knows. */
function rowsWanted({ staged, loads }: Known): number | null {
  if (staged && staged.rows !== null) return staged.rows
  const counts = loads.filter(({ error }) => error === null).map(({ rows }) => rows)
  return counts.length === 0 ? null : Math.max(...counts)
}

/** The newest load that has ended, where it did not end well. */
function failedLoad(loads: readonly LoadRecord[]): LoadRecord | null {
  const ended = loads
    .filter(({ status }) => !/in progress/i.test(status))
    .sort((a, b) => a.at.getTime() - b.at.getTime())
  const newest = ended.at(-1)
  return newest && !/^loaded$/i.test(newest.status) ? newest : null
}

/** It was loaded at this time or later; 0 where nothing tells. */
function loadedAfter({ staged, loads, landed }: Known): number {
  const loaded = loads.filter(({ error }) => error === null).map(({ at }) => at.getTime())
  return Math.max(0, staged?.storedAt.getTime() ?? 0, landed?.firstLoadedAt.getTime() ?? 0, ...loaded)
}

/** When something last became of it. */
function lastSeen({ loads, landed, merged }: Known): number {
  const times = [...loads.map(({ at }) => at), ...[...merged.values()].map(({ lastMergedAt }) => lastMergedAt)]
  return Math.max(landed?.firstLoadedAt.getTime() ?? 0, ...times.map((time) => time.getTime()))
}

function aboutFile(code: FindingCode, { name, file }: LandingName, seen: string): Finding {
  return finding(code, { topic: file.topic, partition: file.partition, files: [name] }, seen)
}
