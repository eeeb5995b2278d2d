/**
 * How Firn speaks to those who run it: the logger, and the one table of every metric with its meaning.
 * Who counts what is decided where it happens; /metrics itself is in status/server.ts.
 */
import pino from 'pino'
import { PinoPretty } from 'pino-pretty'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Logger = pino.Logger
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

type LoggerOptions = {
  readonly level: LogLevel
  /** where the lines go; stderr unless told */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** for eyes instead of machines; decided by whether a terminal watches unless told */
  readonly pretty?: boolean
}

/** One JSON object a line; for a terminal, one readable line. No value of a row ever goes in. */
export function createLogger({ level, stream = process.stderr, pretty }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  }
  if (!(pretty ?? stream.isTTY ?? false)) return pino(options, stream)
  const readable = PinoPretty({ destination: stream, colorize: stream.isTTY ?? false, singleLine: true })
  return pino({ ...options, formatters: {} }, readable)
}

const perPartition = ['topic', 'partition'] as const
const perTable = [...perPartition, 'table'] as const

/** Every metric by name. Units come last; counters end in `_total`. */
export const metricTable = {
  firn_consumed_offset: {
    kind: 'gauge',
    help: 'Consumed watermark: the next offset to read from Kafka.',
    labels: perPartition,
  },
  firn_consumed_timestamp_seconds: {
    kind: 'gauge',
    help: 'Kafka timestamp of the last message consumed.',
    labels: perPartition,
  },
  firn_staged_offset: {
    kind: 'gauge',
    help: 'Staged watermark: every offset below it is in a landing file on the stage, carries no row, or was given up.',
    labels: perPartition,
  },
  firn_staged_timestamp_seconds: {
    kind: 'gauge',
    help: 'Kafka timestamp of the last message staged.',
    labels: perPartition,
  },
  firn_staged_source_timestamp_seconds: {
    kind: 'gauge',
    help: 'Commit time at the source of the last change staged, where the envelope names it.',
    labels: perPartition,
  },
  firn_end_offset: {
    kind: 'gauge',
    help: "The end of the partition's log: its last stable offset.",
    labels: perPartition,
  },
  firn_lag_messages: { kind: 'gauge', help: 'From the consumed watermark to the end.', labels: perPartition },
  firn_staged_lag_seconds: {
    kind: 'gauge',
    help: 'How long the oldest message that is not staged has waited, by its Kafka timestamp where it was read; 0 where none waits.',
    labels: perPartition,
  },
  firn_rows_total: { kind: 'counter', help: 'Rows staged, rejects included.', labels: perPartition },
  firn_rejects_total: {
    kind: 'counter',
    help: 'Messages that could not become a change, by failure code.',
    labels: ['topic', 'code'],
  },
  firn_tombstones_total: {
    kind: 'counter',
    help: 'Messages without a value: counted and covered, but no row.',
    labels: perPartition,
  },
  firn_files_total: { kind: 'counter', help: 'Landing files stored.', labels: perPartition },
  firn_file_bytes_total: { kind: 'counter', help: 'Bytes of the landing files stored.', labels: perPartition },
  firn_seals_total: {
    kind: 'counter',
    help: 'Batches sealed, by reason: age, rows, bytes, memory, leaving, halt.',
    labels: ['topic', 'reason'],
  },
  firn_puts_retried_total: {
    kind: 'counter',
    help: 'Attempts to store a landing file that failed and were repeated, by failure code.',
    labels: ['topic', 'code'],
  },
  firn_files_taken_total: {
    kind: 'counter',
    help: 'Ranges that another writer had stored first; the partition resumed from the stage.',
    labels: perPartition,
  },
  firn_files_adopted_total: {
    kind: 'counter',
    help: 'Files found on the stage above the committed offset at resume, and not written again.',
    labels: perPartition,
  },
  firn_resumes_unverified_total: {
    kind: 'counter',
    help: 'Resumes for which no staged message was left in the log to show that it is still the same log.',
    labels: perPartition,
  },
  firn_commits_failed_total: {
    kind: 'counter',
    help: 'Offset commits that Kafka did not take. Harmless: the stage shows the way at resume.',
    labels: perPartition,
  },
  firn_batches_refused_total: {
    kind: 'counter',
    help: "Fetched batches that did not continue at the partition's own cursor and were fetched again.",
    labels: perPartition,
  },
  firn_halted: {
    kind: 'gauge',
    help: '1 while the partition is halted, by failure code; it waits for an operator.',
    labels: [...perPartition, 'code'],
  },
  firn_loaded_offset: {
    kind: 'gauge',
    help: 'Loaded watermark: every offset below it is in the landing table, or carries no row. Behind firn_staged_offset while files wait.',
    labels: perPartition,
  },
  firn_loaded_source_timestamp_seconds: {
    kind: 'gauge',
    help: 'Commit time at the source, else the Kafka timestamp, of the newest change loaded.',
    labels: perPartition,
  },
  firn_loaded_lag_seconds: {
    kind: 'gauge',
    help: 'How long the oldest landing file that is not loaded has been on the stage, as far as the last turn of the scheduled audit knows; 0 where none waits.',
    labels: perPartition,
  },
  firn_merged_offset: {
    kind: 'gauge',
    help: 'Merged watermark: every offset below it was merged into the table, or carries no row.',
    labels: perTable,
  },
  firn_merged_source_timestamp_seconds: {
    kind: 'gauge',
    help: 'Commit time at the source, else the Kafka timestamp, of the newest change merged.',
    labels: perTable,
  },
  firn_merged_lag_seconds: {
    kind: 'gauge',
    help: 'How long the oldest landing file that is not merged into the table has been on the stage, loaded or not, as far as the last turn of the scheduled audit knows; 0 where none waits.',
    labels: perTable,
  },
  firn_audit_findings: {
    kind: 'gauge',
    help: 'What the scheduled audit found at its last turn, by finding code; firn audit tells more.',
    labels: ['topic', 'code'],
  },
  firn_audit_timestamp_seconds: {
    kind: 'gauge',
    help: 'When the scheduled audit last asked all that it asks.',
    labels: [],
  },
  firn_schema_pending_scripts: {
    kind: 'gauge',
    help: 'Migrations that this version and configuration need and that are not applied.',
    labels: [],
  },
  firn_warehouse_reachable: {
    kind: 'gauge',
    help: '1 unless Snowflake did not answer, or refused, at the last turn of the scheduled audit.',
    labels: [],
  },
  firn_assigned_partitions: { kind: 'gauge', help: 'Partitions that this process reads.', labels: [] },
  firn_buffered_bytes: { kind: 'gauge', help: 'Bytes buffered or in flight, of ingest.memory.', labels: [] },
  firn_memory_budget_bytes: { kind: 'gauge', help: 'The budget of firn_buffered_bytes: ingest.memory.', labels: [] },
  firn_kafka_connected: { kind: 'gauge', help: '1 while this process is a member of the group.', labels: [] },
  firn_stage_reachable: { kind: 'gauge', help: '1 unless the last request to the object store failed.', labels: [] },
  firn_encode_seconds: { kind: 'histogram', help: 'From a sealed batch to a Parquet file.', labels: ['topic'] },
  firn_put_seconds: { kind: 'histogram', help: 'From a Parquet file to its durable object.', labels: ['topic'] },
  firn_staging_latency_seconds: {
    kind: 'histogram',
    help: 'From the Kafka timestamp of the first message of a batch to its durable landing file.',
    labels: ['topic'],
  },
} as const satisfies Record<
  string,
  { readonly kind: 'gauge' | 'counter' | 'histogram'; readonly help: string; readonly labels: readonly string[] }
>

/** What is told of a partition for as long as this process reads it. */
export const partitionGauges = [
  'firn_consumed_offset',
  'firn_consumed_timestamp_seconds',
  'firn_staged_offset',
  'firn_staged_timestamp_seconds',
  'firn_staged_source_timestamp_seconds',
  'firn_end_offset',
  'firn_lag_messages',
  'firn_staged_lag_seconds',
] as const satisfies readonly MetricName[]

type Table = typeof metricTable
export type MetricName = keyof Table
type Labels<N extends MetricName> = Table[N]['labels'][number]
type MetricOf<N extends MetricName> = Table[N]['kind'] extends 'gauge'
  ? Gauge<Labels<N>>
  : Table[N]['kind'] extends 'counter'
    ? Counter<Labels<N>>
    : Histogram<Labels<N>>

export type Metrics = { readonly [N in MetricName]: MetricOf<N> } & {
  /** the Prometheus text of all of them */
  readonly exposition: () => Promise<string>
  readonly contentType: string
}

/** From 5 ms to about 5 minutes, doubling: a put and a freshness of some minutes both find their place. */
const bucketsSeconds = Array.from({ length: 17 }, (_, step) => 0.005 * 2 ** step)

/**
 * A fresh set of all metrics, with a registry of its own: several may live in one process. None says anything before it is
 * set: a 0 that nobody measured would read as trouble with a warehouse that is not configured.
 */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const made = Object.entries(metricTable).map(([name, { kind, help, labels }]) => {
    const options = { name, help, labelNames: [...labels], registers: [registry] }
    if (kind === 'gauge') {
      const gauge = new Gauge(options)
      if (labels.length === 0) gauge.remove()
      return [name, gauge]
    }
    if (kind === 'counter') return [name, new Counter(options)]
    return [name, new Histogram({ ...options, buckets: bucketsSeconds })]
  })
  const metrics = Object.fromEntries(made) as { readonly [N in MetricName]: MetricOf<N> }
  return { ...metrics, exposition: () => registry.metrics(), contentType: registry.contentType }
}

/** A counter over all of its labels. */
export async function sumOf(counter: { get(): Promise<{ readonly values: readonly { readonly value: number }[] }> }) {
  const { values } = await counter.get()
  return values.reduce((sum, { value }) => sum + value, 0)
}

export type Sample = {
  /** of a histogram, with `_bucket`, `_sum` or `_count` behind it */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What /metrics tells of one metric. */
export async function samplesOf(metric: Metrics[MetricName]): Promise<readonly Sample[]> {
  const { name, values } = await metric.get()
  return values.map(({ labels, value, ...more }) => ({
    name: 'metricName' in more && typeof more.metricName === 'string' ? more.metricName : name,
    labels: Object.fromEntries(Object.entries(labels).map(([label, of]) => [label, String(of)])),
    value,
  }))
}
