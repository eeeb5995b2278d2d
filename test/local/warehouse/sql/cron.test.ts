/** Cron expressions of tasks: which are some, and when they are due. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextCronMs, parseCron } from '../../../../src/local/warehouse/sql/cron.ts'

/** The next times after an instant, as ISO text without seconds. */
function times(expression: string, from: string, count = 1): readonly string[] {
  const cron = parseCron(expression)
  assert.ok(cron, expression)
  const found: string[] = []
  let nowMs = Date.parse(from)
  while (found.length < count) {
    const next = nextCronMs(cron, nowMs)
    if (next === null) break
    assert.ok(next > nowMs && next % 60_000 === 0)
    found.push(new Date(next).toISOString().slice(0, 16))
    nowMs = next
  }
  return found
}

const cases: readonly (readonly [string, string, readonly string[]])[] = [
  ['* * * * * UTC', '2026-01-01T00:00:00Z', ['2026-01-01T00:01', '2026-01-01T00:02']],
  ['* * * * * UTC', '2026-01-01T00:00:59.999Z', ['2026-01-01T00:01']],
  ['0 2 * * * UTC', '2026-01-01T02:00:00Z', ['2026-01-02T02:00', '2026-01-03T02:00']],
  ['*/20 9-10 * * * UTC', '2026-01-01T09:30:00Z', ['2026-01-01T09:40', '2026-01-01T10:00', '2026-01-01T10:20']],
  ['5/30 0 * * * UTC', '2026-01-01T00:00:00Z', ['2026-01-01T00:05', '2026-01-01T00:35', '2026-01-02T00:05']],
  ['0 0 L * * UTC', '2026-01-15T00:00:00Z', ['2026-01-31T00:00', '2026-02-28T00:00', '2026-03-31T00:00']],
  ['0 0 29 FEB * UTC', '2026-01-01T00:00:00Z', ['2028-02-29T00:00']],
  ['0 0 31 2 * UTC', '2026-01-01T00:00:00Z', []],
  // Fridays: the last of each month.
  ['0 0 * * 5L UTC', '2026-01-01T00:00:00Z', ['2026-01-30T00:00', '2026-02-27T00:00']],
  ['0 0 * * MON-TUE UTC', '2026-01-01T00:00:00Z', ['2026-01-05T00:00', '2026-01-06T00:00', '2026-01-12T00:00']],
  // A day of the month or one of the week.
  ['0 0 2 * SUN UTC', '2026-01-01T00:00:00Z', ['2026-01-02T00:00', '2026-01-04T00:00', '2026-01-11T00:00']],
  ['0 9 * * * Europe/Berlin', '2026-03-28T00:00:00Z', ['2026-03-28T08:00', '2026-03-29T07:00']],
  // The clocks leave out half past two on the 29th.
  ['30 2 * * * Europe/Berlin', '2026-03-28T00:00:00Z', ['2026-03-28T01:30', '2026-03-30T00:30']],
  ['0 3 * * SUN America/Los_Angeles', '2026-01-01T00:00:00Z', ['2026-01-04T11:00']],
]

for (const [expression, from, expected] of cases) {
  test(`${expression} after ${from}`, () => {
    assert.deepEqual(times(expression, from, Math.max(1, expected.length)), expected)
  })
}

test('what is no cron expression is none', () => {
  for (const text of [
    '',
    '* * * * *',
    '* * * * * Mars/Olympus',
    '60 * * * * UTC',
    '* 24 * * * UTC',
    '* * 0 * * UTC',
    '* * * 13 * UTC',
    '* * * * 7 UTC',
    '* * * * MOON UTC',
    '5-1 * * * * UTC',
    '1-2-3 * * * * UTC',
    '*/0 * * * * UTC',
    '1,,2 * * * * UTC',
    '* * * * * UTC extra',
    '-1 * * * * UTC',
  ]) {
    assert.equal(parseCron(text), null, text)
  }
})
