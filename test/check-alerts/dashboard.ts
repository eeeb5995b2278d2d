/**
 * The Grafana dashboard that is shipped (deploy/chart/files/dashboard.json), panel by panel. Names of metrics are telemetry.ts's:
 * one that is not there does not compile. How a panel is written down is decided in grafana.ts.
 */
import { type Block, dashboardOf, quantile, rate, select } from './grafana.ts'

const seconds = 's'

const blocks: readonly Block[] = [
  {
    title: 'Now',
    panels: [
      {
        title: 'Halted partitions',
        kind: 'stat',
        alarm: 1,
        queries: { '': `sum(${select('firn_halted')}) or vector(0)` },
      },
      {
        title: 'Staged lag',
        kind: 'stat',
        unit: seconds,
        alarm: 600,
        queries: { '': `max(${select('firn_staged_lag_seconds')})` },
      },
      {
        title: 'Load lag',
        kind: 'stat',
        unit: seconds,
        alarm: 900,
        queries: { '': `max(${select('firn_loaded_lag_seconds')})` },
      },
      {
        title: 'Merge lag',
        kind: 'stat',
        unit: seconds,
        alarm: 1_800,
        queries: { '': `max(${select('firn_merged_lag_seconds')})` },
      },
      {
        title: 'Findings of the audit',
        kind: 'stat',
        alarm: 1,
        queries: { '': `sum(max by (topic, code) (${select('firn_audit_findings')})) or vector(0)` },
      },
      {
        title: 'Migrations not applied',
        kind: 'stat',
        alarm: 1,
        queries: { '': `max(${select('firn_schema_pending_scripts')})` },
      },
    ],
  },
  {
    title: 'Watermarks',
    panels: [
      {
        title: 'The four watermarks, offsets of all partitions',
        kind: 'lines',
        queries: {
          'end of the log': `sum(max by (topic, partition) (${select('firn_end_offset')}))`,
          consumed: `sum(max by (topic, partition) (${select('firn_consumed_offset')}))`,
          staged: `sum(max by (topic, partition) (${select('firn_staged_offset')}))`,
          loaded: `sum(max by (topic, partition) (${select('firn_loaded_offset')}))`,
          'merged {{table}}': `sum by (table) (max by (topic, partition, table) (${select('firn_merged_offset')}))`,
        },
      },
      {
        title: 'How long the oldest has waited',
        kind: 'lines',
        unit: seconds,
        queries: {
          'staged {{topic}}': `max by (topic) (${select('firn_staged_lag_seconds')})`,
          'loaded {{topic}}': `max by (topic) (${select('firn_loaded_lag_seconds')})`,
          'merged {{table}}': `max by (table) (${select('firn_merged_lag_seconds')})`,
        },
      },
      {
        title: 'Age of the newest change, where messages flow',
        kind: 'lines',
        unit: seconds,
        queries: {
          'consumed {{topic}}': `time() - min by (topic) (${select('firn_consumed_timestamp_seconds')})`,
          'staged {{topic}}': `time() - min by (topic) (${select('firn_staged_timestamp_seconds')})`,
          'loaded {{topic}}': `time() - min by (topic) (${select('firn_loaded_source_timestamp_seconds')})`,
          'merged {{table}}': `time() - min by (table) (${select('firn_merged_source_timestamp_seconds')})`,
        },
      },
      {
        title: 'Messages left to read',
        kind: 'lines',
        queries: { '{{topic}}': `sum by (topic) (max by (topic, partition) (${select('firn_lag_messages')}))` },
      },
    ],
  },
  {
    title: 'Latency by step',
    panels: [
      {
        title: 'From message to landing file',
        kind: 'lines',
        unit: seconds,
        queries: {
          'median {{topic}}': quantile(0.5, 'firn_staging_latency_seconds'),
          '95 % {{topic}}': quantile(0.95, 'firn_staging_latency_seconds'),
        },
      },
      {
        title: 'Encode and put, 95 %',
        kind: 'lines',
        unit: seconds,
        queries: {
          'encode {{topic}}': quantile(0.95, 'firn_encode_seconds'),
          'put {{topic}}': quantile(0.95, 'firn_put_seconds'),
        },
      },
      {
        title: 'Puts and commits that failed, and files that others had stored, per second',
        kind: 'lines',
        queries: {
          'put {{topic}} {{code}}': `sum by (topic, code) (${rate('firn_puts_retried_total')})`,
          'commit {{topic}}': `sum by (topic) (${rate('firn_commits_failed_total')})`,
          'taken {{topic}}': `sum by (topic) (${rate('firn_files_taken_total')})`,
        },
      },
    ],
  },
  {
    title: 'Throughput',
    panels: [
      {
        title: 'Rows staged per second',
        kind: 'lines',
        queries: { '{{topic}}': `sum by (topic) (${rate('firn_rows_total')})` },
      },
      {
        title: 'Bytes staged per second',
        kind: 'lines',
        unit: 'Bps',
        queries: { '{{topic}}': `sum by (topic) (${rate('firn_file_bytes_total')})` },
      },
      {
        title: 'Seals per second, by reason',
        kind: 'bars',
        queries: { '{{reason}}': `sum by (reason) (${rate('firn_seals_total')})` },
      },
      {
        title: 'Size of a file',
        kind: 'lines',
        unit: 'bytes',
        queries: {
          '{{topic}}': `sum by (topic) (${rate('firn_file_bytes_total')}) / sum by (topic) (${rate('firn_files_total')})`,
        },
      },
      {
        title: 'Rejects per second, by code',
        kind: 'bars',
        queries: { '{{topic}} {{code}}': `sum by (topic, code) (${rate('firn_rejects_total')})` },
      },
      {
        title: 'Messages without a value per second',
        kind: 'lines',
        queries: { '{{topic}}': `sum by (topic) (${rate('firn_tombstones_total')})` },
      },
    ],
  },
  {
    title: 'Trouble',
    panels: [
      {
        title: 'Halts',
        kind: 'table',
        queries: { '': `max by (topic, partition, code) (${select('firn_halted')}) > 0` },
      },
      {
        title: 'Findings',
        kind: 'table',
        queries: { '': `max by (topic, code) (${select('firn_audit_findings')}) > 0` },
      },
      {
        title: 'Neighbours: 1 where they answer',
        kind: 'lines',
        queries: {
          'Kafka {{instance}}': select('firn_kafka_connected'),
          'stage {{instance}}': select('firn_stage_reachable'),
          'Snowflake {{instance}}': select('firn_warehouse_reachable'),
        },
      },
      {
        title: 'Resumes that nothing could vouch for, in an hour',
        kind: 'lines',
        queries: { '{{topic}}': `sum by (topic) (increase(${select('firn_resumes_unverified_total')}[1h]))` },
      },
    ],
  },
  {
    title: 'Processes',
    panels: [
      {
        title: 'Memory: buffered and in flight, of its budget',
        kind: 'lines',
        unit: 'bytes',
        queries: {
          '{{instance}}': select('firn_buffered_bytes'),
          'budget {{instance}}': select('firn_memory_budget_bytes'),
        },
      },
      { title: 'Partitions read', kind: 'lines', queries: { '{{instance}}': select('firn_assigned_partitions') } },
      {
        title: 'Fetched again, and files adopted, per second',
        kind: 'lines',
        queries: {
          'fetched again {{topic}}': `sum by (topic) (${rate('firn_batches_refused_total')})`,
          'adopted {{topic}}': `sum by (topic) (${rate('firn_files_adopted_total')})`,
        },
      },
      {
        title: 'Since the last complete audit',
        kind: 'lines',
        unit: seconds,
        queries: { '{{instance}}': `time() - ${select('firn_audit_timestamp_seconds')}` },
      },
    ],
  },
]

export function dashboard(): object {
  return dashboardOf(blocks)
}
