/** How values are written into the status page: escaped, and for eyes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { count, duration, html, size, time } from '../../src/status/html.ts'
import { quantile } from '../../src/status/quantile.ts'
import { nowMs } from './page-example.ts'

test('a value never leaves the place where it stands', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { html: made } = html`<a title="${text}">${text}</a>`
      assert.match(made, /^<a title="[^"<>]*">[^<>]*<\/a>$/)
    }),
  )
})

test('numbers, times and sizes are written for eyes', () => {
  assert.deepEqual([null, 0, 1_234_567].map(count), ['–', '0', '1,234,567'])
  assert.deepEqual([null, 0, 0.0123, 1.26, 59.6, 119.4, 120, 7_199, 7_200, 200_000].map(duration), [
    '–',
    '0 s',
    '12 ms',
    '1.3 s',
    '60 s',
    '119 s',
    '2 min',
    '119 min',
    '2 h',
    '2 days',
  ])
  assert.deepEqual([0, 1, 1_023, 1_024, 12 * 2 ** 20].map(size), ['0 B', '1 B', '1023 B', '1.0 KiB', '12 MiB'])
  assert.match(time(nowMs - 86_400_000, nowMs).html, />2026-01-30 12:30:15 UTC</)
})

test('a quantile lies in the bucket that holds it', () => {
  const buckets = [
    { until: 1, count: 0 },
    { until: 2, count: 10 },
    { until: 4, count: 19 },
    { until: Infinity, count: 20 },
  ]
  assert.equal(quantile(buckets, 0.5), 2)
  assert.equal(quantile(buckets, 0.25), 1.5)
  assert.equal(quantile(buckets, 0.95), 4)
  assert.equal(quantile(buckets, 1), 4, 'beyond the last bound')
  assert.equal(quantile([], 0.5), null)
  assert.equal(quantile([{ until: 1, count: 0 }], 0.5), null)
})
