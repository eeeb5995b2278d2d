/**
 * A small world for the ingest protocol's pure core: a log of a few messages, a stage, a consumer group, two members that may
 * crash, sleep through a rebalance, and send requests whose answers are lost. The decisions are the product's own functions;
 * what is here is only the world around them, and who calls them when. What must hold in it is in invariants.ts.
 */
import type { OffsetRange } from '../../src/change.ts'
import type { Committed } from '../../src/ingest/resume.ts'
import type { Progress } from '../../src/ingest/progress.ts'

/** A topic that was deleted and created again has another log. */
export type LogId = 0 | 1

/** `m` a message, `h` an offset without one: a marker, or what an aborted transaction left. */
export type Kind = 'm' | 'h'

/** What may happen how often, and where the world begins. Everything within these bounds is explored. */
export type Scenario = {
  readonly name: string
  readonly logs: readonly [readonly Kind[], readonly Kind[]]
  readonly budget: Budget
  /** files that are there at the beginning, with the content of log 0 */
  readonly staged?: readonly OffsetRange[]
}

export type Budget = {
  /** a member dies; what it had sent may still arrive */
  readonly crashes: number
  /** the group gives the partition to a member, which the other one learns later */
  readonly rebalances: number
  /** a request to the store is done, or not, and its answer is lost; what was not done may be done later */
  readonly lostAnswers: number
  /** the client hands over a batch from another position than the partition's own */
  readonly stalePositions: number
  /** the topic is deleted and created again */
  readonly recreations: number
  /** the group's offsets are lost */
  readonly lostGroups: number
  /** something else sets the committed offset to the end of the log */
  readonly foreignCommits: number
}

/** One message, as a landing file or a batch in hand holds it. */
export type Row = { readonly log: LogId; readonly offset: number }

export type File = OffsetRange & { readonly rows: readonly Row[] }

/** A commit on its way; `log` is the one that the member reads which sends it. */
export type CommitRequest = {
  readonly generation: number
  readonly commit: Committed
  readonly log: LogId
}

/** A partition as one member has it. */
export type Part = {
  readonly progress: Progress
  readonly hand: readonly Row[]
  /** rows of what is underway, in the same order; empty for a pass */
  readonly bodies: readonly (readonly Row[])[]
  /** the log that was there when it started */
  readonly log: LogId
  /** the last message that was committed or may be, for the next commit */
  readonly anchor: Row | null
}

/** A search for a start that has read the committed offset. */
export type Look = { readonly committed: Committed | null }

export type Fetch = { readonly askedAt: number; readonly offset: number; readonly next: number; readonly log: LogId }

export type Member = {
  /** as far as it knows */
  readonly generation: number
  /** grows with each start of its partition */
  readonly turn: number
  readonly part: Part
  readonly look: Look | null
  /** what it read in an earlier generation, and still stores */
  readonly former: Part | null
  /** fetched, not handed over yet */
  readonly fetch: Fetch | null
  readonly put: { readonly file: File; readonly of: 'former' | 'part'; readonly isDone: boolean } | null
  readonly commit: CommitRequest | null
  /** the start must lie above it, after another writer had its name */
  readonly beyond: number | null
}

export type Who = 'A' | 'B'

export type World = {
  readonly log: LogId
  /** sorted by first offset, then by last */
  readonly stage: readonly File[]
  readonly committed: Committed | null
  /** the log that was read by who committed last */
  readonly committedLog: LogId | null
  readonly generation: number
  readonly owner: Who | null
  readonly members: Readonly<Record<Who, Member | null>>
  /** requests of members that died or gave up: they arrive some time, or never */
  readonly loosePuts: readonly File[]
  readonly looseCommits: readonly CommitRequest[]
  /** for each log, the offsets of which a row was ever on the stage, as bits */
  readonly covered: readonly [number, number]
  readonly left: Budget
}

export function beginning({ budget, staged = [] }: Scenario): World {
  const stage = staged.map((range): File => ({ ...range, rows: rowsOf(range) }))
  const covered = stage.flatMap(({ rows }) => rows).reduce((bits, { offset }) => bits | (1 << offset), 0)
  return {
    log: 0,
    stage,
    committed: null,
    committedLog: null,
    generation: 0,
    owner: null,
    members: { A: null, B: null },
    loosePuts: [],
    looseCommits: [],
    covered: [covered, 0],
    left: budget,
  }
}

function rowsOf({ first, last }: OffsetRange): readonly Row[] {
  const offsets = Array.from({ length: Number(last - first) + 1 }, (_, at) => Number(first) + at)
  return offsets.map((offset) => ({ log: 0, offset }))
}

/** Two worlds with one key are the same world, but for which member is called A. */
export function keyOf(world: World): string {
  const { log, stage, committed, committedLog, generation, owner, members, loosePuts, looseCommits, covered, left } =
    world
  const [a, b] = [memberKey(members.A, generation), memberKey(members.B, generation)]
  const isSwapped = a > b || (a === b && owner === 'B')
  const own = owner === null ? '-' : (owner === 'A') === isSwapped ? 'b' : 'a'
  return [
    log,
    stage.map(fileKey).join(','),
    commitKey(committed),
    committedLog ?? '-',
    own,
    isSwapped ? `${b}|${a}` : `${a}|${b}`,
    loosePuts.map(fileKey).sort().join(','),
    looseCommits
      .map((request) => requestKey(request, generation))
      .sort()
      .join(','),
    covered.join('.'),
    Object.values(left).join('.'),
  ].join(';')
}

function memberKey(member: Member | null, generation: number): string {
  if (!member) return '-'
  const { part, look, former, fetch, put, commit, beyond } = member
  return [
    generation - member.generation,
    partKey(part, generation),
    look ? `L${commitKey(look.committed)}` : '-',
    former ? partKey(former, generation) : '-',
    fetch
      ? `${fetch.askedAt < part.progress.startedAt ? 'old' : 'new'}.${fetch.offset}.${fetch.next}.${fetch.log}`
      : '-',
    put ? `${put.of}${put.isDone ? '!' : '?'}${fileKey(put.file)}` : '-',
    commit ? requestKey(commit, generation) : '-',
    beyond ?? '-',
  ].join('/')
}

function partKey({ progress, hand, bodies, log, anchor }: Part, generation: number): string {
  const { phase, cursor, opened, underway, staged } = progress
  const steps = underway.map((step) => `${step.kind === 'pass' ? 'p' : ''}${step.range.first}-${step.range.last}`)
  const numbers = `${generation - progress.generation}${phase[0]}${phase[2]}${cursor}.${opened}.${staged}.${log}`
  return `${numbers} ${rowsKey(hand)} ${steps.join()} ${bodies.map(rowsKey).join()} ${anchor ? rowsKey([anchor]) : ''}`
}

function fileKey({ first, last, rows }: File): string {
  return `${first}-${last}:${rowsKey(rows)}`
}

function rowsKey(rows: readonly Row[]): string {
  let key = ''
  for (const { log, offset } of rows) key += log === 0 ? `${offset}` : `'${offset}`
  return key
}

function requestKey({ generation, commit, log }: CommitRequest, now: number): string {
  return `${now - generation}.${commitKey(commit)}.${log}`
}

const metadataNumbers = new Map<string | null, number>()

function commitKey(commit: Committed | null): string {
  if (!commit) return '-'
  const known = metadataNumbers.get(commit.metadata) ?? metadataNumbers.size
  metadataNumbers.set(commit.metadata, known)
  return `${commit.offset}#${known}`
}
