/** How a partition gets on: steps in any order keep the chain without a gap, and commit only what is staged. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as step from '../../src/ingest/progress.ts'

const reading = (cursor = 0n) => step.startAt(step.resuming(1), cursor, cursor, 1)

test('what is taken, sealed and stored is committed to its end, in order', () => {
  let progress = step.sealed(step.taken(reading(5n), 8n))
  progress = step.sealed(step.taken(progress, 10n))
  const first = step.settled(progress, 'stored')
  assert.equal(first.commit, 8n)
  const second = step.settled(first.progress, 'stored')
  assert.equal(second.commit, 10n)
  assert.equal(second.progress.staged, 10n)
})

test('offsets without a row are passed, and the next file begins where they do', () => {
  const passed = step.passed(step.taken(reading(), 3n))
  const { progress, commit } = step.settled(passed, 'stored')
  assert.equal(commit, 3n)
  const sealed = step.sealed(step.taken(progress, 5n))
  assert.deepEqual(sealed.underway, [{ kind: 'file', range: { first: 0n, last: 4n } }])
})

test('passing the same offsets again commits nothing', () => {
  const twice = step.passed(step.passed(step.taken(reading(), 3n)))
  const once = step.settled(twice, 'stored')
  assert.equal(step.settled(once.progress, 'stored').commit, null)
})

test('behind a name that another writer has taken nothing is committed', () => {
  const progress = step.sealed(step.taken(step.sealed(step.taken(reading(), 3n)), 5n))
  const { progress: after, commit } = step.settled(progress, 'taken')
  assert.equal(commit, null)
  assert.deepEqual([after.underway, after.cursor, after.phase], [[], 0n, 'leaving'])
})

test('the cursor never goes back, and what covers nothing is never sealed', () => {
  assert.throws(() => step.taken(reading(5n), 4n), RangeError)
  assert.throws(() => step.sealed(reading(5n)), RangeError)
  assert.throws(() => step.settled(reading(), 'stored'), RangeError)
})

const moves = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('take' as const), by: fc.bigInt({ min: 0n, max: 9n }) }),
    fc.record({
      kind: fc.constantFrom(
        'seal' as const,
        'pass' as const,
        'store' as const,
        'leave' as const,
        'halt' as const,
        'abandon' as const,
      ),
    }),
  ),
  { maxLength: 60 },
)

test('in any order of steps the chain has no gap, and each commit is the end of what is staged', () => {
  fc.assert(
    fc.property(moves, fc.bigInt({ min: 0n, max: 100n }), (list, start) => {
      let progress = reading(start)
      const onStage: { first: bigint; last: bigint }[] = []
      for (const move of list) {
        if (move.kind === 'take' && progress.phase === 'reading')
          progress = step.taken(progress, progress.cursor + move.by)
        if (move.kind === 'seal' && progress.opened < progress.cursor) progress = step.sealed(progress)
        if (move.kind === 'pass') progress = step.passed(progress)
        if (move.kind === 'leave') progress = step.leaving(progress)
        if (move.kind === 'halt') progress = step.dropped(step.halted(progress))
        if (move.kind === 'abandon') progress = step.abandoned(progress)
        const [next] = progress.underway
        if (move.kind === 'store' && next) {
          if (next.kind === 'file') onStage.push(next.range)
          const { progress: after, commit } = step.settled(progress, 'stored')
          if (commit !== null) assert.equal(commit, after.staged)
          progress = after
        }
        // Files join, from the start on; only offsets that were passed may lie in two of them, or in none.
        for (const step of progress.underway) {
          const end = step.range.last + 1n
          assert.ok(end <= progress.cursor || progress.phase !== 'reading')
        }
        assert.ok(progress.opened <= progress.cursor)
        const firsts = progress.underway.flatMap((each) => (each.kind === 'file' ? [each.range] : []))
        firsts.forEach(({ last }, at) => {
          assert.equal(firsts[at + 1]?.first ?? progress.opened, last + 1n)
        })
      }
      onStage.forEach(({ last }, at) => {
        const behind = onStage[at + 1]
        if (behind) assert.ok(behind.first <= last + 1n)
      })
    }),
  )
})
