/** The watermarks that a running service tells, from the last day's files. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RecentFiles, recentWatermarks } from '../../src/commands/recent-watermarks.ts'
import type { Place } from '../../src/ingest/ingest.ts'
import { parseLandingName } from '../../src/landing.ts'

function named(first: number, last: number, run = '') {
  const digits = (offset: number) => String(offset).padStart(20, '0')
  const name = parseLandingName('t', `t/${run}e1/00000/${digits(first)}-${digits(last)}.parquet`)
  assert.ok(name)
  return { ...name, newestMs: last * 1_000 }
}

type Ranges = readonly (readonly [first: number, last: number])[]

function watermarkOf(...given: Parameters<typeof fullWatermarkOf>) {
  const { loaded, loadedMs, tables } = fullWatermarkOf(...given)
  return [loaded, loadedMs, tables[0]?.merged, tables[0]?.mergedMs]
}

function fullWatermarkOf(staged: Ranges, landed: Ranges, merged: Ranges, more: Partial<RecentFiles> = {}) {
  const files: RecentFiles = {
    topic: 't',
    staged: staged.map((range) => ({ ...named(...range), storedAt: new Date(range[0]), bytes: 1, rows: 1 })),
    landed: landed.map((range) => named(...range)),
    merged: new Map([['S.T', merged.map((range) => named(...range))]]),
    gaps: [],
    begins: new Map(),
    ...more,
  }
  const own: readonly Place[] = [{ topic: 't', partition: 0, staged: 20n }]
  const [watermark] = recentWatermarks(files, own)
  assert.ok(watermark)
  return watermark
}

test('where all is loaded and merged, both stand at the staged watermark: behind the last file is no row', () => {
  const all = [
    [10, 12],
    [13, 17],
  ] as const
  assert.deepEqual(watermarkOf(all, all, all), [20n, 17_000, 20n, 17_000])
})

test('each stops at the first file that it lacks, and tells the time of what lies below', () => {
  const staged = [
    [10, 12],
    [13, 15],
    [16, 17],
  ] as const
  assert.deepEqual(watermarkOf(staged, [staged[0], staged[1]], [staged[0]]), [16n, 15_000, 13n, 12_000])
  assert.deepEqual(watermarkOf(staged, [], []), [10n, null, 10n, null])
})

test('what was merged was loaded, also where the stage or the landing table has it no more', () => {
  const files = [
    [10, 12],
    [13, 15],
  ] as const
  assert.deepEqual(watermarkOf([files[1]], [], files), [20n, 15_000, 20n, 15_000])
})

test('a hole right behind what was merged before holds both up', () => {
  const begins = new Map([[0, 10n]])
  assert.deepEqual(watermarkOf([[13, 17]], [[13, 17]], [[13, 17]], { begins }), [10n, null, 10n, null])
})

test('a day without files is nothing to wait for', () => {
  assert.deepEqual(watermarkOf([], [], []), [20n, null, 20n, null])
})

test('what was given up holds nothing up, and files of a backfill count for nothing', () => {
  const staged = [
    [10, 12],
    [15, 17],
  ] as const
  const gaps = [{ epoch: 1, partition: 0, range: { first: 13n, last: 14n } }]
  assert.deepEqual(watermarkOf(staged, staged, [staged[0]], { gaps }), [20n, 17_000, 15n, 12_000])
  const landed = [named(10, 12, 'run-x/')]
  assert.deepEqual(watermarkOf([[10, 12]], [], [], { landed }), [10n, null, 10n, null])
})

test('since when the oldest file waits to be loaded and merged is when it was stored; null where none waits', () => {
  const staged = [
    [10, 12],
    [13, 15],
    [16, 17],
  ] as const
  const awaited = (...given: Parameters<typeof fullWatermarkOf>) => {
    const { loadAwaitedMs, tables } = fullWatermarkOf(...given)
    return [loadAwaitedMs, tables[0]?.mergeAwaitedMs]
  }
  assert.deepEqual(awaited(staged, staged, staged), [null, null])
  assert.deepEqual(awaited(staged, [staged[0], staged[2]], [staged[0]]), [13, 13])
  assert.deepEqual(awaited(staged, staged, [staged[1]]), [null, 10])
  // What was merged was loaded, also where nobody saw it land.
  assert.deepEqual(awaited(staged, [], staged), [null, null])
  // A gap is no file that waits; it is a finding.
  assert.deepEqual(awaited([staged[2]], [staged[2]], [staged[2]], { begins: new Map([[0, 10n]]) }), [null, null])
})
