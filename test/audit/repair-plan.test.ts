import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findingTable } from '../../src/audit/finding.ts'
import { judge } from '../../src/audit/judge.ts'
import { planRepair, sharedPrefix } from '../../src/audit/repair-plan.ts'
import type { TopicEvidence } from '../../src/evidence.ts'
import { matchesGolden } from '../support/golden.ts'
import { ago, dayMs, evidenceOf, landedFile, nameOf, stagedFile, tableOf } from './topic-evidence.ts'

const options = { patienceMs: 15 * 60_000, landingDays: 30 }

const planOf = (evidence: TopicEvidence) => planRepair(judge(evidence, options), [evidence])
const kinds = (evidence: TopicEvidence): readonly string[] => planOf(evidence).steps.map(({ kind }) => kind)
const untreated = (evidence: TopicEvidence): readonly string[] =>
  planOf(evidence).treatments.flatMap((one) => ('why' in one ? one.why : []))

describe('a repair', () => {
  const [a, b] = [nameOf(0, 9), nameOf(10, 19)]

  test('lets the pipe take files of the last seven days, and loads older ones by COPY', () => {
    assert.deepEqual(planOf(evidenceOf({ staged: [stagedFile(a), stagedFile(b)] })).steps, [
      { kind: 'refresh pipe', topic: 't', prefix: 'e1/00000/', files: [a.name, b.name] },
    ])
    const mixed = evidenceOf({ staged: [stagedFile(a, 8 * dayMs), stagedFile(b, 6 * dayMs)] })
    assert.deepEqual(planOf(mixed).steps, [
      { kind: 'refresh pipe', topic: 't', prefix: b.name.slice('t/'.length), files: [b.name] },
      { kind: 'copy files', topic: 't', files: [a.name] },
    ])
  })

  test('takes a thousand files with one COPY', () => {
    const staged = Array.from({ length: 1_001 }, (_, at) => stagedFile(nameOf(at, at), 8 * dayMs))
    const { steps, treatments } = planOf(evidenceOf({ staged }))
    assert.deepEqual(
      steps.map((step) => ('files' in step ? step.files.length : 0)),
      [1_000, 1],
    )
    assert.ok(treatments.every((one) => 'steps' in one && one.steps.length === 1))
  })

  test('resumes a pipe before it is refreshed, and notes it after', () => {
    const found = { state: 'PAUSED', error: null, createdAt: ago(0), notedAt: ago(dayMs) }
    const evidence = evidenceOf({ staged: [stagedFile(a)], pipe: { name: 'P', found } })
    assert.deepEqual(kinds(evidence), ['resume pipe', 'refresh pipe', 'refresh pipe', 'note pipe'])
  })

  test('merges what a stream has, and lets come again what it has passed by', () => {
    const unmerged = (hasRows: boolean | null, isStale = false) =>
      evidenceOf({
        staged: [stagedFile(a)],
        landed: [landedFile(a)],
        tables: [
          tableOf({
            stream: {
              name: 'S',
              remake: 'CREATE S',
              found: { createdAt: ago(20 * dayMs), isStale, staleAfter: null, hasRows },
            },
          }),
        ],
      })
    assert.deepEqual(kinds(unmerged(true)), ['run task'])
    assert.deepEqual(kinds(unmerged(false)), ['copy files'])
    assert.deepEqual(kinds(unmerged(null, true)), [])
    assert.equal(untreated(unmerged(null, true)).length, 2)
  })

  test('cannot load what is on the stage no more', () => {
    const less = { ...landedFile(a), rows: 9 }
    const loads = [{ ...a, status: 'Loaded', rows: 10, error: null, pipe: 'P', at: ago(dayMs) }]
    const evidence = evidenceOf({ landed: [less], loads })
    assert.deepEqual(kinds(evidence), [])
    assert.match(untreated(evidence)[0] ?? '', /restore it, or reload its rows from the source$/)
  })

  test('says so where there are more rows than it takes at once', () => {
    const deviations = [{ code: 'TARGET_ROW_MISSING', id: 'i', file: a.name, isMendable: true } as const]
    const deep = (total: number) => ({ deviations, totals: { TARGET_ROW_MISSING: total }, unordered: null })
    const whole = (total: number) =>
      planOf(
        evidenceOf({ staged: [stagedFile(a)], landed: [], tables: [tableOf({ deep: deep(total) })] }),
      ).treatments.map((one) => 'steps' in one && one.isWhole)
    assert.deepEqual([whole(1).at(-1), whole(2).at(-1)], [true, false])
  })
})

test('what paths share ends behind a folder, unless it is the one path', () => {
  assert.equal(sharedPrefix(['e1/00000/a']), 'e1/00000/a')
  assert.equal(sharedPrefix(['e1/00000/a', 'e1/00000/ab']), 'e1/00000/')
  assert.equal(sharedPrefix(['e1/00000/a', 'e1/00001/a']), 'e1/')
  assert.equal(sharedPrefix(['e1/a', 'run-x/e1/a']), '')
  assert.equal(sharedPrefix([]), '')
})

test('the table of findings is what operators are told', async () => {
  const rows = Object.entries(findingTable).map(([code, { hint }]) => `${code}\n  ${hint}\n`)
  await matchesGolden('findings.txt', rows.join(''))
})
