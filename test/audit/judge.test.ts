import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { explain, judge } from '../../src/audit/judge.ts'
import { rangeText } from '../../src/change.ts'
import type { LoadRecord, TopicEvidence } from '../../src/evidence.ts'
import type { Anchor, LandingName } from '../../src/landing.ts'
import {
  ago,
  dayMs,
  evidenceOf,
  landedFile,
  mergedFile,
  nameOf,
  stagedFile,
  tableOf,
  wellOf,
} from './topic-evidence.ts'

const options = { patienceMs: 15 * 60_000, landingDays: 30 }
const codes = (evidence: TopicEvidence): readonly string[] => judge(evidence, options).map(({ code }) => code)
const offsets = (evidence: TopicEvidence): readonly string[] =>
  judge(evidence, options).map(
    ({ code, partition, offsets: range }) => `${code} ${partition} ${range ? rangeText(range) : '-'}`,
  )

const anchor = (offset: number): Anchor => ({ offset: BigInt(offset), timestamp: 0n, hash: '0'.repeat(64) })
const commit = (next: number, at: number | null, open: number | null = null) => ({
  next: BigInt(next),
  first: BigInt(open ?? 0),
  open: open !== null,
  anchor: at === null ? null : anchor(at),
})
const epochs = [{ epoch: 1, starts: new Map([[0, 0n]]) }]
const load = (name: LandingName, changes: Partial<LoadRecord> = {}): LoadRecord => ({
  ...name,
  status: 'Loaded',
  rows: 10,
  error: null,
  pipe: 'P',
  at: ago(3_600_000),
  ...changes,
})

describe('coverage of a partition', () => {
  const [a, b, c] = [nameOf(0, 9), nameOf(10, 19), nameOf(20, 29)]

  test('files that join up to the commit have no gap', () => {
    assert.deepEqual(codes(wellOf([a, b, c], { epochs, log: [{ partition: 0, commit: commit(30, 29) }] })), [])
    assert.deepEqual(codes(evidenceOf()), [])
  })

  test('what a run of single messages holds fills no hole', () => {
    const sparse = nameOf(8, 25, { run: 'mend_rows' })
    assert.deepEqual(offsets(wellOf([a, c, sparse], { epochs })), ['STAGE_GAP 0 10-19'])
    assert.deepEqual(offsets(wellOf([a, c, nameOf(8, 25, { run: 'mend' })], { epochs })), [])
  })

  test('a hole between files, before the first and behind the last is found, each with its offsets', () => {
    assert.deepEqual(offsets(wellOf([a, c], { epochs })), ['STAGE_GAP 0 10-19'])
    assert.deepEqual(offsets(wellOf([b, c], { epochs })), ['STAGE_GAP 0 0-9'])
    const log = [{ partition: 0, commit: commit(30, 28) }]
    assert.deepEqual(offsets(wellOf([a, b], { epochs, log })), ['STAGE_GAP 0 20-29'])
    assert.deepEqual(offsets(wellOf([], { epochs, log })), ['STAGE_GAP 0 0-29'])
    assert.deepEqual(offsets(wellOf([], { log })), ['STAGE_GAP 0 28-29'], 'where the start is not known, the anchor is')
  })

  test('where the start is not known, the first file is it', () => {
    assert.deepEqual(codes(wellOf([b, c])), [])
    assert.deepEqual(codes(wellOf([b, c], { epochs: [{ epoch: 1, starts: new Map([[1, 0n]]) }] })), [])
  })

  test('an open batch has no file yet, nor has its anchor', () => {
    const log = (open: number, at: number) => [{ partition: 0, commit: commit(35, at, open) }]
    assert.deepEqual(codes(wellOf([a, b, c], { epochs, log: log(30, 34) })), [])
    assert.deepEqual(codes(wellOf([a, b, c], { epochs, log: log(30, 29) })), [])
    assert.deepEqual(offsets(wellOf([a, b], { epochs, log: log(30, 29) })), ['STAGE_GAP 0 20-29'])
  })

  test('a tail that carries no message is no gap', () => {
    assert.deepEqual(codes(wellOf([a], { epochs, log: [{ partition: 0, commit: commit(12, 9) }] })), [])
    assert.deepEqual(codes(wellOf([a], { epochs, log: [{ partition: 0, commit: commit(12, null) }] })), [])
  })

  test('what was given up is no gap, nor is what a backfill staged again; neither widens the epoch', () => {
    const given = { epoch: 1, partition: 0, range: { first: 10n, last: 19n } }
    assert.deepEqual(codes(wellOf([a, c], { epochs, gaps: [given] })), [])
    assert.deepEqual(codes(wellOf([a, c, nameOf(10, 19, { run: 'x' })], { epochs })), [])
    assert.deepEqual(codes(wellOf([a, nameOf(50, 60, { run: 'x' })], { epochs })), [])
    assert.deepEqual(offsets(wellOf([a, c], { gaps: [{ ...given, partition: 1 }] })), ['STAGE_GAP 0 10-19'])
    assert.deepEqual(offsets(wellOf([a, c], { gaps: [{ ...given, epoch: 2 }] })), ['STAGE_GAP 0 10-19'])
  })

  test('a file that the lifecycle rule has removed counts where it was loaded or merged', () => {
    const staged = [c].map((name) => stagedFile(name))
    assert.deepEqual(codes(wellOf([a, b, c], { epochs, staged })), [])
    assert.deepEqual(codes(wellOf([a, b, c], { epochs, staged, landed: [landedFile(c)] })), [])
  })

  test('each partition and epoch is judged by itself', () => {
    const names = [a, b, nameOf(0, 9, { partition: 1 }), nameOf(20, 29, { partition: 1 }), nameOf(30, 40, { epoch: 2 })]
    assert.deepEqual(offsets(wellOf(names, { epochs })), ['STAGE_GAP 1 10-19'])
  })

  test('what is not known is not judged', () => {
    for (const changes of [
      { staged: null },
      { landed: null },
      { gaps: null },
      { tables: [tableOf({ merged: null })] },
    ]) {
      assert.deepEqual(codes(wellOf([a, c], { epochs, ...changes })), [], JSON.stringify(Object.keys(changes)))
    }
  })

  test('overlaps and backfills are explained, and no finding', () => {
    const names = [a, nameOf(5, 14), b, nameOf(0, 3, { run: 'mend' })]
    const evidence = wellOf(names, { epochs })
    assert.deepEqual(codes(evidence), [])
    const notes = explain(evidence)
    assert.equal(notes.length, 2)
    assert.match(notes[0]?.seen ?? '', /^2 files overlap others of epoch 1, such as at offsets 5-9: /)
    assert.match(notes[1]?.seen ?? '', /^1 file of the backfill mend, /)
  })

  test('of random files that went missing every one is found, and nothing else', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 15 })
    fc.assert(
      fc.property(cuts, fc.infiniteStream(fc.boolean()), (points, coins) => {
        const starts = [0, ...points.toSorted((x, y) => x - y)]
        const all = starts.map((first, at) => nameOf(first, (starts[at + 1] ?? 100) - 1))
        const kept = all.filter(() => coins.next().value === true)
        const log = [{ partition: 0, commit: commit(100, 99) }]
        const found = judge(wellOf(kept, { epochs, log }), options)
        const lost = (offset: bigint) =>
          !kept.some(({ file: { range } }) => range.first <= offset && offset <= range.last)
        for (let offset = 0n; offset < 100n; offset++) {
          const times = found.filter(({ offsets: range }) => range && range.first <= offset && offset <= range.last)
          assert.equal(times.length, lost(offset) ? 1 : 0, String(offset))
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('a file', () => {
  const name = nameOf(0, 9)
  const young = 60_000

  test('whose rows came again under the name of a run is no loss', () => {
    const [name, again] = [nameOf(0, 9), nameOf(0, 9, { run: 'copies' })]
    const lost = wellOf([name, again], { landed: [landedFile(again)] })
    assert.deepEqual(codes(lost), [])
    const fewer = { ...landedFile(again), rows: 9 }
    assert.deepEqual(codes(wellOf([name, again], { landed: [fewer] })), ['ROWS_MISSING', 'ROWS_MISSING'])
    const other = nameOf(0, 19, { run: 'copies' })
    assert.deepEqual(codes(wellOf([name, other], { landed: [landedFile(other)] })), ['ROWS_MISSING'])
    const [mine, others] = [nameOf(0, 9, { run: 'a_rows' }), nameOf(0, 9, { run: 'b_rows' })]
    const sparse = wellOf([mine, others], { landed: [landedFile(others)], epochs: [] })
    assert.deepEqual(codes(sparse), ['ROWS_MISSING'], 'single messages of two runs are not the same')
    const unloaded = evidenceOf({
      staged: [stagedFile(name), stagedFile(again)],
      landed: [landedFile(again)],
      tables: [tableOf({ merged: [mergedFile(again)] })],
    })
    assert.deepEqual(codes(unloaded), [])
    const pruned = evidenceOf({
      staged: [stagedFile(name, 40 * dayMs), stagedFile(again, 40 * dayMs)],
      tables: [tableOf({ merged: [mergedFile(again, 40 * dayMs)] })],
    })
    assert.deepEqual(codes(pruned), [])
  })

  test('that was staged and nothing more is not loaded, once it is older than patience', () => {
    assert.deepEqual(codes(evidenceOf({ staged: [stagedFile(name)] })), ['FILE_NOT_LOADED'])
    assert.deepEqual(codes(evidenceOf({ staged: [stagedFile(name, young)] })), [])
  })

  test('of whose loads the newest failed is told with the error; rows that are there all the same count more', () => {
    const failed = load(name, { status: 'Load failed', error: 'bad', rows: 0 })
    const staged = [stagedFile(name)]
    const [found] = judge(evidenceOf({ staged, loads: [failed] }), options)
    assert.equal(found?.code, 'LOAD_FAILED')
    assert.match(found.seen, /: bad$/)
    assert.deepEqual(codes(wellOf([name], { loads: [load(name, { at: ago(9e6) }), failed] })), [])
    assert.deepEqual(codes(evidenceOf({ staged, loads: [failed, load(name, { at: ago(young) })] })), [], 'just loaded')
    assert.deepEqual(codes(evidenceOf({ loads: [failed] })), [], 'where it is on the stage no more, its offsets tell')
  })

  test('of which rows are missing in the landing table is found, unless they are still on their way', () => {
    const less = { ...landedFile(name), rows: 9 }
    assert.deepEqual(codes(wellOf([name], { landed: [less] })), ['ROWS_MISSING'])
    assert.deepEqual(codes(wellOf([name], { landed: [] })), ['ROWS_MISSING'])
    const now = { tables: [tableOf({ merged: [mergedFile(name, young)] })] }
    assert.deepEqual(codes(wellOf([name], { landed: [], ...now })), [])
    const loading = evidenceOf({
      staged: [stagedFile(name)],
      loads: [load(name, { status: 'Load in progress', rows: 0 })],
    })
    assert.deepEqual(codes(loading), ['ROWS_MISSING'])
  })

  test('that retention has pruned was merged, and is no finding', () => {
    const old = { staged: [stagedFile(name, 31 * dayMs)], landed: [] }
    const merged = (rows: number) => ({ tables: [tableOf({ merged: [{ ...mergedFile(name, 31 * dayMs), rows }] })] })
    assert.deepEqual(codes(evidenceOf({ ...old, ...merged(10) })), [])
    assert.deepEqual(codes(evidenceOf({ ...old, staged: [], ...merged(10) })), [], 'nor where nothing tells its age')
    assert.deepEqual(codes(evidenceOf({ ...old, ...merged(9) })), ['ROWS_MISSING'])
    assert.deepEqual(codes(evidenceOf({ ...old, staged: [stagedFile(name, 29 * dayMs)], ...merged(10) })), [
      'ROWS_MISSING',
    ])
    const again = { loads: [load(name, { status: 'Load failed', error: 'bad', rows: 0 })] }
    assert.deepEqual(codes(evidenceOf({ ...old, ...merged(10), ...again })), [], 'nor where it came again in vain')
    const late = { loads: [load(name, { at: ago(5 * dayMs) })] }
    assert.deepEqual(codes(evidenceOf({ ...old, ...merged(10), ...late })), ['ROWS_MISSING'], 'it was loaded late')
  })

  test('that came twice is as good as one that came once', () => {
    const twice = { ...mergedFile(name), rows: 20 }
    assert.deepEqual(
      codes(wellOf([name], { loads: [load(name), load(name)], tables: [tableOf({ merged: [twice] })] })),
      [],
    )
  })

  test('that not every table has merged is found for each that has not', () => {
    const tables = [tableOf({ merged: [mergedFile(name)] }), tableOf({ table: 'S.U' }), tableOf({ table: 'S.V' })]
    const found = judge(wellOf([name], { tables }), options)
    assert.deepEqual(
      found.map(({ code, table }) => [code, table]),
      [
        ['ROWS_UNMERGED', 'S.U'],
        ['ROWS_UNMERGED', 'S.V'],
      ],
    )
    assert.deepEqual(codes(wellOf([name], { tables, landed: [landedFile(name, young)] })), [])
  })

  test('whose metadata tell no rows is judged by what was loaded', () => {
    const staged = [{ ...stagedFile(name), rows: null }]
    assert.deepEqual(codes(wellOf([name], { staged })), [])
    assert.deepEqual(codes(wellOf([name], { staged, loads: [load(name, { rows: 11 })] })), ['ROWS_MISSING'])
    assert.deepEqual(codes(wellOf([name], { staged, landed: [] })), ['ROWS_MISSING'])
  })

  test('is not judged where part of the evidence is not known', () => {
    for (const changes of [{ loads: null }, { landed: null }, { tables: [tableOf({ merged: null })] }]) {
      assert.deepEqual(codes(evidenceOf({ staged: [stagedFile(name)], ...changes })), [])
    }
  })

  test('that is on the stage no more, and was merged by every table, has done its work, whatever is left of its rows', () => {
    const merged = [tableOf({ merged: [mergedFile(name)] })]
    const loads = [{ ...name, status: 'Loaded', rows: 10, error: null, pipe: 'P', at: ago(3_600_000) }]
    assert.deepEqual(codes(evidenceOf({ loads, tables: merged })), [])
    assert.deepEqual(codes(evidenceOf({ loads, staged: [stagedFile(name)], tables: merged })), ['ROWS_MISSING'])
  })

  test('of which a table that was just added has merged nothing yet is on its way', () => {
    const added = tableOf({ table: 'S.NEW' })
    const stream = {
      ...added.stream,
      found: { createdAt: ago(1_000), isStale: false, staleAfter: null, hasRows: null },
    }
    const tables = [tableOf({ merged: [mergedFile(name)] }), { ...added, stream }]
    const files = { staged: [stagedFile(name)], landed: [landedFile(name)] }
    assert.deepEqual(codes(evidenceOf({ ...files, tables })), [])
    assert.deepEqual(codes(evidenceOf({ ...files, tables: [tableOf({ merged: [mergedFile(name)] }), added] })), [
      'ROWS_UNMERGED',
    ])
  })
})

describe('an object', () => {
  const pipe = (changes: object) => ({
    name: 'P',
    found: { state: 'RUNNING', error: null, createdAt: ago(dayMs), notedAt: ago(0), ...changes },
  })

  test('of each state that is not as it must be is found', () => {
    const table = (changes: Parameters<typeof tableOf>[0]) => ({ tables: [tableOf(changes)] })
    const stream = (changes: object) => ({
      stream: {
        name: 'S',
        remake: 'CREATE S',
        found: { createdAt: ago(20 * dayMs), isStale: false, staleAfter: null, hasRows: null, ...changes },
      },
    })
    const cases: readonly [code: readonly string[], changes: Partial<TopicEvidence>][] = [
      [['PIPE_MISSING'], { pipe: { name: 'P', found: 'missing' } }],
      [['PIPE_PAUSED'], { pipe: pipe({ state: 'PAUSED' }) }],
      [['PIPE_STALLED'], { pipe: pipe({ state: 'STALLED_COMPILATION_ERROR', error: 'no table' }) }],
      [['PIPE_STALLED'], { pipe: pipe({ error: 'no table' }) }],
      [['PIPE_PAUSED', 'PIPE_RECREATED'], { pipe: pipe({ state: 'PAUSED', createdAt: ago(-1) }) }],
      [[], { pipe: pipe({ notedAt: null }) }],
      [['STREAM_MISSING'], table({ stream: { name: 'S', remake: 'CREATE S', found: 'missing' } })],
      [['STREAM_STALE'], table(stream({ createdAt: ago(20 * dayMs), isStale: true, staleAfter: ago(1) }))],
      [['STREAM_NEAR_STALE'], table(stream({ staleAfter: ago(-2 * dayMs) }))],
      [[], table(stream({ staleAfter: ago(-4 * dayMs) }))],
      [['TASK_MISSING'], table({ retention: { name: 'R', found: 'missing' } })],
      [['TASK_SUSPENDED', 'TASK_FAILING'], table({ merge: { name: 'M', found: { state: 'suspended', error: 'e' } } })],
      [
        ['STREAM_STALE'],
        table({ ...stream({ isStale: true }), merge: { name: 'M', found: { state: 'started', error: 'stale' } } }),
      ],
      [[], { pipe: { name: 'P', found: null }, ...table({ merge: { name: 'M', found: null } }) }],
    ]
    for (const [expected, changes] of cases)
      assert.deepEqual(codes(evidenceOf(changes)), expected, JSON.stringify(changes))
  })
})

test('a deep finding shows some ids and how many there are, and keeps apart what would mend itself', () => {
  const deviations = Array.from({ length: 30 }, (_, at) => {
    return { code: 'TARGET_ROW_KEPT', id: `i${at}`, file: 't/f', isMendable: at > 0 } as const
  })
  const deep = { deviations, totals: { TARGET_ROW_KEPT: 30 }, unordered: { ids: ['x'], total: 7 } }
  const found = judge(evidenceOf({ tables: [tableOf({ deep })] }), options)
  assert.deepEqual(
    found.map(({ code, ids, files }) => [code, ids.length, files.length]),
    [
      ['TARGET_ROW_KEPT', 20, 1],
      ['TARGET_ROW_KEPT', 1, 0],
      ['UNORDERED_IDS', 1, 0],
    ],
  )
  assert.match(found[0]?.seen ?? '', /: 29 in all, by id i1, .*i20, \.\.\.$/)
})
