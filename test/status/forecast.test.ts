/** What a day will come to, by the rate of each partition and the settings that seal a batch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forecastOf } from '../../src/status/forecast.ts'

const limits = { freshness: 60_000, fileBytes: 10e6, fileRows: 1_000_000 }
const day = 86_400

test('a busy partition makes a file each time that it is as old as the freshness, a quiet one for each message', () => {
  const busy = forecastOf([{ messagesPerSecond: 100, bytesPerMessage: 200 }], limits)
  assert.equal(busy.messages, 100 * day)
  assert.equal(Math.round(busy.files), Math.round(day / 60.01))
  assert.equal(busy.bytes, 100 * day * 200)
  assert.equal(busy.credits, (1.728 * 37) / 10_000)
  const quiet = forecastOf([{ messagesPerSecond: 1 / 3_600, bytesPerMessage: 200 }], limits)
  assert.equal(Math.round(quiet.files * 100) / 100, 23.61)
})

test('what is large, or has many rows, is sealed before its age', () => {
  const traffic = [{ messagesPerSecond: 1_000, bytesPerMessage: 1_000 }]
  assert.equal(forecastOf(traffic, limits).files, day / 10)
  assert.equal(forecastOf(traffic, { ...limits, fileRows: 2_000 }).files, day / 2)
  // A file has a message at least.
  assert.equal(forecastOf(traffic, { ...limits, fileBytes: 1 }).files, day * 1_000)
})

test('partitions add up; one that gets nothing counts for nothing, and one without a file leaves the bytes open', () => {
  const one = { messagesPerSecond: 10, bytesPerMessage: 100 }
  const idle = { messagesPerSecond: 0, bytesPerMessage: null }
  assert.deepEqual(forecastOf([one, idle], limits), forecastOf([one], limits))
  assert.equal(forecastOf([one, one], limits).files, 2 * forecastOf([one], limits).files)
  const open = forecastOf([one, { messagesPerSecond: 10, bytesPerMessage: null }], limits)
  assert.equal(open.bytes, null)
  assert.equal(open.credits, null)
  assert.deepEqual(forecastOf([], limits), { messages: 0, files: 0, bytes: 0, credits: 0 })
})
