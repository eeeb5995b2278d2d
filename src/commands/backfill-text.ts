/**
 * How plans and runs are told: to people, and as JSON. Offsets are text in JSON, for they may be greater than a number holds.
 */
import { placeOf } from '../audit/finding.ts'
import type { Plan } from '../backfill/plan.ts'
import { creditsOf, creditsPerGb, creditsText } from '../price.ts'
import { bytesText, countText, ofMany, timeText } from '../backfill/progress.ts'
import type { Came, RunReport } from '../backfill/run-report.ts'
import { type Part, resumeCommand, type RunRecord } from '../backfill/run-record.ts'
import type { Tally } from '../backfill/tally.ts'
import { type OffsetRange, rangeText } from '../change.ts'
import type { Finished } from './backfill-work.ts'
import type { ExitCode, Io } from './command.ts'

const partsShown = 20

export function planText(plan: Plan): string {
  const { record, tally, rejects, seconds, unitsPerSecond, tables } = plan
  const unit = record.stage ? 'files' : 'messages'
  const lines = [
    `plan of ${titleOf(record)}`,
    ...record.parts.slice(0, partsShown).map((part, index) => `  ${partText(record, part, plan.staged[index] ?? [])}`),
    ...(record.parts.length > partsShown ? [`  and ${record.parts.length - partsShown} partitions more`] : []),
    `  stores    ${tallyText(record, tally)}`,
    ...rejectLines(record, rejects),
    `  takes     about ${timeText(seconds)}, at ${countText(Math.round(unitsPerSecond))} ${unit} a second as just now; loading and merging come on top`,
    `  costs     ${creditsText(creditsOf(tally.bytes))} of Snowpipe, at ${creditsPerGb} a GB, and what the merges run`,
  ]
  for (const { table, effects } of tables) {
    if (!effects) lines.push(`  ${table}: the warehouse was not asked`)
    else {
      const { inserted, updated, deleted, leftAlone, belowFloor } = effects
      const listed = belowFloor > 0 ? `, ${countText(belowFloor)} lie below the floor and are only listed` : ''
      lines.push(
        `  changes   ${table}: ${ofMany(inserted, 'row')} inserted, ${countText(updated)} updated, ${countText(deleted)} deleted; ` +
          `${countText(leftAlone)} left alone, as new or newer there, or deleted and not there${listed}`,
      )
    }
  }
  return `${lines.join('\n')}\n`
}

export function planJson({ record, tally, rejects, seconds, unitsPerSecond, tables, staged }: Plan): object {
  return {
    run: record.name,
    topic: record.request.topic,
    from: record.request.from,
    parts: record.parts.map((part, index) => ({ ...partJson(part), staged: (staged[index] ?? []).map(rangeText) })),
    ...tally,
    rejectsByCode: Object.fromEntries(rejects),
    seconds,
    unitsPerSecond,
    credits: creditsOf(tally.bytes),
    tables,
  }
}

export function titleOf({ name, request, stage }: RunRecord): string {
  const revision = request.revision > 0 ? `, revision ${request.revision}` : ''
  const files = stage ? `: ${countText(stage.files)} files` : ''
  const from = { log: 'the log', stage: 'the stage', rejects: 'its rejects', file: 'a file' }[request.from]
  return `backfill ${name} of ${request.topic}, from ${from}${files}${revision}`
}

function rejectLines({ isSparse }: RunRecord, rejects: Plan['rejects']): readonly string[] {
  const lines = [...rejects].map(([code, count]) => `            ${countText(count)} ${code}`)
  const all = [...rejects.values()].reduce((sum, count) => sum + count, 0)
  const left = `  leaves    ${ofMany(all, 'reject')} as they are, for they would be rejects again:`
  return isSparse && all > 0 ? [left, ...lines] : lines
}

function partText({ request, isSparse }: RunRecord, part: Part, staged: readonly OffsetRange[]): string {
  const { epoch, partition, range } = part
  const count = countText(range.last - range.first + 1n)
  if (request.from === 'file') return `its lines, 1 to ${count}`
  if (isSparse) return `epoch ${epoch}, partition ${partition}: between offsets ${rangeText(range)}`
  const there = staged.length === 0 ? 'none of it' : staged.map(rangeText).join(', ')
  return `partition ${partition}  offsets ${rangeText(range)} (${count}), on the stage already: ${there}`
}

function partJson({ epoch, partition, range }: Part) {
  return { epoch, partition, first: range.first.toString(), last: range.last.toString() }
}

function tallyText({ stage }: RunRecord, { files, bytes, rows, messages, rejects, tombstones }: Tally): string {
  if (files === 0 && messages === 0) return 'nothing'
  const size = `${ofMany(files, 'file')}, ${bytesText(bytes)}`
  if (stage) return `${size}: ${ofMany(rows, 'row')}`
  const without = tombstones > 0 ? `, ${countText(tombstones)} without a value` : ''
  return `${size}: ${ofMany(messages, 'message')} as ${ofMany(rows, 'row')}, ${countText(rejects)} of them rejects${without}`
}

export type RunState = 'running' | 'stopped' | 'finished' | 'cancelled'

export type ToldRun = {
  readonly record: RunRecord
  readonly state: RunState
  /** who works on it; null where nobody does */
  readonly holder: string | null
  readonly finished: Finished | null
  readonly report: RunReport
  readonly isAsked: boolean
  /** of the offsets, lines or files of the run, how many are stored; null where nobody counts */
  readonly reached: { readonly done: number; readonly total: number } | null
}

export function tell({ stdout }: Pick<Io, 'stdout'>, json: boolean, told: ToldRun): ExitCode {
  stdout.write(json ? `${JSON.stringify(runJson(told))}\n` : runText(told))
  return told.report.findings.length > 0 ? 3 : 0
}

function runText({ record, state, holder, finished, report, isAsked, reached }: ToldRun): string {
  const { stored, loaded, merged, findings, isSettled } = report
  const by = holder === null ? '' : `, by ${holder}`
  const ended = finished ? `, stored at ${finished.finishedAt}` : ''
  const lines = [`${titleOf(record)}: ${state}${by}${ended}`, `  stored    ${tallyText(record, stored)}`]
  if (reached && !finished) {
    const share = Math.floor((reached.done / Math.max(1, reached.total)) * 100)
    lines.push(`  reached   ${countText(reached.done)} of ${countText(reached.total)}, ${share} %`)
  }
  if (finished && finished.stillRejected > 0) {
    lines.push(
      `            ${countText(finished.stillRejected)} are rejects again, and were left as they are: firn rejects list`,
    )
  }
  if (isAsked) {
    lines.push(
      `  loaded    ${cameText(loaded)}`,
      ...merged.map(({ table, came }) => `  merged    ${table}: ${cameText(came)}`),
    )
  }
  for (const one of findings) lines.push(`${one.code}  ${placeOf(one)}: ${one.seen}`, `  ${one.hint}`)
  if (state === 'stopped') {
    lines.push(`goes on with: ${resumeCommand(record)}`)
  } else if (findings.length === 0 && finished && isAsked) {
    lines.push(
      isSettled
        ? 'no findings: all of it is stored, loaded, and merged or rejected'
        : 'no findings yet: the rest is on its way',
    )
  }
  return `${lines.join('\n')}\n`
}

function runJson({ record, state, holder, finished, report, reached }: ToldRun): object {
  const { stored, loaded, merged, findings, isSettled } = report
  return {
    run: record.name,
    topic: record.request.topic,
    from: record.request.from,
    state,
    holder,
    begunAt: record.begunAt,
    finishedAt: finished?.finishedAt ?? null,
    parts: record.parts.map(partJson),
    reached,
    stored,
    stillRejected: finished?.stillRejected ?? 0,
    loaded,
    merged,
    settled: isSettled,
    findings: findings.map((one) => ({ ...one, offsets: one.offsets && rangeText(one.offsets) })),
  }
}

function cameText(came: Came | null): string {
  return came ? `${ofMany(came.rows, 'row')} of ${ofMany(came.files, 'file')}` : 'not known'
}
