/** Why a change won or lost, by what is known of one id: the rules of the merge and of the deep audit, told of each change. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  judgeTrace,
  type LandedVersion,
  mergedAtOf,
  type TracedRow,
  type TraceEvidence,
} from '../../src/warehouse/trace.ts'

const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 0, minute))

/** Merged, unless something else is said; positions are small texts. */
const version = (op: string, position: string, more: Partial<LandedVersion> = {}): LandedVersion => ({
  op,
  position,
  partition: 0,
  offset: 0n,
  rowIndex: 0,
  file: 'f',
  fileRow: 0,
  sourceAt: null,
  kafkaAt: null,
  stagedAt: null,
  loadedAt: at(0),
  mergedAt: at(1),
  rejection: null,
  isAltered: false,
  ...more,
})

const rowAt = (position: string, isDeleted: boolean | null = null): TracedRow => {
  return { data: '{}', lastUpdated: at(0), position, isDeleted }
}

const waiting = { mergedAt: null } as const
const refused = { rejection: { code: 'JSON_REFUSED', reason: 'no' } } as const
const belowFloor = { rejection: { code: 'BELOW_FLOOR', reason: 'not there' } } as const

type Case = readonly [
  name: string,
  evidence: Partial<TraceEvidence>,
  expected: { readonly whys: readonly string[]; readonly agrees?: boolean; readonly notes?: readonly string[] },
]

const held = 'is what the table holds'
const cases: readonly Case[] = [
  [
    'the newest change is held, and those before it are older than it',
    { row: rowAt('3'), versions: [version('u', '3'), version('u', '2'), version('c', '1')] },
    { whys: [held, 'older than 3', 'older than 3'] },
  ],
  [
    'a change that has landed twice is told once more',
    { row: rowAt('3'), versions: [version('u', '3'), version('u', '3'), version('u', '2'), version('u', '2')] },
    { whys: [held, 'same change came again', 'older than 3', 'same change came again'] },
  ],
  [
    'a delete is remembered, and what is older lost against it',
    { tombstone: '2', versions: [version('d', '2'), version('c', '1')] },
    { whys: ['deleted the row; remembered as tombstone', 'older than 2'] },
  ],
  [
    'a row that was deleted and made anew is the newer one',
    { row: rowAt('3'), tombstone: '2', versions: [version('c', '3'), version('d', '2'), version('c', '1')] },
    { whys: [held, 'deleted the row; remembered as tombstone; a newer change made it anew', 'older than 3'] },
  ],
  [
    'a delete that came late lost, and its tombstone stays behind',
    { row: rowAt('3'), tombstone: '2', versions: [version('d', '2'), version('d', '1')] },
    {
      whys: ['deleted the row; remembered as tombstone; a newer change made it anew', 'older than 3'],
      notes: ['the change that the table holds is out of sight'],
    },
  ],
  [
    'with soft deletes a delete is what the table holds',
    { deletes: 'soft', row: rowAt('2', true), versions: [version('d', '2'), version('c', '1')] },
    { whys: ['is what the table holds, marked as deleted', 'older than 2'] },
  ],
  [
    'what is not merged yet neither won nor lost',
    {
      row: rowAt('1'),
      versions: [version('d', '3', waiting), version('u', '2', { ...waiting, ...refused }), version('c', '1')],
    },
    { whys: ['loaded, not merged yet', 'loaded, not merged yet', held] },
  ],
  [
    'what the merge has refused takes no part, however large its position',
    { row: rowAt('1'), versions: [version('u', '2', refused), version('c', '1')] },
    { whys: ['rejected by the merge: JSON_REFUSED: no', held] },
  ],
  [
    'what came below the floor for a row that is not there is listed alone',
    { floor: '5', versions: [version('u', '2', belowFloor)] },
    { whys: ['below the floor: listed, not applied'] },
  ],
  [
    'below the floor a delete may be forgotten, and nothing is expected of a row that is not there',
    { floor: '5', versions: [version('d', '2'), version('c', '1')] },
    { whys: ['deleted the row; its tombstone was pruned below the floor', 'older than 2'] },
  ],
  [
    'below the floor the delete may be out of sight altogether',
    { floor: '5', versions: [version('c', '1')] },
    { whys: ['below the floor: a newer delete may have been pruned'] },
  ],
  [
    'what retention has pruned is out of sight',
    { row: rowAt('7'), tombstone: '6', versions: [version('u', '2')] },
    {
      whys: ['older than 7'],
      notes: ['the change that the table holds is out of sight', 'the delete that is remembered is out of sight'],
    },
  ],
  [
    'a row that the table had before any change came',
    { row: rowAt(''), versions: [] },
    { whys: [], notes: ['the row was there before any change: whatever comes beats it'] },
  ],
  ['nothing is known', {}, { whys: [] }],
  [
    'a row that is gone is told',
    { versions: [version('u', '2'), version('c', '1')] },
    { whys: ['merged, and the row is not there', 'older than 2'], agrees: false },
  ],
  [
    'a row that is behind is told',
    { row: rowAt('1'), versions: [version('u', '2'), version('c', '1')] },
    { whys: ['merged, and the table holds an older change', held], agrees: false },
  ],
  [
    'a row with another content is told',
    { row: rowAt('2'), versions: [version('u', '2', { isAltered: true })] },
    { whys: ['is what the table says that it holds, with another content'], agrees: false },
  ],
  [
    'a row that a delete has left is told, with its tombstone and without',
    { row: rowAt('1'), tombstone: '2', versions: [version('d', '2'), version('c', '1')] },
    {
      whys: ['deleted the row; remembered as tombstone; the row is there all the same', held],
      agrees: false,
      notes: ['the row is there, although a delete that is not older is remembered'],
    },
  ],
  [
    'a row that stands at the position of its own delete is told',
    { row: rowAt('2'), versions: [version('d', '2')] },
    { whys: ['deleted the row, and it is there all the same'], agrees: false },
  ],
  [
    'a delete that nothing remembers is told',
    { versions: [version('d', '2')] },
    { whys: ['deleted the row, and no tombstone remembers it'], agrees: false },
  ],
]

for (const [name, evidence, { whys, agrees = true, notes = [] }] of cases) {
  test(name, () => {
    const trace = judgeTrace({ deletes: 'hard', row: null, tombstone: null, floor: null, versions: [], ...evidence })
    assert.deepEqual(
      trace.verdicts.map(({ why }) => why),
      whys,
    )
    assert.deepEqual([trace.agrees, trace.notes], [agrees, notes])
  })
}

test('a landing row was merged by the first merge that began after it was loaded', () => {
  assert.equal(mergedAtOf(at(1), [], 0), null)
  assert.deepEqual(mergedAtOf(at(1), [at(5), at(3)], 0), at(3))
  assert.deepEqual(mergedAtOf(at(4), [at(5), at(3)], 1), at(5))
  assert.equal(mergedAtOf(at(6), [at(5), at(3)], 1), null, 'it came again, and waits')
  assert.deepEqual(mergedAtOf(at(4), [at(3)], 0), at(3), 'the clocks differ')
})
