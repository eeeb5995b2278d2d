/** What an epoch means, and which configs agree with it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TableConfig } from '../../src/config.ts'
import { openEpoch } from '../../src/ingest/epoch.ts'
import {
  encodeEpochRecord,
  epochStart,
  type EpochRecord,
  judgeEpoch,
  parseEpochRecord,
} from '../../src/ingest/epoch-record.ts'
import type { Admin } from '../../src/kafka/client.ts'
import { MemoryStage } from './memory-stage.ts'
import { exampleTable } from '../support/config.ts'

const table = exampleTable({ topic: 't', table: 'A.B' })
const record: EpochRecord = {
  clusterId: 'c1',
  partitionCount: 2,
  start: 'earliest',
  starts: new Map([
    [0, 5n],
    [1, 9007199254740993n],
  ]),
  dialect: 'plain',
  key: ['id'],
  order: null,
}
const codeOf = (facts: Partial<Parameters<typeof judgeEpoch>[1]>) =>
  judgeEpoch(record, { clusterId: 'c1', partitionCount: 2, begun: [1], table, ...facts })?.code ?? null

test('a record is read back as it was written', () => {
  assert.deepEqual(parseEpochRecord(encodeEpochRecord(record), 'k'), record)
  const ordered = { ...record, order: { column: 'v', width: 3 }, clusterId: null, start: 'latest' } as const
  assert.deepEqual(parseEpochRecord(encodeEpochRecord(ordered), 'k'), ordered)
})

test('what is no record halts by name', () => {
  for (const text of [
    '',
    '{}',
    '{"partitionCount":1,"key":["id"]}',
    '{"partitionCount":1,"key":["id"],"starts":{"0":"x"}}',
  ]) {
    assert.throws(() => parseEpochRecord(Buffer.from(text), 'p/e1.json'), {
      code: 'EPOCH_RECORD_INVALID',
      message: /p\/e1\.json/,
    })
  }
})

test('a partition that the record does not list begins at its beginning, also where others began at the latest message', () => {
  assert.deepEqual(epochStart(record, 0), { offset: 5n, earliest: true })
  const latest = { ...record, start: 'latest' } as const
  assert.deepEqual(epochStart(latest, 0), { offset: 5n, earliest: false })
  assert.deepEqual(epochStart(latest, 7), { offset: 0n, earliest: true })
})

test('a config that agrees goes on; the start may be changed, for it has been used', () => {
  assert.equal(codeOf({}), null)
  assert.equal(codeOf({ clusterId: null }), null)
  assert.equal(codeOf({ table: { ...table, start: 'latest' } as TableConfig }), null)
})

test('another cluster, or fewer partitions, is another log', () => {
  assert.equal(codeOf({ clusterId: 'c2' }), 'LOG_REPLACED')
  assert.equal(codeOf({ partitionCount: 1 }), 'LOG_REPLACED')
})

test('another key or order halts, and the setting is named', () => {
  assert.equal(codeOf({ table: { ...table, key: ['id', 'x'] } }), 'SETTINGS_CHANGED')
  const failure = judgeEpoch(record, {
    clusterId: 'c1',
    partitionCount: 2,
    begun: [1],
    table: { ...table, order: 'kafka-timestamp' },
  })
  assert.equal(failure?.code, 'SETTINGS_CHANGED')
  assert.equal(failure.message, 't in epoch 1 began with order null, and the config says "kafka-timestamp"')
})

test('an epoch below one that has begun halts: its changes would lose, unseen', () => {
  assert.equal(codeOf({ begun: [1, 2, 10] }), 'SETTINGS_CHANGED')
  assert.equal(codeOf({ table: { ...table, epoch: 10 }, begun: [1, 2, 10] }), null)
})

test('an added partition halts a table that names no order, and no other', () => {
  assert.equal(codeOf({ partitionCount: 3 }), 'UNORDERED')
  const order = { column: 'v', width: 3 }
  assert.equal(
    judgeEpoch({ ...record, order }, { clusterId: 'c1', partitionCount: 3, begun: [], table: { ...table, order } }),
    null,
  )
})

const admin = {
  fetchTopicMetadata: () => Promise.resolve({ topics: [{ name: 't', partitions: [{}, {}] }] }),
  fetchTopicOffsets: () =>
    Promise.resolve([
      { partition: 0, offset: '50', high: '50', low: '10' },
      { partition: 1, offset: '60', high: '60', low: '20' },
    ]),
  fetchTopicOffsetsByTimestamp: (_: string, time?: number) => Promise.resolve([{ partition: 0, offset: String(time) }]),
} as unknown as Admin

test('the first epoch begins where the config says, and later ones at the earliest message', async () => {
  const stage = new MemoryStage()
  const open = (change: Partial<TableConfig>) =>
    openEpoch({ admin, stage, prefix: 'p/' }, { ...table, ...change }, 'c1')
  assert.deepEqual(
    [...(await open({ start: 'latest' })).starts],
    [
      [0, 50n],
      [1, 60n],
    ],
  )
  assert.deepEqual(
    [...(await open({ start: 'earliest' })).starts],
    [
      [0, 50n],
      [1, 60n],
    ],
    'written once',
  )
  const second = await open({ start: 'latest', epoch: 2 })
  assert.deepEqual([second.start, ...second.starts], ['earliest', [0, 10n], [1, 20n]])
  const timed = await open({ topic: 'other', start: '1970-01-01T00:00:01Z' })
  assert.deepEqual([...timed.starts], [[0, 1_000n]])
  assert.deepEqual(stage.keys, ['p/_firn/other/e1.json', 'p/_firn/t/e1.json', 'p/_firn/t/e2.json'])
})

test('of two who begin an epoch at once both go by the record of the first', async () => {
  const stage = new MemoryStage()
  const late = { ...table, start: 'latest' } as const
  stage.beforePut = async (key) => {
    stage.beforePut = () => Promise.resolve()
    await stage.put(key, encodeEpochRecord(record), {})
  }
  assert.deepEqual(await openEpoch({ admin, stage, prefix: 'p/' }, late, 'c1'), record)
})
