/**
 * The alert rules that are shipped, read as data; the same with their times made so short that a test can wait for them; and
 * what a query names, metrics and labels. Pure but for reading the file. Whether Prometheus takes them is promtool's to say.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'

export const alertsFile = fileURLToPath(new URL('../../deploy/chart/files/alerts.yaml', import.meta.url))

export type Rule = {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

type RuleFile = { readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[] }

export async function readRules(): Promise<readonly Rule[]> {
  return (parse(await readFile(alertsFile, 'utf8')) as RuleFile).groups.flatMap(({ rules }) => rules)
}

/** Minutes become seconds, in windows, in `for` and in what a lag may be; all else stays. */
export function shortened(rules: readonly Rule[]): string {
  const seconds = (text: string) => text.replace(/\b(\d+)m\b/g, '$1s').replace(/\b1h\b/g, '60s')
  const short = rules.map((rule) => ({
    ...rule,
    expr: seconds(rule.expr).replace(/(_lag_seconds\)\s*>\s*)(\d+)/g, (_, before: string, lag: string) => {
      return `${before}${Number(lag) / 60}`
    }),
    ...(rule.for !== undefined && { for: seconds(rule.for) }),
  }))
  return stringify({ groups: [{ name: 'short', rules: short }] }, { lineWidth: 0 })
}

export type Named = { readonly metrics: ReadonlySet<string>; readonly labels: ReadonlySet<string> }

/** Metrics of Firn and labels that a query names. Texts in quotes name nothing. */
export function namedIn(expr: string): Named {
  const bare = expr.replace(/"[^"]*"/g, '""')
  const metrics = new Set([...bare.matchAll(/\bfirn_\w+/g)].map(([name]) => name))
  const lists = [...bare.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g)]
  const listed = lists.flatMap(([, list = '']) => list.split(',').map((label) => label.trim()))
  const matched = [...bare.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*""/g)].map(([, label = '']) => label)
  return { metrics, labels: new Set([...listed, ...matched].filter((label) => label !== '')) }
}

/** Labels that a text for people names: `{{ $labels.topic }}` of an annotation, `{{topic}}` of a legend. */
export function labelsShownIn(text: string): readonly string[] {
  return [...text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, label = '']) => label)
}
