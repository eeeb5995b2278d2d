/**
 * How an audit is told: to people, and as JSON. What was found and done is decided elsewhere.
 */
import { rangeText } from '../change.ts'
import type { Finding, Note } from '../audit/finding.ts'
import { placeOf } from '../audit/finding.ts'
import type { Treatment } from '../audit/repair-plan.ts'
import type { TopicEvidence } from '../evidence.ts'
import type { Failure } from '../failure.ts'

/** What became, or would become, of a finding. */
export type Treated = {
  readonly treatment: Treatment
  /** null where nothing was done yet */
  readonly cured: boolean | null
  /** what was done, or why nothing was */
  readonly words: readonly string[]
}

export type Report = {
  readonly topics: readonly TopicEvidence[]
  readonly findings: readonly Finding[]
  readonly notes: readonly Note[]
  readonly failures: readonly Failure[]
  /** null without --repair; else in the order of the findings */
  readonly treated: readonly Treated[] | null
  /** of a repair, in their order */
  readonly statements: readonly string[]
  readonly isDryRun: boolean
}

/** Findings of one code that are written out; JSON has them all. */
const shownMax = 20

export function textOf({ topics, findings, notes, treated, statements, isDryRun }: Report): string {
  const of = new Map(treated?.map((one) => [one.treatment.finding, one]))
  const lines: string[] = []
  for (const [code, all] of Map.groupBy(findings, (finding) => finding.code)) {
    for (const finding of all.slice(0, shownMax)) {
      lines.push(`${code}  ${placeOf(finding)}: ${finding.seen}`)
      const { cured = null, words = [finding.hint] } = of.get(finding) ?? {}
      const mark = cured === null ? '' : cured ? 'cured: ' : 'not cured: '
      lines.push(...words.map((text) => `  ${mark}${text}`), '')
    }
    if (all.length > shownMax) lines.push(`${code}  ${all.length - shownMax} more; --json lists all`, '')
  }
  for (const { topic, partition, seen } of notes) {
    lines.push(`note  ${partition === null ? topic : `${topic}/${partition}`}: ${seen}`, '')
  }
  if (isDryRun && statements.length > 0) lines.push('would run:', ...statements.map((text) => `\n${text};`), '')
  return `${[...lines, ...topics.map(totalsText), verdictOf(findings, treated)].join('\n')}\n`
}

function totalsText(evidence: TopicEvidence): string {
  const { topic, staged, loaded, merged } = totalsOf(evidence)
  const counts = Object.entries({ staged, loaded, ...merged }).map(([what, files]) => `${files ?? '?'} ${what}`)
  return `${topic}: files: ${counts.join(', ')}`
}

/** Files, by how far they have come; merged by table. Null where nobody answered. */
function totalsOf({ topic, staged, landed, tables }: TopicEvidence) {
  const merged = tables.map(({ table, merged: files }) => [`merged into ${table}`, files?.length ?? null] as const)
  return { topic, staged: staged?.length ?? null, loaded: landed?.length ?? null, merged: Object.fromEntries(merged) }
}

function verdictOf(findings: readonly Finding[], treated: readonly Treated[] | null): string {
  if (findings.length === 0) return 'no findings'
  const counts = [...Map.groupBy(findings, ({ code }) => code)].map(([code, all]) => `${all.length} ${code}`)
  const cured = treated?.filter((one) => one.cured === true).length
  const isDone = treated?.every((one) => one.cured !== null) === true
  return `findings: ${findings.length} (${counts.join(', ')})${isDone ? `, cured: ${cured}` : ''}`
}

export function jsonOf({ topics, findings, notes, failures, treated, statements, isDryRun }: Report): string {
  const treatments = treated?.map(({ treatment, cured, words }) => ({ code: treatment.finding.code, cured, words }))
  return JSON.stringify({
    findings: findings.map((finding) => ({
      ...finding,
      offsets: finding.offsets && rangeText(finding.offsets),
    })),
    notes,
    failures: failures.map(({ code, message, hint }) => ({ code, message, hint })),
    topics: topics.map(totalsOf),
    ...(treatments ? { repair: { dryRun: isDryRun, statements, treatments } } : {}),
  })
}
