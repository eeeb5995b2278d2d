/**
 * promtool's unit tests, written from the cases of cases.ts: the labels and texts that an alert must have follow from its rule,
 * so that no text stands in two places. Pure. Whether they hold is promtool's to say.
 */
import { stringify } from 'yaml'
import type { Rule } from './rules.ts'

/** What an alert that fires must say. */
export type Fires = {
  readonly labels: Readonly<Record<string, string>>
  /** as its text shows it */
  readonly value?: string
}

export type Case = {
  readonly what: string
  /** values by series, a minute each, as promtool notes them */
  readonly series: Readonly<Record<string, string>>
  /** when it is looked at, in minutes */
  readonly at: number
  /** null: it must not */
  readonly fires: Fires | null
}

/** By alert. */
export type Cases = Readonly<Record<string, readonly Case[]>>

/** One file of tests for the rules of `rulesFile`. */
export function unitTests(cases: Cases, rules: readonly Rule[], rulesFile: string): string {
  const tests = Object.entries(cases).flatMap(([alert, own]) => {
    const rule = rules.find((one) => one.alert === alert)
    if (!rule) throw new Error(`there is no rule ${alert}`)
    return own.map(({ what, series, at, fires }) => ({
      name: `${alert}: ${what}`,
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      alert_rule_test: [{ alertname: alert, eval_time: `${at}m`, exp_alerts: fires ? [expected(rule, fires)] : [] }],
    }))
  })
  return stringify({ rule_files: [rulesFile], evaluation_interval: '1m', tests })
}

function expected({ labels, annotations }: Rule, fires: Fires): object {
  const texts = Object.entries(annotations).map(([name, text]) => [name, shown(text, fires)] as const)
  return { exp_labels: { ...fires.labels, ...labels }, exp_annotations: Object.fromEntries(texts) }
}

function shown(text: string, { labels, value }: Fires): string {
  return text
    .replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '')
    .replace(/\{\{ \$value[^}]*\}\}/g, () => {
      if (value === undefined) throw new Error(`which value does it show: ${text}`)
      return value
    })
}
