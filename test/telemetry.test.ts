/** The logger and the table of metrics. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findingTable } from '../src/audit/finding.ts'
import { failures } from '../src/failure.ts'
import type { SealReason } from '../src/ingest/sealing.ts'
import { createLogger, createMetrics, metricTable, sumOf } from '../src/telemetry.ts'

function lines(pretty: boolean, write: (logger: ReturnType<typeof createLogger>) => void): string {
  let text = ''
  const stream = { write: (line: string) => (text += line).length > 0 } as unknown as NodeJS.WritableStream
  write(createLogger({ level: 'info', stream, pretty }))
  return text
}

test('a line is one JSON object with level, time and exact offsets', () => {
  const text = lines(false, (logger) => {
    logger.info({ offset: 9007199254740993n }, 'stored')
    logger.debug('not told')
  })
  assert.match(text, /^\{"level":"info","time":"\d{4}-[^"]+Z","offset":9007199254740993,"msg":"stored"\}\n$/)
})

test('names of metrics follow the rules of Prometheus, units last', () => {
  for (const [name, { kind, help }] of Object.entries(metricTable)) {
    assert.match(name, /^firn_[a-z]+(_[a-z]+)*$/)
    assert.equal(name.endsWith('_total'), kind === 'counter', name)
    if (kind === 'histogram') assert.match(name, /_seconds$/)
    assert.match(help, /^[A-Z1].*\.$/, name)
  }
})

test('each set of metrics counts for itself', async () => {
  const one = createMetrics()
  const other = createMetrics()
  one.firn_files_total.inc({ topic: 't', partition: 0 })
  one.firn_files_total.inc({ topic: 't', partition: 1 }, 2)
  assert.equal(await sumOf(one.firn_files_total), 3)
  assert.equal(await sumOf(other.firn_files_total), 0)
  assert.match(await one.exposition(), /# HELP firn_lag_messages /)
})

test('a gauge says nothing before it is set', async () => {
  const metrics = createMetrics()
  const samples = async () => (await metrics.exposition()).split('\n').filter((line) => /^[a-z]/.test(line))
  assert.deepEqual(await samples(), [])
  metrics.firn_stage_reachable.set(0)
  assert.deepEqual(await samples(), ['firn_stage_reachable 0'])
})

const reasons: Record<SealReason, true> = {
  age: true,
  rows: true,
  bytes: true,
  memory: true,
  leaving: true,
  halt: true,
}

const codesOf = (response: string): readonly string[] =>
  Object.entries(failures).flatMap(([code, entry]) => (entry.response === response ? [code] : []))

/** What each label can be at the most, with 1,000 partitions of a topic; a label that is not here has no bound. */
function valuesOf(name: string, label: string): readonly string[] {
  switch (label) {
    case 'topic':
      return ['shop.orders']
    case 'partition':
      return Array.from({ length: 1_000 }, (_, partition) => String(partition))
    case 'table':
      return ['SHOP.ORDERS']
    case 'reason':
      return Object.keys(reasons)
    case 'code':
      if (name === 'firn_rejects_total') return codesOf('reject')
      if (name === 'firn_puts_retried_total') return codesOf('retry')
      if (name === 'firn_audit_findings') return Object.keys(findingTable)
      // A partition halts for one reason at a time.
      if (name === 'firn_halted') return ['LOG_REPLACED']
  }
  throw new Error(`${name}: nobody says what ${label} can be`)
}

type Settable = { readonly inc?: (labels: object) => void; readonly observe?: (labels: object, value: number) => void }

test('1,000 partitions are at most 25 series each, and some hundred more: no label holds what nobody has counted', async () => {
  const metrics = createMetrics()
  for (const [name, { labels }] of Object.entries(metricTable)) {
    let sets: readonly Readonly<Record<string, string>>[] = [{}]
    for (const label of labels) {
      sets = sets.flatMap((set) => valuesOf(name, label).map((value) => ({ ...set, [label]: value })))
    }
    const metric = metrics[name as keyof typeof metricTable] as Settable
    for (const set of sets) {
      metric.inc?.(set)
      metric.observe?.(set, 1)
    }
  }
  const text = await metrics.exposition()
  const series = text.split('\n').filter((line) => line.startsWith('firn_')).length
  const ofPartitions = text.split('\n').filter((line) => line.includes('partition=')).length
  assert.ok(ofPartitions <= 25_000, String(ofPartitions))
  assert.ok(series - ofPartitions <= 200, String(series - ofPartitions))
  assert.ok(text.length < 4_000_000, String(text.length))
})
