/**
 * How plans and runs are told: to people, and as JSON. Offsets are text in JSON, for they may be greater than a number holds.
 */
import { placeOf } from '../audit/finding.ts'
import { creditsOf, creditsPerGb, type Plan } from '../backfill/plan.ts'
import { bytesText, countText, timeText } from '../backfill/progress.ts'
import type { Came, RunReport } from '../backfill/run-report.ts'
import type { Part, RunRecord } from '../backfill/run-record.ts'
import type { Tally } from '../backfill/tally.ts'
import { noEpoch } from '../backfill/origin.ts'
import { type OffsetRange, rangeText } from '../change.ts'
import type { Finished } from './backfill-work.ts'

const partsShown = 20

export function planText(plan: Plan): string {
  const { record, tally, rejects, seconds, unitsPerSecond, tables } = plan
  const unit = record.stage ? 'files' : 'messages'
  const lines = [
    `plan of ${titleOf(record)}`,
    ...record.parts.slice(0, partsShown).map((part, index) => `  ${partText(part, plan.staged[index] ?? [])}`),
    ...(record.parts.length > partsShown ? [`  and ${record.parts.length - partsShown} partitions more`] : []),
    `  stores    ${tallyText(record, tally)}`,
    ...[...rejects].map(([code, count]) => `            ${countText(count)} ${code}`),
    `  takes     about ${timeText(seconds)}, at ${countText(Math.round(unitsPerSecond))} ${unit} a second as just now`,
    `  costs     ${creditsOf(tally.bytes).toPrecision(2)} credits of Snowpipe, at ${creditsPerGb} a GB, and what the merges run`,
  ]
  for (const { table, effects } of tables) {
    if (!effects) lines.push(`  ${table}: the warehouse was not asked`)
    else {
      const { inserted, updated, deleted, leftAlone, belowFloor } = effects
      const listed = belowFloor > 0 ? `, ${countText(belowFloor)} lie below the floor and are only listed` : ''
      lines.push(
        `  changes   ${table}: ${countText(inserted)} rows inserted, ${countText(updated)} updated, ${countText(deleted)} deleted; ` +
          `${countText(leftAlone)} left alone, for what is there is as new or newer${listed}`,
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

function partText({ epoch, partition, range }: Part, staged: readonly OffsetRange[]): string {
  const count = countText(range.last - range.first + 1n)
  if (epoch === noEpoch) return `lines 1-${count}`
  const there = staged.length === 0 ? 'none of it' : staged.map(rangeText).join(', ')
  return `partition ${partition}  offsets ${rangeText(range)} (${count}), on the stage already: ${there}`
}

function partJson({ epoch, partition, range }: Part) {
  return { epoch, partition, first: range.first.toString(), last: range.last.toString() }
}

function tallyText({ stage }: RunRecord, { files, bytes, rows, messages, rejects, tombstones }: Tally): string {
  const size = `${countText(files)} ${files === 1 ? 'file' : 'files'}, ${bytesText(bytes)}`
  if (stage) return `${size}: ${countText(rows)} rows`
  const without = tombstones > 0 ? `, ${countText(tombstones)} without a value` : ''
  return `${size}: ${countText(messages)} messages as ${countText(rows)} rows, ${countText(rejects)} of them rejects${without}`
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
}

export function runText({ record, state, holder, finished, report, isAsked }: ToldRun): string {
  const { stored, loaded, merged, findings, isSettled } = report
  const by = holder === null ? '' : `, by ${holder}`
  const ended = finished ? `, stored at ${finished.finishedAt}` : ''
  const lines = [`${titleOf(record)}: ${state}${by}${ended}`, `  stored    ${tallyText(record, stored)}`]
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
    lines.push(`goes on with: firn backfill --topic ${record.request.topic} --name ${record.name}`)
  } else if (findings.length === 0 && finished && isAsked) {
    lines.push(
      isSettled
        ? 'no findings: all of it is stored, loaded, and merged or rejected'
        : 'no findings yet: the rest is on its way',
    )
  }
  return `${lines.join('\n')}\n`
}

export function runJson({ record, state, holder, finished, report }: ToldRun): object {
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
    stored,
    stillRejected: finished?.stillRejected ?? 0,
    loaded,
    merged,
    settled: isSettled,
    findings: findings.map((one) => ({ ...one, offsets: one.offsets && rangeText(one.offsets) })),
  }
}

function cameText(came: Came | null): string {
  return came
    ? `${countText(came.rows)} rows of ${countText(came.files)} ${came.files === 1 ? 'file' : 'files'}`
    : 'not known'
}
