/**
 * What became of a run: how much of it is stored, loaded and merged, and what is missing. Pure; what a file's absence means
 * is judged as in every audit.
 */
import { holesIn, hullOf } from '../audit/coverage.ts'
import { judgeFiles } from '../audit/files.ts'
import { type Finding, finding } from '../audit/finding.ts'
import { rangeText } from '../change.ts'
import type { TopicEvidence } from '../evidence.ts'
import type { LandingName } from '../landing.ts'
import type { Part, RunRecord } from './run-record.ts'
import type { Tally } from './tally.ts'

/** Rows that came more than once are counted once. */
export type Came = { readonly files: number; readonly rows: number }

export type RunReport = {
  readonly stored: Tally
  /** null where the warehouse was not asked */
  readonly loaded: Came | null
  readonly merged: readonly { readonly table: string; readonly came: Came | null }[]
  /** everything that is stored was loaded, and merged by every table */
  readonly isSettled: boolean
  readonly findings: readonly Finding[]
}

export type RunFacts = {
  readonly record: RunRecord
  readonly stored: Tally
  /** by part: the offset behind its last file; null while the run has not come to its end */
  readonly ends: readonly bigint[] | null
  /** of the run's files alone */
  readonly evidence: TopicEvidence
  readonly landingDays: number
  readonly patienceMs: number
}

export function reportOf(facts: RunFacts): RunReport {
  const { stored, evidence, landingDays, patienceMs } = facts
  const { landed, tables } = evidence
  const rowsOf = new Map((evidence.staged ?? []).map(({ name, rows }) => [name, rows ?? 0]))
  const came = (files: readonly { readonly name: string; readonly rows: number }[] | null): Came | null => {
    if (!files) return null
    const known = files.map(({ name, rows }) => Math.min(rows, rowsOf.get(name) ?? rows))
    return { files: files.length, rows: known.reduce((all, rows) => all + rows, 0) }
  }
  const loaded = came(landed)
  const merged = tables.map(({ table, merged: files }) => ({ table, came: came(files) }))
  return {
    stored,
    loaded,
    merged,
    isSettled: [loaded, ...merged.map((one) => one.came)].every((one) => one !== null && one.rows >= stored.rows),
    findings: [...missing(facts), ...judgeFiles(evidence, { patienceMs, landingDays })],
  }
}

/** What the run has stored and nothing shows any more. A file that was removed after it was loaded has done its work. */
function missing({ record, ends, evidence }: RunFacts): readonly Finding[] {
  const { request, parts, isSparse, stage } = record
  const { topic } = request
  const merged = evidence.tables.flatMap((table) => table.merged ?? [])
  const known = new Map<string, LandingName>(
    [...(evidence.staged ?? []), ...(evidence.landed ?? []), ...merged].map((one) => [one.name, one]),
  )
  if (ends && stage && known.size < stage.files) {
    const seen = `${known.size} of the ${stage.files} files that were on the stage when the run began were copied: the others were removed before, or since`
    return [finding('STAGE_GAP', { topic }, seen)]
  }
  if (isSparse) return []
  return parts.flatMap((part, index): readonly Finding[] => {
    const ranges = [...known.values()].filter(({ file }) => isOf(part, file)).map(({ file }) => file.range)
    const end = ends?.[index] ?? (hullOf(ranges)?.last ?? part.range.first - 1n) + 1n
    if (end <= part.range.first) return []
    return holesIn({ first: part.range.first, last: end - 1n }, ranges).map((offsets) => {
      const seen = `offsets ${rangeText(offsets)} were stored by the run, and lie in no file of it any more`
      return finding('STAGE_GAP', { topic, partition: part.partition, offsets }, seen)
    })
  })
}

function isOf(part: Part, file: { readonly epoch: number; readonly partition: number }): boolean {
  return part.epoch === file.epoch && part.partition === file.partition
}
