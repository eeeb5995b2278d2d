/**
 * How a trace is told: to people, and as JSON. What became of each change is decided in warehouse/trace.ts.
 */
import type { Trace, Verdict } from '../warehouse/trace.ts'
import type { Traced } from '../warehouse/trace-evidence.ts'
import { cut, printable } from './shown-text.ts'

export type Told = {
  readonly table: string
  readonly id: string
  readonly traced: Traced
  readonly trace: Trace
  readonly landingDays: number
}

/** Characters of the row that are shown. */
const shownMax = 4_096

const hint =
  'The table does not say what its changes say. See which rows that concerns, and what cures them: firn audit --deep'

export function textOf(told: Told): string {
  const { table, id, traced, trace } = told
  const lines = [`${table}, id ${printable(id)}`, ...stateLines(traced), '']
  if (isUnknown(traced)) return [...lines, `nothing is known of this id; ${outOfSight(told)}`, ''].join('\n')
  for (const note of trace.notes) lines.push(`note  ${note}`)
  if (trace.notes.length > 0) lines.push('')
  for (const verdict of trace.verdicts) lines.push(...verdictLines(verdict), '')
  const more = traced.total - trace.verdicts.length
  if (more > 0) lines.push(`${more} more with smaller positions`)
  lines.push(`landed changes: ${traced.total}; ${outOfSight(told)}`)
  if (!trace.agrees) lines.push(hint)
  return `${lines.join('\n')}\n`
}

function isUnknown({ row, tombstone, versions }: Traced): boolean {
  return row === null && tombstone === null && versions.length === 0
}

function outOfSight({ landingDays }: Told): string {
  return `what was loaded more than ${landingDays} days ago may be pruned, and is out of sight then`
}

function stateLines({ row, tombstone, floor }: Traced): readonly string[] {
  const lines: string[] = []
  if (row) {
    const flag = row.isDeleted === true ? ', deleted' : ''
    lines.push(
      `  row        position ${row.position === '' ? 'none' : row.position}, last updated ${row.lastUpdated.toISOString()}${flag}`,
    )
    lines.push(`             ${cut(printable(row.data), shownMax, '--json has all')}`)
  } else {
    lines.push('  row        none')
  }
  lines.push(`  tombstone  ${tombstone ?? 'none'}`, `  floor      ${floor ?? 'none'}`)
  return lines
}

function verdictLines({ version, why }: Verdict): readonly string[] {
  const { op, position, partition, offset, rowIndex, file, sourceAt, kafkaAt, stagedAt, loadedAt, mergedAt } = version
  const source = sourceAt ? `source ${timeText(sourceAt)}` : `kafka ${timeText(kafkaAt)}`
  return [
    `${op}  ${position ?? 'no position'}`,
    `   ${why}`,
    `   partition ${partition}, offset ${offset}, change ${rowIndex}, ${file}`,
    `   ${source}, staged ${timeText(stagedAt)}, loaded ${timeText(loadedAt)}, merged ${timeText(mergedAt)}`,
  ]
}

function timeText(time: Date | null): string {
  return time === null ? '-' : time.toISOString()
}

export function jsonOf({ table, id, traced, trace, landingDays }: Told): string {
  const { row, tombstone, floor, total } = traced
  const versions = trace.verdicts.map(({ version: { offset, ...version }, fate, why }) => {
    return { ...version, offset: offset.toString(), fate, why }
  })
  const { agrees, notes } = trace
  return `${JSON.stringify({
    ...{ table, id, row, tombstone, floor, landingDays, total, versions, notes, agrees },
    ...(agrees ? {} : { hint }),
  })}\n`
}
