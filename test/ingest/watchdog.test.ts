/** When a process is stuck, and when it only waits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Watchdog } from '../../src/ingest/watchdog.ts'

const pulse = (place: string, due = true, name = 't/0') => ({ name, place, due })

test('what is due and stays at its place for longer than the patience is stuck, by name', () => {
  const watchdog = new Watchdog(1_000)
  assert.equal(watchdog.look([pulse('5')], 0), null)
  assert.equal(watchdog.look([pulse('5')], 999), null)
  assert.equal(watchdog.look([pulse('5'), pulse('1', true, 't/1')], 1_000), 't/0')
})

test('what moves, or waits for something known, or went away, begins anew', () => {
  const watchdog = new Watchdog(1_000)
  watchdog.look([pulse('5'), pulse('7', true, 'moves'), pulse('9', true, 'leaves')], 0)
  watchdog.look([pulse('5', false), pulse('8', true, 'moves')], 900)
  const all = [pulse('5'), pulse('8', true, 'moves'), pulse('9', true, 'leaves')]
  assert.equal(watchdog.look(all, 1_800), null)
  assert.equal(watchdog.look(all, 1_900), 'moves')
})
