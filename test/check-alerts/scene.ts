/**
 * What the scenes of `make check-alerts` share: a Prometheus over shortened rules, waits for alerts that name what is seen
 * instead, and what was seen of metrics. What is done to cause an alert is each scene's own.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import type { Alert, Prometheus } from './prometheus.ts'

export type Say = (line: string) => void

/** Names that a Prometheus has met. */
export type Seen = {
  /** told by a process, if only by its help */
  readonly metrics: Set<string>
  /** with at least one sample */
  readonly series: Set<string>
}

export const nothingSeen = (): Seen => ({ metrics: new Set(), series: new Set() })

type Labels = Readonly<Record<string, string>>

const firesAs = (alert: string, labels: Labels) => (one: Alert) =>
  one.labels['alertname'] === alert && Object.entries(labels).every(([label, value]) => one.labels[label] === value)

/** @throws Error with the alerts that fire instead */
export async function untilFires(prometheus: Prometheus, alert: string, labels: Labels = {}): Promise<void> {
  await until(
    `${alert} ${JSON.stringify(labels)}`,
    () => prometheus.firing(),
    (all) => all.some(firesAs(alert, labels)),
  )
}

/** @throws Error with those that still fire */
export async function untilOver(prometheus: Prometheus, alerts: readonly string[]): Promise<void> {
  await until(
    `the end of ${alerts.join(', ')}`,
    async () => (await prometheus.firing()).filter((one) => alerts.includes(one.labels['alertname'] ?? '')),
    (left) => left.length === 0,
  )
}

/** @throws Error where one of them fires within so many seconds */
export async function assertQuiet(prometheus: Prometheus, alerts: readonly string[], seconds: number): Promise<void> {
  const endMs = Date.now() + seconds * 1_000
  while (Date.now() < endMs) {
    const loud = (await prometheus.firing()).filter((one) => alerts.includes(one.labels['alertname'] ?? ''))
    if (loud.length > 0) throw new Error(`these must not fire: ${JSON.stringify(loud)}`)
    await sleep(500)
  }
}

/** Adds what this Prometheus has met. @throws Error where a rule could not be evaluated */
export async function look(prometheus: Prometheus, seen: Seen): Promise<void> {
  const sick = await prometheus.sickRules()
  if (sick.length > 0) throw new Error(`rules that cannot be evaluated:\n${sick.join('\n')}`)
  for (const name of await prometheus.told()) seen.metrics.add(name)
  const samples = await prometheus.query('count by (__name__) (last_over_time({__name__=~"firn_.+"}[1h]))')
  for (const { metric } of samples) seen.series.add(metric['__name__'] ?? '')
}
