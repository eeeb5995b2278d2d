/**
 * Whether what a query names is there: each metric in the table of telemetry.ts, each label one of those metrics' or of the
 * target that was scraped. Pure.
 */
import { type MetricName, metricTable } from '../../src/telemetry.ts'
import type { Named } from './rules.ts'

/** Set by Prometheus, or by the operator's ServiceMonitor. */
const targetLabels = ['job', 'instance', 'namespace', 'pod']

/** Of a histogram Prometheus sees its parts. */
export function metricOf(series: string): MetricName | null {
  if (Object.hasOwn(metricTable, series)) {
    const { kind } = metricTable[series as MetricName]
    return kind === 'histogram' ? null : (series as MetricName)
  }
  const whole = series.replace(/_(bucket|sum|count)$/, '')
  if (!Object.hasOwn(metricTable, whole)) return null
  return metricTable[whole as MetricName].kind === 'histogram' ? (whole as MetricName) : null
}

/** Each a sentence; `shown` are the labels that a text beside the query names. */
export function unknownNames(where: string, { metrics, labels }: Named, shown: readonly string[]): readonly string[] {
  const unknown = [...metrics].filter((name) => metricOf(name) === null)
  const known = new Set<string>(targetLabels)
  for (const name of metrics) {
    const metric = metricOf(name)
    if (metric === null) continue
    for (const label of metricTable[metric].labels) known.add(label)
    if (name.endsWith('_bucket')) known.add('le')
  }
  return [
    ...unknown.map((name) => `${where}: telemetry.ts has no metric ${name}`),
    ...[...labels, ...shown]
      .filter((label) => !known.has(label))
      .map((label) => `${where}: no metric of it has a label ${label}`),
  ]
}
