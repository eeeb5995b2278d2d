/** When a process is stuck, and when it only waits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backlogOf, type Pulse, pulsesOf, type Seen, Watchdog } from '../../src/ingest/watchdog.ts'

const namesOf = (pulses: readonly Pulse[]) => pulses.map(({ name }) => name)
const pulse = (place: string, due = true, name = 't/0') => ({ name, place, due, patienceMs: 1_000 })

test('what is due and stays at its place for longer than the patience is stuck, by name', () => {
  const watchdog = new Watchdog()
  assert.deepEqual(watchdog.look([pulse('5')], 0), [])
  assert.deepEqual(watchdog.look([pulse('5')], 999), [])
  assert.deepEqual(namesOf(watchdog.look([pulse('5'), pulse('1', true, 't/1')], 1_000)), ['t/0'])
})

test('what moves, or waits for something known, or went away, begins anew', () => {
  const watchdog = new Watchdog()
  watchdog.look([pulse('5'), pulse('7', true, 'moves'), pulse('9', true, 'leaves')], 0)
  watchdog.look([pulse('5', false), pulse('8', true, 'moves')], 900)
  const all = [pulse('5'), pulse('8', true, 'moves'), pulse('9', true, 'leaves')]
  assert.deepEqual(watchdog.look(all, 1_800), [])
  assert.deepEqual(namesOf(watchdog.look(all, 1_900)), ['moves'])
})

const reading: Seen = { topic: 't', partition: 0, phase: 'reading', cursor: 5n, lag: 9n, isPaused: false }
const patience = { partitionMs: 1_000, joinMs: 5_000 }
const isDue = (change: Partial<Seen>, waits = { kafka: false, stage: false }) =>
  pulsesOf(false, [{ ...reading, ...change }], waits, patience).some(({ due }) => due)

test('a partition with lag is due; without lag, halted, or waiting for memory, the store or Kafka it is not', () => {
  assert.ok(isDue({}))
  assert.ok(!isDue({ lag: 0n }), 'a tail of markers or a hanging transaction is no lag')
  assert.ok(!isDue({ lag: null }), 'without a leader nobody can read it')
  assert.ok(!isDue({ lag: null, phase: 'resuming' }))
  assert.ok(!isDue({ phase: 'halted' }))
  assert.ok(!isDue({ isPaused: true }))
  assert.ok(!isDue({}, { kafka: true, stage: false }))
  assert.ok(
    isDue({}, { kafka: false, stage: true }),
    'it reads on while the store is away, until the memory is used up',
  )
})

test('a partition that looks for its start, or leaves, is due unless its neighbours are away', () => {
  for (const phase of ['resuming', 'leaving'] as const) {
    assert.ok(isDue({ phase, lag: 0n }))
    assert.ok(!isDue({ phase }, { kafka: false, stage: true }))
    assert.ok(!isDue({ phase }, { kafka: true, stage: false }))
  }
})

test('a process that is no member of its group is due unless Kafka is away, and its partitions are not', () => {
  const resuming = pulsesOf(true, [{ ...reading, phase: 'resuming' }], { kafka: false, stage: false }, patience)
  assert.deepEqual(
    resuming.map(({ due }) => due),
    [true, false],
  )
  const due = (kafka: boolean) => pulsesOf(true, [], { kafka, stage: false }, patience).some((one) => one.due)
  assert.ok(due(false))
  assert.ok(!due(true))
})

test('the group may keep a process waiting for members that died or are slow, so joining has a patience of its own', () => {
  const watchdog = new Watchdog()
  const at = (nowMs: number) => watchdog.look(pulsesOf(true, [], { kafka: false, stage: false }, patience), nowMs)
  assert.deepEqual(at(0), [])
  assert.deepEqual(at(4_999), [])
  assert.deepEqual(namesOf(at(5_000)), ['membership of the group'])
})

test('a partition that lags and does not move is stalled, also while it waits for the store or memory; an idle one is not', () => {
  const isBehind = (change: Partial<Seen>) => backlogOf([{ ...reading, ...change }], 1_000).some(({ due }) => due)
  assert.ok(isBehind({}))
  assert.ok(isBehind({ isPaused: true }))
  assert.ok(!isBehind({ lag: 0n }), 'an idle topic')
  assert.ok(!isBehind({ phase: 'halted' }), 'a halt is told of by itself')
  assert.ok(!isBehind({ lag: null }), 'nobody knows')
  const progress = new Watchdog()
  const at = (cursor: bigint, nowMs: number) =>
    namesOf(progress.look(backlogOf([{ ...reading, cursor, isPaused: true }], 1_000), nowMs))
  assert.deepEqual(at(5n, 0), [])
  assert.deepEqual(at(5n, 1_000), ['t/0'])
  assert.deepEqual(at(6n, 1_100), [], 'it moves')
})
