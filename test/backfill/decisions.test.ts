/**
 * What a backfill decides without asking anybody: which offsets are meant, where a part goes on, who may take a run, what a
 * change would do, and what may not come below a floor.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { copyKey, isTaken, type StageFilter } from '../../src/backfill/copying.ts'
import { effectOf } from '../../src/backfill/effects.ts'
import { lowestOf, refuseBelowFloor, runsToMerged } from '../../src/backfill/floor.ts'
import { isHeld, type Holder } from '../../src/backfill/holder.ts'
import { around } from '../../src/backfill/log-source.ts'
import { originOf, rejectValueKey } from '../../src/backfill/origin.ts'
import { Pacer } from '../../src/backfill/pacer.ts'
import { coveredOf } from '../../src/backfill/plan.ts'
import { Progress } from '../../src/backfill/progress.ts'
import { resumeAt } from '../../src/backfill/replaying.ts'
import { differences, recordOf, type Request } from '../../src/backfill/request.ts'
import { type LogFacts, selectParts } from '../../src/backfill/selection.ts'
import { type OffsetRange, positionOf, rangeText } from '../../src/change.ts'
import { parseLandingName } from '../../src/landing.ts'

const range = (first: number, last: number): OffsetRange => ({ first: BigInt(first), last: BigInt(last) })
const request: Request = {
  ...{ topic: 't', from: 'log', partitions: null, offsets: null, since: null, until: null },
  ...{ epoch: null, code: null, revision: 0, file: null },
}

describe('the offsets that are meant', () => {
  const facts: LogFacts = {
    ...{ epoch: 2, partitionCount: 3, since: null, until: null, staged: new Map() },
    bounds: new Map([
      [0, { low: 100n, high: 200n }],
      [1, { low: 0n, high: 50n }],
      [2, { low: 7n, high: 7n }],
    ]),
  }
  const parts = (asked: Partial<Request>, seen: Partial<LogFacts> = {}) =>
    selectParts({ ...request, ...asked }, { ...facts, ...seen }).map((part) => {
      assert.equal(part.epoch, 2)
      return `${part.partition}: ${rangeText(part.range)}`
    })

  test('are all that the log holds; empty partitions are no part', () => {
    assert.deepEqual(parts({}), ['0: 100-199', '1: 0-49'])
  })

  test('of some partitions, or of one between two offsets', () => {
    assert.deepEqual(parts({ partitions: [1] }), ['1: 0-49'])
    assert.deepEqual(parts({ partitions: [0], offsets: range(150, 199) }), ['0: 150-199'])
  })

  test('between two times lie inside of the log', () => {
    const since = new Map([
      [0, 20n],
      [1, 10n],
      [2, 7n],
    ])
    const until = new Map([
      [0, 120n],
      [1, 50n],
      [2, 7n],
    ])
    assert.deepEqual(parts({}, { since, until }), ['0: 100-119', '1: 10-49'])
  })

  test('are refused where the log does not hold them all, with what is left and where else they are', () => {
    const asked = { partitions: [0], offsets: range(50, 149) }
    assert.throws(
      () => parts(asked),
      /holds 100-199: of these offsets, 100-149 are there; no file on the stage holds any/,
    )
    const staged = new Map([[0, [range(0, 60)]]])
    assert.throws(() => parts(asked, { staged }), /--from stage --partition 0 --offsets 50-149/)
    const ahead = { partitions: [0], offsets: range(150, 250) }
    assert.throws(() => parts(ahead), /it has not come so far yet; what is there: --offsets 150-199/)
    assert.throws(
      () => parts({ partitions: [2], offsets: range(0, 3) }),
      /holds nothing \(it ends at 7\): none of these/,
    )
    assert.throws(
      () => parts({ partitions: [2] }),
      /nothing of topic t lies in what was asked for; .*0: 100-199, 1: 0-49/,
    )
    assert.throws(() => parts({}, { bounds: new Map() }), { code: 'LEADER_MISSING' })
  })

  test('around what was given up are read, and nothing else', () => {
    const pieces = [
      ...around(range(10, 99), [range(90, 200), range(0, 12), range(20, 29), range(25, 31), range(300, 301)]),
    ]
    assert.deepEqual(
      pieces.map((one) => `${one.kind} ${rangeText(one.range)}`),
      ['gap 10-12', 'read 13-19', 'gap 20-29', 'gap 30-31', 'read 32-89', 'gap 90-99'],
    )
    assert.deepEqual([...around(range(0, 1), [])].length, 1)
  })
})

describe('a run', () => {
  const part = { epoch: 1, partition: 0, range: range(10, 99) }
  const stored = (...ranges: readonly OffsetRange[]) =>
    ranges.map((own) => ({ file: { epoch: 1, partition: 0, range: own } }))

  test('goes on where the files that join end, never beyond a hole', () => {
    assert.equal(resumeAt(part, [], false), 10n)
    assert.equal(resumeAt(part, stored(range(20, 29), range(10, 19), range(15, 24)), false), 30n)
    assert.equal(resumeAt(part, stored(range(10, 19), range(30, 39)), false), 20n)
    assert.equal(resumeAt(part, stored(range(11, 19)), false), 10n)
    const others = [
      { file: { epoch: 2, partition: 0, range: range(10, 99) } },
      { file: { epoch: 1, partition: 1, range: range(10, 99) } },
    ]
    assert.equal(resumeAt(part, others, false), 10n)
  })

  test('of single messages goes on behind the last one that is stored', () => {
    assert.equal(resumeAt(part, stored(range(12, 12), range(40, 55)), true), 56n)
    assert.equal(resumeAt(part, [], true), 10n)
  })

  test('is the same where the same is asked for', () => {
    const then = recordOf(request)
    assert.deepEqual(differences(JSON.parse(JSON.stringify(then)) as typeof then, then), [])
    const now = recordOf({ ...request, revision: 1, partitions: [1], offsets: range(1, 2) })
    assert.deepEqual(differences(then, now), [
      'partitions null, not [1]',
      'offsets null, not "1-2"',
      'revision 0, not 1',
    ])
  })

  test('is held by whoever lives, and for as long as was said', () => {
    const me = { id: 'me', host: 'here', pid: 7 }
    const holder: Holder = { id: 'other', host: 'here', pid: 8, until: new Date(1_000).toISOString() }
    const held = (changes: Partial<Holder>, lives = true, now = 999) =>
      isHeld({ ...holder, ...changes }, me, now, () => lives)
    assert.equal(
      isHeld(null, me, 0, () => true),
      false,
    )
    assert.equal(held({}), true)
    assert.equal(held({}, true, 1_000), false)
    assert.equal(held({}, false), false)
    assert.equal(held({ host: 'there' }, false), true)
    assert.equal(held({ id: 'me' }), false)
    assert.equal(held({ pid: 7 }), false, 'a container that is started again has the same number')
  })
})

describe('positions', () => {
  const parts = { order: '', rank: 0, offset: 5n, partition: 0, rowIndex: 0 } as const

  test('of what a file says lie below all that a log says, of the same order', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 10n ** 18n),
        fc.bigInt(0n, 10n ** 18n),
        fc.integer({ min: 1, max: 9 }),
        (line, offset, epoch) => {
          for (const order of [undefined, { column: 'n', width: 3 }]) {
            const table = order === undefined ? { epoch } : { epoch, order }
            const fields = { ...parts, order: order === undefined ? '' : '042' }
            const ofFile = positionOf({ ...fields, ...originOf({ epoch: 0 }, table, 3), offset: line })
            const ofLog = positionOf({ ...fields, ...originOf({ epoch }, table, 0), offset })
            assert.ok(ofFile < ofLog)
            assert.equal(ofFile.length, ofLog.length)
          }
        },
      ),
    )
  })

  test('of what a file says compete by the order, where there is one', () => {
    const table = { epoch: 2, order: { column: 'n', width: 1 } }
    const ofFile = positionOf({ ...parts, ...originOf({ epoch: 0 }, table, 0), order: '7' })
    assert.ok(ofFile > positionOf({ ...parts, ...originOf({ epoch: 2 }, table, 0), order: '6' }))
  })

  test('of a revision beat the former self, and nothing newer', () => {
    const at = (offset: bigint, revision: number) =>
      positionOf({ ...parts, ...originOf({ epoch: 1 }, { epoch: 1 }, revision), offset })
    assert.ok(at(5n, 1) > at(5n, 0))
    assert.ok(at(5n, 99_999) < at(6n, 0))
  })
})

test('a change does to a row what the merge does', () => {
  const hard = { deletes: 'hard', floor: '' } as const
  const effect = (
    op: string,
    position: string,
    row: string | null,
    tombstone: string | null = null,
    rules: Parameters<typeof effectOf>[2] = hard,
  ) => effectOf({ id: 'x', op, position }, { row, tombstone }, rules)
  assert.equal(effect('c', '5', null), 'inserted')
  assert.equal(effect('u', '5', '4'), 'updated')
  assert.equal(effect('u', '5', '5'), 'leftAlone')
  assert.equal(effect('d', '5', '4'), 'deleted')
  assert.equal(effect('d', '5', null), 'leftAlone')
  assert.equal(effect('u', '5', null, '5'), 'leftAlone')
  assert.equal(effect('u', '6', null, '5'), 'inserted')
  assert.equal(effect('u', '5', null, null, { ...hard, floor: '6' }), 'belowFloor')
  assert.equal(effect('u', '5', '4', null, { ...hard, floor: '6' }), 'updated')
  assert.equal(effect('d', '5', null, null, { deletes: 'soft', floor: '' }), 'inserted')
  assert.equal(effect('d', '5', '4', null, { deletes: 'soft', floor: '' }), 'updated')
})

describe('below a floor', () => {
  const floors = new Map([
    [
      'S.T',
      positionOf({ epoch: 1, order: '', rank: 0, offset: 50n, partition: 0, rowIndex: 0, revision: 0, isLogged: true }),
    ],
  ])
  const facts = {
    floors,
    mergedTo: new Map([
      [0, 100n],
      [1, 80n],
    ]),
  }
  const part = (partition: number, first: number, last: number) => ({ epoch: 1, partition, range: range(first, last) })

  test('nothing may come that does not run to the end of what was merged', () => {
    assert.equal(runsToMerged([part(0, 0, 99)], facts, false), true)
    assert.equal(runsToMerged([part(0, 0, 98)], facts, false), false)
    assert.equal(runsToMerged([part(0, 0, 99)], facts, true), false, 'of an ordered table a delete may lie elsewhere')
    assert.equal(runsToMerged([part(0, 0, 99), part(1, 0, 79)], facts, true), true)
    assert.equal(runsToMerged([part(2, 0, 9)], facts, false), true, 'nothing was merged there')
    assert.equal(runsToMerged([], facts, false), false, 'nothing that counts')
    assert.equal(runsToMerged([part(0, 0, 49), part(0, 60, 99)], facts, false), false, 'a hole')
  })

  test('is what begins there, and only that', () => {
    assert.throws(
      () => {
        refuseBelowFloor(lowestOf([part(0, 49, 60)], {}, 0), facts)
      },
      { code: 'RANGE_BELOW_FLOOR' },
    )
    refuseBelowFloor(lowestOf([part(0, 50, 60)], {}, 0), facts)
    assert.equal(lowestOf([part(0, 49, 60)], { order: 'kafka-timestamp' }, 0), null)
    refuseBelowFloor(null, facts)
  })
})

describe('files on the stage', () => {
  const file = (path: string) => {
    const name = parseLandingName('t', path)
    assert.ok(name)
    return { ...name, storedAt: new Date('2026-03-01T00:00:00Z') }
  }
  const of = (run: string, epoch = 1) => `t/${run}e${epoch}/00000/00000000000000000000-00000000000000000009.parquet`
  const filter: StageFilter = {
    ...{ partitions: null, offsets: null, since: null, until: null, epoch: null },
    ...{ name: 'me', copies: new Set(['copies']) },
  }

  test('are taken once, from wherever they were first', () => {
    const taken = (run: string, changes: Partial<StageFilter> = {}) => isTaken(file(of(run)), { ...filter, ...changes })
    assert.equal(taken(''), true)
    assert.equal(taken('run-a/'), true)
    assert.equal(taken('run-a_rows/'), true)
    for (const run of ['run-me/', 'run-me.a/', 'run-copies/', 'run-copies.a_rows/'])
      assert.equal(taken(run), false, run)
    assert.equal(taken('', { partitions: [1] }), false)
    assert.equal(taken('', { offsets: range(9, 20) }), true)
    assert.equal(taken('', { offsets: range(10, 20) }), false)
    assert.equal(taken('', { epoch: 2 }), false)
    assert.equal(taken('', { since: '2026-03-01T00:00:00.000Z', until: '2026-03-01T00:00:00.001Z' }), true)
    assert.equal(taken('', { until: '2026-03-01T00:00:00.000Z' }), false)
  })

  test('never come under one name with two contents', () => {
    const paths = ['', 'run-a/', 'run-a_rows/', 'run-b/', 'run-x.a/', 'run-rows/'].flatMap((run) => [
      of(run),
      of(run, 2),
    ])
    const keys = paths.map((path) => copyKey('p/', 'me', file(path)))
    assert.equal(new Set(keys).size, paths.length)
    for (const key of keys) assert.ok(parseLandingName('t', key)?.run?.startsWith('me'), key)
  })

  test('of a run keep large values where the run that first stored them did', () => {
    const place = { epoch: 0, partition: 0, offset: 7n }
    const fileName = (run: string) => `p/${of(run, 0)}`
    const key = rejectValueKey('p/', 't', { ...place, fileName: fileName('run-a/') })
    assert.match(key, /^p\/_firn\/t\/runs\/a\/values\/0{19}7$/)
    assert.equal(rejectValueKey('p/', 't', { ...place, fileName: fileName('run-b.a/') }), key)
    const ofLog = rejectValueKey('p/', 't', { ...place, epoch: 1, fileName: fileName('') })
    assert.match(ofLog, /^p\/_firn\/t\/e1\/values\/00000\/0{19}7$/)
  })
})

test('what is covered of a range is told in the fewest pieces', () => {
  assert.deepEqual(coveredOf(range(10, 19), [range(0, 11), range(12, 13), range(18, 30)]).map(rangeText), [
    '10-13',
    '18-19',
  ])
  assert.deepEqual(coveredOf(range(10, 19), []), [])
})

test('a rate is held over all that was taken, and what was not used is not saved up', () => {
  let now = 0
  const pacer = new Pacer(100, () => now)
  assert.equal(pacer.waitMs(50), 500)
  assert.equal(pacer.waitMs(50), 1_000)
  now = 60_000
  assert.equal(pacer.waitMs(10), 100)
  assert.equal(new Pacer(null, () => now).waitMs(1e9), 0)
})

test('progress tells what is done, how fast it goes and what is left, of this process alone', () => {
  const progress = new Progress('messages', 1_000, 500, 0)
  progress.advance(100)
  progress.storedFile()
  assert.equal(progress.text(2_000), '[##############..........]  60 %  600 of 1,000 messages, 50/s, 8 s left, 1 file')
})
