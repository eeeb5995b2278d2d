/**
 * What a member and the store do about a landing file, and a member and its group about a commit, as outbox.ts, storing.ts
 * and committing.ts have it.
 */
import { type Commitment, encodeMetadata } from '../../src/ingest/commitment.ts'
import * as step from '../../src/ingest/progress.ts'
import { contentOf, nameOf, uncovered } from './invariants.ts'
import { anchorAt } from './messages.ts'
import type { Turn } from './move.ts'
import { memberOf, sealHand } from './part.ts'
import { epoch } from './place.ts'
import type { CommitRequest, File, LogId, Member, Part, Row, Scenario, World } from './world.ts'

export function storeMoves(turn: Turn): void {
  const { who, member, add, set } = turn
  const { part, former, put, commit } = member
  const { progress } = part
  // The age of a batch, its size, or memory: any time. What has no row is passed once.
  const last = progress.underway.at(-1)
  const passedTo = last?.kind === 'pass' ? last.range.last + 1n : progress.staged
  const seals = progress.cursor > progress.opened && (part.hand.length > 0 || progress.cursor > passedTo)
  if (progress.phase === 'reading' && seals) {
    add('member', `${who} seals ${progress.opened} to ${progress.cursor - 1n}`, set({ part: sealHand(part) }))
  }
  if (put) {
    answerMoves(turn, put)
    return
  }
  // The commit behind a step is waited for before the next step.
  if (commit) return
  const of = former ? 'former' : 'part'
  const from = former ?? part
  const [next] = from.progress.underway
  if (!next) {
    if (former) add('member', `${who} has stored what it had before`, set({ former: null }))
    return
  }
  if (next.kind === 'pass') settle(turn, of, 'stored')
  else
    add(
      'member',
      `${who} puts ${nameOf(next.range)}`,
      set({ put: { file: { ...next.range, rows: from.bodies[0] ?? [] }, of, isDone: false } }),
    )
}

function answerMoves(turn: Turn, put: NonNullable<Member['put']>): void {
  const { world, scenario, who, member, add } = turn
  const { file, of, isDone } = put
  const name = nameOf(file)
  if (!isDone) {
    const { next, broken } = storeFile(world, scenario, file)
    const members = { ...world.members, [who]: { ...member, put: { ...put, isDone: true } } }
    add('member', `the store does ${who}'s put of ${name}`, { ...next, members }, broken)
    if (world.left.lostAnswers > 0) {
      const left = { ...world.left, lostAnswers: world.left.lostAnswers - 1 }
      add('fault', `${who} gets no answer, finds no ${name}, and puts it again`, {
        left,
        loosePuts: [...world.loosePuts, file],
      })
    }
    return
  }
  // Refused, or without an answer: the bytes that are there tell whether they are its own.
  const there = world.stage.find((other) => nameOf(other) === name)
  settle(turn, of, there && sameRows(there.rows, file.rows) ? 'stored' : 'taken')
}

function settle({ who, member, add, set }: Turn, of: 'former' | 'part', outcome: step.Outcome): void {
  const from = of === 'former' ? member.former : member.part
  if (!from) return
  const [first] = from.progress.underway
  const body = from.bodies[0] ?? []
  const { progress, commit: next } = step.settled(from.progress, outcome)
  const range = first?.kind === 'file' ? first.range : null
  if (outcome === 'taken') {
    // What was read before is given up; the partition starts anew, above the name that was taken.
    const fresh = memberOf(member.generation, member.turn)
    const part = of === 'former' ? member.part : fresh.part
    const beyond = of === 'former' ? null : Number(range?.first ?? 0n)
    add('member', `${who} finds ${range ? nameOf(range) : ''} taken`, set({ part, former: null, put: null, beyond }))
    return
  }
  const anchor = body.at(-1) ?? from.anchor
  const settled: Part = { ...from, progress, bodies: from.bodies.slice(1), anchor }
  const start = first?.range.first ?? progress.opened
  const open = first?.kind === 'pass'
  // Of an earlier generation nothing is committed.
  const isCurrent = from.progress.generation === member.generation
  const commit =
    next !== null && isCurrent ? requestOf(member.generation, { first: start, open, next }, anchor, from.log) : null
  const label =
    first?.kind === 'file' ? `${who} knows ${nameOf(first.range)} stored` : `${who} passes to ${progress.staged}`
  add('member', commit ? `${label}, commits ${next}` : label, set({ [of]: settled, put: null, commit }))
}

export function commitMoves({ world, scenario, who, member, add, set }: Turn): void {
  const { commit } = member
  if (!commit) return
  const { next, broken } = takeCommit(world, scenario, commit)
  add(
    'member',
    `the group takes ${who}'s commit of ${commit.commit.offset}`,
    { ...next, ...set({ commit: null }) },
    broken,
  )
  if (world.left.lostAnswers === 0) return
  const left = { ...world.left, lostAnswers: world.left.lostAnswers - 1 }
  const looseCommits = [...world.looseCommits, commit]
  add('fault', `${who} gives up its commit of ${commit.commit.offset}`, {
    ...set({ commit: null }),
    left,
    looseCommits,
  })
}

/** If-None-Match: a name that is there stays as it is. */
export function storeFile(
  world: World,
  scenario: Scenario,
  file: File,
): { next: Partial<World>; broken: string | null } {
  const rest = { loosePuts: world.loosePuts }
  if (world.stage.some((other) => nameOf(other) === nameOf(file))) return { next: rest, broken: null }
  const stage = [...world.stage, file].sort((a, b) => Number(a.first - b.first) || Number(a.last - b.last))
  const bits = file.rows.reduce((sum, { offset }) => sum | (1 << offset), 0)
  const [log = 0] = new Set(file.rows.map((row) => row.log))
  const covered: [number, number] = [...world.covered]
  covered[log] |= bits
  const broken =
    contentOf(file, scenario) ?? uncovered(world, scenario, log, Number(file.first), `${nameOf(file)} is stored`)
  return { next: { ...rest, stage, covered }, broken }
}

export function takeCommit(
  world: World,
  scenario: Scenario,
  { generation, commit, log }: CommitRequest,
): { next: Partial<World>; broken: string | null } {
  const rest = { looseCommits: world.looseCommits }
  if (generation !== world.generation) return { next: rest, broken: null }
  const next = { ...rest, committed: commit, committedLog: log }
  return { next, broken: uncovered(world, scenario, log, Number(commit.offset), `${commit.offset} is committed`) }
}

function sameRows(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, at) => row.log === b[at]?.log && row.offset === b[at].offset)
}

export function requestOf(
  generation: number,
  covered: Pick<Commitment, 'first' | 'open' | 'next'>,
  anchor: Row | null,
  log: LogId,
): CommitRequest {
  const metadata = encodeMetadata({ epoch, ...covered, anchor: anchor && anchorAt(anchor) })
  return { generation, log, commit: { offset: covered.next, metadata } }
}
