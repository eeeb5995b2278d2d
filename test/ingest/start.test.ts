/** How a partition starts, or with which halt, once all is looked up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { type Commitment, encodeMetadata } from '../../src/ingest/commitment.ts'
import { type LogBounds, resume, type Trail } from '../../src/ingest/resume.ts'
import { type Compared, startOf } from '../../src/ingest/start.ts'
import type { Anchor } from '../../src/landing.ts'

const anchor: Anchor = { offset: 9n, timestamp: 0n, hash: '0'.repeat(64) }
const own: Commitment = { epoch: 1, next: 20n, first: 10n, open: false, anchor }
const start = { offset: 0n, earliest: true }
const same: Compared = { log: 'same', newest: anchor, replacedAt: null }
const wide: LogBounds = { low: 0n, high: 100n }

const found = (metadata: string, given: Partial<Trail> = {}, log = wide, compared = same) => {
  const trail: Trail = { epoch: 1, start, committed: { offset: 20n, metadata }, staged: [], gaps: [], ...given }
  return startOf({ topic: 't', partition: 0 }, trail, log, resume(trail, log), compared)
}
const codeOf = (outcome: ReturnType<typeof found>) => (outcome.kind === 'halt' ? outcome.failure.code : outcome.kind)
const noted = (code: 'LOG_REPLACED' | 'OFFSET_BEYOND_LOG', epoch = 1) =>
  encodeMetadata({ ...own, epoch }, new Failure(code, 'so'))

test('that the log was replaced is over in another epoch, and not before: no other halt takes its place', () => {
  assert.equal(codeOf(found(noted('LOG_REPLACED'))), 'LOG_REPLACED')
  assert.equal(codeOf(found(noted('LOG_REPLACED'), {}, { low: 50n, high: 100n })), 'LOG_REPLACED')
  assert.equal(codeOf(found(noted('LOG_REPLACED'), { epoch: 2 })), 'start')
})

test('a log that was too short goes on where the last staged message shows that it is the same, and only there', () => {
  assert.equal(codeOf(found(noted('OFFSET_BEYOND_LOG'))), 'start')
  const unverified: Compared = { log: 'unverified', newest: anchor, replacedAt: null }
  assert.equal(codeOf(found(noted('OFFSET_BEYOND_LOG'), {}, wide, unverified)), 'OFFSET_BEYOND_LOG')
})

test('the next file begins where offsets without a row were passed, also behind a gap that was given up since', () => {
  const open = encodeMetadata({ ...own, open: true })
  const at = (gaps: Trail['gaps'], staged: Trail['staged'] = []) => {
    const outcome = found(open, { gaps, staged })
    assert.equal(outcome.kind, 'start')
    const { first, next, open: isOpen } = outcome.commitment
    return [first, next, isOpen]
  }
  assert.deepEqual(at([]), [10n, 20n, true])
  assert.deepEqual(at([{ first: 20n, last: 24n }]), [10n, 25n, true])
  assert.deepEqual(at([], [{ first: 10n, last: 29n }]), [10n, 30n, false])
})
