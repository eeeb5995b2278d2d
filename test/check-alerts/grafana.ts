/**
 * What a dashboard of Grafana is made of: panels in rows, each with its queries over the job and topics that are chosen above.
 * Which there are is decided in dashboard.ts. Pure.
 */
import { type MetricName, metricTable } from '../../src/telemetry.ts'

export type PanelPlan = {
  readonly title: string
  readonly kind: 'stat' | 'lines' | 'bars' | 'table'
  readonly unit?: string
  /** red from here on */
  readonly alarm?: number
  /** by legend */
  readonly queries: Readonly<Record<string, string>>
}

export type Block = { readonly title: string; readonly panels: readonly PanelPlan[] }

type NameOf<K extends string> = {
  [N in MetricName]: (typeof metricTable)[N]['kind'] extends K ? N : never
}[MetricName]

/** The series of a metric that are chosen above. */
export function select(name: NameOf<'gauge' | 'counter'>): string {
  return `${name}{${matchers(name)}}`
}

export function rate(name: NameOf<'counter'>): string {
  return `rate(${select(name)}[$__rate_interval])`
}

/** By topic. */
export function quantile(q: number, name: NameOf<'histogram'>): string {
  return `histogram_quantile(${q}, sum by (topic, le) (rate(${name}_bucket{${matchers(name)}}[$__rate_interval])))`
}

function matchers(name: MetricName): string {
  const labels: readonly string[] = metricTable[name].labels
  return `job=~"$job"${labels.includes('topic') ? ',topic=~"$topic"' : ''}`
}

const datasource = { type: 'prometheus', uid: '${datasource}' }
const [width, titleHeight] = [24, 1]

const shapes = {
  stat: { type: 'stat', w: 4, h: 4 },
  lines: { type: 'timeseries', w: 12, h: 8 },
  bars: { type: 'timeseries', w: 12, h: 8 },
  table: { type: 'table', w: 12, h: 8 },
} as const

export function dashboardOf(blocks: readonly Block[]): object {
  const panels: object[] = []
  let [x, y, rowHeight] = [0, 0, 0]
  const lineBreak = () => {
    ;[x, y, rowHeight] = [0, y + rowHeight, 0]
  }
  for (const { title, panels: plans } of blocks) {
    lineBreak()
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x, y, w: width, h: titleHeight },
    })
    y += titleHeight
    for (const plan of plans) {
      const { w, h } = shapes[plan.kind]
      if (x + w > width) lineBreak()
      panels.push(panelOf(plan, panels.length + 1, { x, y, w, h }))
      ;[x, rowHeight] = [x + w, Math.max(rowHeight, h)]
    }
  }
  return {
    uid: 'firn',
    title: 'Firn',
    description: 'Kafka to Snowflake: how far each topic is, and what is wrong.',
    tags: ['firn'],
    editable: true,
    schemaVersion: 39,
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: variables() },
    panels,
  }
}

function panelOf({ title, kind, unit, alarm, queries }: PanelPlan, id: number, gridPos: object): object {
  const green = { color: 'green', value: null }
  const steps = alarm === undefined ? [green] : [green, { color: 'red', value: alarm }]
  const bars = { drawStyle: 'bars', fillOpacity: 80, stacking: { mode: 'normal', group: 'A' } }
  return {
    id,
    type: shapes[kind].type,
    title,
    datasource,
    gridPos,
    fieldConfig: {
      defaults: {
        ...(unit !== undefined && { unit }),
        ...(kind === 'stat' && { thresholds: { mode: 'absolute', steps } }),
        ...(kind === 'bars' && { custom: bars }),
      },
      overrides: [],
    },
    options: kind === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'background' } : {},
    targets: Object.entries(queries).map(([legend, expr], at) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + at),
      datasource,
      expr,
      ...(legend !== '' && { legendFormat: legend }),
      ...(kind === 'table' && { format: 'table', instant: true }),
    })),
  }
}

function variables(): readonly object[] {
  const choice = {
    type: 'query',
    datasource,
    refresh: 2,
    includeAll: true,
    multi: true,
    current: { text: 'All', value: '$__all' },
  }
  const valuesOf = (name: MetricName, label: string) => `label_values(${name}, ${label})`
  return [
    { name: 'datasource', type: 'datasource', query: 'prometheus' },
    { ...choice, name: 'job', query: valuesOf('firn_assigned_partitions', 'job') },
    { ...choice, name: 'topic', query: valuesOf('firn_staged_offset', 'topic') },
  ]
}
