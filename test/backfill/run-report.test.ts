/**
 * What is said of a run at its end: a hole where stored files are gone before they were loaded, and nowhere else.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { recordOf } from '../../src/backfill/request.ts'
import { reportOf, type RunFacts } from '../../src/backfill/run-report.ts'
import type { RunRecord } from '../../src/backfill/run-record.ts'
import { nothing } from '../../src/backfill/tally.ts'
import { rangeText } from '../../src/change.ts'
import { evidenceOf, landedFile, mergedFile, nameOf, stagedFile, tableOf, wellOf } from '../audit/topic-evidence.ts'

const [a, b] = [nameOf(0, 9, { run: 'r' }), nameOf(10, 19, { run: 'r' })]

const record: RunRecord = {
  name: 'r',
  request: recordOf({
    ...{ topic: 't', from: 'log', partitions: null, offsets: null, since: null, until: null },
    ...{ epoch: null, code: null, revision: 0, file: null },
  }),
  meaning: { epoch: 1, dialect: 'plain', key: ['id'], order: null },
  begunAt: '2026-06-01T00:00:00.000Z',
  parts: [{ epoch: 1, partition: 0, range: { first: 0n, last: 29n } }],
  isSparse: false,
  stage: null,
}

function found(facts: Partial<RunFacts>): readonly string[] {
  const stored = { ...nothing, files: 2, rows: 20 }
  const whole = { record, stored, ends: [20n], evidence: wellOf([a, b]), landingDays: 30, patienceMs: 60_000, ...facts }
  const { findings } = reportOf(whole)
  return findings.map(({ code, offsets }) => `${code} ${offsets ? rangeText(offsets) : '-'}`)
}

describe('of a run that came to its end', () => {
  test('nothing is missing where its files join up to the last one, whatever lies behind without a row', () => {
    assert.deepEqual(found({}), [])
    assert.deepEqual(found({ ends: [0n], evidence: evidenceOf() }), [], 'a range without any row has no file')
  })

  test('a file that is gone before it was loaded is missing', () => {
    assert.deepEqual(found({ evidence: wellOf([b]) }), ['STAGE_GAP 0-9'])
    assert.deepEqual(found({ evidence: wellOf([a]) }), ['STAGE_GAP 10-19'])
  })

  test('a file that was removed after it was loaded and merged has done its work', () => {
    const evidence = evidenceOf({
      landed: [landedFile(a), landedFile(b)],
      tables: [tableOf({ merged: [mergedFile(a), mergedFile(b)] })],
    })
    assert.deepEqual(found({ evidence }), [])
    const copies = { ...record, parts: [], stage: { files: 2, bytes: 1, storedBefore: record.begunAt } }
    assert.deepEqual(found({ record: copies, ends: [], evidence }), [])
    assert.deepEqual(found({ record: copies, ends: [], evidence: wellOf([a]) }), ['STAGE_GAP -'])
  })

  test('what is stored and not loaded is found, and settles when it is', () => {
    const evidence = evidenceOf({ staged: [stagedFile(a), stagedFile(b)] })
    assert.deepEqual(found({ evidence }), ['FILE_NOT_LOADED -', 'FILE_NOT_LOADED -'])
    const facts = { record, stored: { ...nothing, rows: 20 }, ends: [20n], landingDays: 30, patienceMs: 1 }
    assert.equal(reportOf({ ...facts, evidence }).isSettled, false)
    assert.equal(reportOf({ ...facts, evidence: wellOf([a, b]) }).isSettled, true)
    // A file that came twice hides no other.
    const twice = wellOf([a, b], { tables: [tableOf({ merged: [{ ...mergedFile(a), rows: 20 }] })] })
    assert.equal(reportOf({ ...facts, evidence: twice }).isSettled, false)
  })
})

test('of a run that goes on, only what lies between its files is missing', () => {
  assert.deepEqual(found({ ends: null, evidence: wellOf([a]) }), [])
  assert.deepEqual(found({ ends: null, evidence: wellOf([b]) }), ['STAGE_GAP 0-9'])
})
