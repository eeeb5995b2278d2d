/**
 * How a member finds its start and reads, as starter.ts, assignment.ts and roster.ts have it.
 */
import { judge } from '../../src/ingest/acceptance.ts'
import { compareAnchor } from '../../src/ingest/anchor.ts'
import * as step from '../../src/ingest/progress.ts'
import { type Committed, resume, type Trail, unvouchedFrom, vouching } from '../../src/ingest/resume.ts'
import { type Compared, startOf } from '../../src/ingest/start.ts'
import { landingKey, parseLandingKey } from '../../src/landing.ts'
import { falseHalt, uncovered } from './invariants.ts'
import { anchorAt, entryAt, rowAt } from './messages.ts'
import type { By, Turn } from './move.ts'
import { leave, memberOf } from './part.ts'
import { epoch, place } from './place.ts'
import { requestOf } from './store-moves.ts'
import type { Fetch, File, Kind, Part, Row, World } from './world.ts'

/** How far a fetch reaches, in offsets. */
const fetchesMax = 2

export function lookMoves(turn: Turn): void {
  const { world, who, member, add, set } = turn
  const { part, former, look } = member
  if (part.progress.phase !== 'resuming' || former) return
  if (!look) {
    add('member', `${who} reads the committed offset`, set({ look: { committed: world.committed } }))
    return
  }
  const { committed } = look
  const from = unvouchedFrom(vouching(committed, epoch)) ?? 0n
  const staged = world.stage.filter(({ first }) => first >= from)
  start(turn, { committed, staged })
}

type Seen = { readonly committed: Committed | null; readonly staged: readonly File[] }

/** Lists the stage, then reads the bounds of the log and what it holds at the anchor: one step here. */
function start({ world, scenario, who, member, add, set }: Turn, { committed, staged }: Seen): void {
  // By way of the name, as the product has it.
  const ranges = staged.map(
    (file) => parseLandingKey('', landingKey('', { ...place, epoch, range: file }))?.range ?? file,
  )
  const trail: Trail = { epoch, start: { offset: 0n, earliest: true }, committed, staged: ranges, gaps: [] }
  const log = { low: 0n, high: BigInt(scenario.logs[world.log].length) }
  const resumption = resume(trail, log)
  const compared = compare(
    scenario.logs[world.log],
    world,
    trail,
    resumption.adopted.map((range) => staged[ranges.indexOf(range)]),
  )
  const found = startOf(place, trail, log, resumption, compared.verdict)
  if (found.kind === 'halt') {
    const part = { ...member.part, progress: step.halted(member.part.progress) }
    add(
      'member',
      `${who} halts: ${found.failure.code}`,
      set({ part, look: null }),
      falseHalt(world, scenario, found.failure.code),
    )
    return
  }
  const cursor = Number(found.cursor)
  if (member.beyond !== null && cursor <= member.beyond) {
    add(
      'member',
      `${who} halts: NAME_TAKEN`,
      set({ part: { ...member.part, progress: step.halted(member.part.progress) } }),
      'a name is taken by what is no landing file',
    )
    return
  }
  const turn = member.turn + 1
  const { open, first } = found.commitment
  const progress = step.startAt(member.part.progress, open ? first : found.cursor, found.cursor, turn)
  const part: Part = { progress, hand: [], bodies: [], log: world.log, anchor: compared.newest }
  const request = requestOf(member.generation, { first, open, next: found.cursor }, compared.newest, world.log)
  const commit = found.committed || member.commit ? member.commit : request
  add(
    'member',
    `${who} starts at ${cursor}`,
    set({ turn, part, look: null, commit, beyond: null }),
    uncovered(world, scenario, world.log, cursor, `${who} starts at ${cursor}`),
  )
}

/** As assignment.ts goes through the anchors: the newest that the log still has decides. */
function compare(
  kinds: readonly Kind[],
  world: World,
  trail: Trail,
  adopted: readonly (File | undefined)[],
): { verdict: Compared; newest: Row | null } {
  const committedAnchor = vouching(trail.committed, epoch)?.anchor
  const own = committedAnchor ? rowAt(committedAnchor) : null
  const rows = adopted.length > 0 ? adopted.toReversed().flatMap((file) => file?.rows.at(-1) ?? []) : own ? [own] : []
  const newest = rows[0] ?? null
  const anchor = newest && anchorAt(newest)
  for (const row of rows) {
    const verdict = compareAnchor(anchorAt(row), entryAt(world.log, kinds, row.offset))
    if (verdict === 'same') return { verdict: { log: 'same', newest: anchor, replacedAt: null }, newest }
    if (verdict === 'other')
      return { verdict: { log: 'unverified', newest: anchor, replacedAt: BigInt(row.offset) }, newest }
  }
  return { verdict: { log: newest ? 'unverified' : 'new', newest: anchor, replacedAt: null }, newest }
}

export function fetchMoves(turn: Turn): void {
  const { world, scenario, who, member, add, set } = turn
  const { part, fetch } = member
  const { progress } = part
  const kinds = scenario.logs[world.log]
  if (fetch) {
    hand(turn, fetch)
    return
  }
  if (progress.phase !== 'reading') return
  if (part.log !== world.log) {
    // Kafka says that the topic is not there; the next membership starts from the stage.
    if (member.former) return
    const fresh = memberOf(member.generation, member.turn)
    const put = member.put && { ...member.put, of: 'former' as const }
    add('member', `${who} finds its topic gone`, set({ ...fresh, former: leave(part), put, commit: member.commit }))
    return
  }
  const at = (offset: number, left: World['left'], by: By): void => {
    for (let next = offset + 1; next <= Math.min(kinds.length, offset + fetchesMax); next++) {
      const request: Fetch = { askedAt: member.turn, offset, next, log: world.log }
      add(by, `${who} fetches ${offset} to ${next - 1}`, { ...set({ fetch: request }), left })
    }
  }
  at(Number(progress.cursor), world.left, 'member')
  if (world.left.stalePositions === 0) return
  const left = { ...world.left, stalePositions: world.left.stalePositions - 1 }
  for (let offset = 0; offset < kinds.length; offset++)
    if (offset !== Number(progress.cursor)) at(offset, left, 'fault')
}

function hand({ scenario, who, member, add, set }: Turn, fetch: Fetch): void {
  const { part } = member
  const verdict = judge(part.progress, { askedAt: fetch.askedAt, offset: BigInt(fetch.offset) })
  const label = `${who} is handed ${fetch.offset} to ${fetch.next - 1}: ${verdict}`
  if (verdict !== 'take') {
    add('member', label, set({ fetch: null }))
    return
  }
  const rows: Row[] = []
  for (let offset = fetch.offset; offset < fetch.next; offset++) {
    if (scenario.logs[fetch.log][offset] === 'm') rows.push({ log: fetch.log, offset })
  }
  const progress = step.taken(part.progress, BigInt(fetch.next))
  add('member', label, set({ fetch: null, part: { ...part, progress, hand: [...part.hand, ...rows] } }))
}
