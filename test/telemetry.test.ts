/** The logger and the table of metrics. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
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
