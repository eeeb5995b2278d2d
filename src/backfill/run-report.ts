/**
 * What became of a run: how much of it is stored, loaded and merged, and what is missing. Pure; what a file's absence means
 * is judged as in every audit.
 */
import { holesIn, hullOf } from '../audit/coverage.ts'
import { judgeFiles } from '../audit/files.ts'
import { type Finding, finding } from '../audit/finding.ts'
import { rangeText } from '../change.ts'
import type { TopicEvidence } from '../evidence.ts'
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
  /** by part: the offset behind the last one that was read; null while the run has not come to its end */
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

/** What the run has read and no file of it holds: somebody has removed it since. */
function missing({ record, ends, evidence, stored }: RunFacts): readonly Finding[] {
  const { request, parts, isSparse, stage } = record
  const { topic } = request
  if (ends && stage && stored.files < stage.files) {
    const seen = `${stored.files} of the ${stage.files} files that were on the stage when the run began were copied: the others were removed before, or since`
    return [finding('STAGE_GAP', { topic }, seen)]
  }
  if (isSparse) return []
  return parts.flatMap((part, index): readonly Finding[] => {
    const ranges = (evidence.staged ?? []).filter(({ file }) => isOf(part, file)).map(({ file }) => file.range)
    const hull = hullOf(ranges)
    const end = [ends?.[index] ?? 0n, hull ? hull.last + 1n : 0n].reduce((most, one) => (one > most ? one : most))
    if (end <= part.range.first) return []
    return holesIn({ first: part.range.first, last: end - 1n }, ranges).map((offsets) => {
      const seen = `offsets ${rangeText(offsets)} were read by the run, and lie in no file of it`
      return finding('STAGE_GAP', { topic, partition: part.partition, offsets }, seen)
    })
  })
}

function isOf(part: Part, file: { readonly epoch: number; readonly partition: number }): boolean {
  return part.epoch === file.epoch && part.partition === file.partition
}
