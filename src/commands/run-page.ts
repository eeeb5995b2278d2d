/**
 * Gathers what the status page of `firn run` shows: numbers from the metrics, so that the page and /metrics never disagree, halts and
 * trouble from where /readyz has them. Of the configuration only topics, tables, group and stage. How it looks is status/page.ts.
 */
import type { Config } from '../config.ts'
import type { Ingest } from '../ingest/ingest.ts'
import type { Latency, PageState, PartitionState, TopicState, WarehousePage } from '../status/page-state.ts'
import { quantile } from '../status/quantile.ts'
import { type MetricName, type Metrics, samplesOf, sumOf } from '../telemetry.ts'
import type { WarehouseWatch } from './warehouse-watch.ts'

export type PageSources = {
  readonly config: Config
  readonly metrics: Metrics
  /** null until it is started */
  readonly ingest: Ingest | null
  /** null where the configuration has no warehouse, or it is not started yet */
  readonly watch: WarehouseWatch | null
}

export async function gatherPage({ config, metrics, ingest, watch }: PageSources): Promise<PageState> {
  const state = ingest?.state() ?? null
  const halts = state?.halts ?? []
  const places = await readPlaces(metrics)
  const gauge = async (name: MetricName) => (await samplesOf(metrics[name]))[0]?.value ?? 0
  const [staging, encode, put] = await Promise.all([
    latencies(metrics, 'firn_staging_latency_seconds'),
    latencies(metrics, 'firn_encode_seconds'),
    latencies(metrics, 'firn_put_seconds'),
  ])
  const topics = [...Map.groupBy(config.tables, ({ topic }) => topic)].map(([topic, tables]): TopicState => {
    const names = tables.map(({ table }) => table)
    const own = halts.filter((halt) => halt.topic === topic)
    const numbers = new Set([...(places.partitions.get(topic) ?? []), ...own.map(({ partition }) => partition)])
    return {
      topic,
      tables: names,
      partitions: [...numbers]
        .sort((a, b) => a - b)
        .map((partition) => ({
          ...partitionOf(places, topic, partition, names),
          isStalled: state?.stalled.includes(`${topic}/${partition}`) ?? false,
          halt: own.find((halt) => halt.partition === partition)?.code ?? null,
        })),
      latency: { staging: staging(topic), encode: encode(topic), put: put(topic) },
    }
  })
  const rejects = (await samplesOf(metrics.firn_rejects_total)).map(({ labels, value }) => {
    return { topic: labels['topic'] ?? '', code: labels['code'] ?? '', count: value }
  })
  return {
    nowMs: Date.now(),
    group: config.kafka.group,
    stage: `s3://${config.stage.bucket}/${config.stage.prefix}`,
    joined: state?.kafka.joined ?? false,
    kafkaTrouble: state?.kafka.trouble ?? null,
    proved: state?.stage.proved ?? false,
    stageTrouble: state?.stage.trouble ?? null,
    assigned: await gauge('firn_assigned_partitions'),
    topics,
    halts,
    files: ingest?.recentFiles() ?? [],
    rejects,
    memory: { used: await gauge('firn_buffered_bytes'), budget: await gauge('firn_memory_budget_bytes') },
    warehouse: config.warehouse ? await warehouseOf(metrics, watch) : null,
  }
}

async function warehouseOf(metrics: Metrics, watch: WarehouseWatch | null): Promise<WarehousePage> {
  const [asked] = await samplesOf(metrics.firn_audit_timestamp_seconds)
  const { trouble = null, findings = [] } = watch?.state() ?? {}
  return {
    trouble,
    findings,
    findingsCount: await sumOf(metrics.firn_audit_findings),
    askedAt: asked ? asked.value * 1_000 : null,
  }
}

const perPlace = [
  'firn_consumed_offset',
  'firn_staged_offset',
  'firn_end_offset',
  'firn_lag_messages',
  'firn_staged_lag_seconds',
  'firn_loaded_offset',
  'firn_loaded_lag_seconds',
  'firn_merged_offset',
  'firn_merged_lag_seconds',
] as const satisfies readonly MetricName[]

type PlaceMetric = (typeof perPlace)[number]

type Places = {
  /** by topic, those that are read here: warehouse gauges may still tell of one that went elsewhere */
  readonly partitions: ReadonlyMap<string, ReadonlySet<number>>
  readonly value: (name: PlaceMetric, topic: string, partition: number, table?: string) => number | null
}

async function readPlaces(metrics: Metrics): Promise<Places> {
  const values = new Map<string, number>()
  const partitions = new Map<string, Set<number>>()
  const keyOf = (...parts: readonly (string | number)[]) => parts.join('\n')
  for (const name of perPlace) {
    for (const { labels, value } of await samplesOf(metrics[name])) {
      const { topic = '', partition = '', table = '' } = labels
      values.set(keyOf(name, topic, partition, table), value)
      if (name !== 'firn_consumed_offset') continue
      const of = partitions.get(topic) ?? new Set()
      partitions.set(topic, of.add(Number(partition)))
    }
  }
  const value: Places['value'] = (name, topic, partition, table = '') =>
    values.get(keyOf(name, topic, partition, table)) ?? null
  return { partitions, value }
}

function partitionOf(
  { value }: Places,
  topic: string,
  partition: number,
  tables: readonly string[],
): Omit<PartitionState, 'isStalled' | 'halt'> {
  const of = (name: PlaceMetric) => value(name, topic, partition)
  const byTable = (name: PlaceMetric) => tables.map((table) => value(name, topic, partition, table))
  return {
    partition,
    consumed: of('firn_consumed_offset'),
    staged: of('firn_staged_offset'),
    loaded: of('firn_loaded_offset'),
    merged: byTable('firn_merged_offset'),
    end: of('firn_end_offset'),
    lagMessages: of('firn_lag_messages'),
    waits: {
      staged: of('firn_staged_lag_seconds'),
      loaded: of('firn_loaded_lag_seconds'),
      merged: byTable('firn_merged_lag_seconds'),
    },
  }
}

/** By topic. */
async function latencies(
  metrics: Metrics,
  name: 'firn_staging_latency_seconds' | 'firn_encode_seconds' | 'firn_put_seconds',
): Promise<(topic: string) => Latency> {
  const byTopic = Map.groupBy(await samplesOf(metrics[name]), ({ labels }) => labels['topic'])
  return (topic) => {
    const buckets = (byTopic.get(topic) ?? []).flatMap(({ name: of, labels: { le }, value }) =>
      of === `${name}_bucket` && le !== undefined
        ? [{ until: le === '+Inf' ? Infinity : Number(le), count: value }]
        : [],
    )
    const [median, high] = [quantile(buckets, 0.5), quantile(buckets, 0.95)]
    return median === null || high === null ? null : { median, high }
  }
}
