/**
 * Everything that can happen next in a world. A member's own steps follow the product's files, and ask its pure units for
 * every decision; the rest is what may happen to it.
 */
import { nameOf } from './invariants.ts'
import { fetchMoves, lookMoves } from './member-moves.ts'
import type { Add, Move } from './move.ts'
import { leave, memberOf } from './part.ts'
import { commitMoves, storeFile, storeMoves, takeCommit } from './store-moves.ts'
import type { Member, Scenario, Who, World } from './world.ts'

export function movesOf(world: World, scenario: Scenario): readonly Move[] {
  const moves: Move[] = []
  const add: Add = (by, label, next, broken = null) => {
    moves.push({ by, label, world: { ...world, ...next }, broken })
  }
  for (const who of ['A', 'B'] as const) {
    groupMoves(world, who, add)
    const member = world.members[who]
    if (!member) continue
    const set = (change: Partial<Member>) => ({ members: { ...world.members, [who]: { ...member, ...change } } })
    const turn = { world, scenario, who, member, add, set }
    lookMoves(turn)
    fetchMoves(turn)
    storeMoves(turn)
    commitMoves(turn)
    crash(world, who, member, add)
  }
  world.loosePuts.forEach((file, at) => {
    const loosePuts = world.loosePuts.filter((_, index) => index !== at)
    const { next, broken } = storeFile({ ...world, loosePuts }, scenario, file)
    add('fault', `a late put of ${nameOf(file)} arrives`, next, broken)
  })
  world.looseCommits.forEach((request, at) => {
    const looseCommits = world.looseCommits.filter((_, index) => index !== at)
    const { next, broken } = takeCommit({ ...world, looseCommits }, scenario, request)
    add('fault', `a late commit of ${request.commit.offset} arrives`, next, broken)
  })
  worldMoves(world, scenario, add)
  return moves
}

function worldMoves(world: World, scenario: Scenario, add: Add): void {
  const { left } = world
  if (left.recreations > 0 && world.log === 0) {
    add('fault', 'the topic is deleted and created again', {
      log: 1,
      left: { ...left, recreations: left.recreations - 1 },
    })
  }
  if (left.lostGroups > 0 && world.committed) {
    add('fault', "the group's offsets are lost", {
      committed: null,
      committedLog: null,
      left: { ...left, lostGroups: left.lostGroups - 1 },
    })
  }
  const end = BigInt(scenario.logs[world.log].length)
  if (left.foreignCommits > 0 && world.committed?.offset !== end) {
    const committed = { offset: end, metadata: null }
    add('fault', `something else commits ${end}`, {
      committed,
      committedLog: null,
      left: { ...left, foreignCommits: left.foreignCommits - 1 },
    })
  }
}

function groupMoves(world: World, who: Who, add: Add): void {
  const { left, generation, members } = world
  if (left.rebalances > 0) {
    const next = { generation: generation + 1, owner: who, left: { ...left, rebalances: left.rebalances - 1 } }
    const joined = members[who] ?? memberOf(generation + 1)
    // One that joins knows at once; another one learns it when it comes to ask.
    const own = members[who] ? {} : { members: { ...members, [who]: joined } }
    add('group', `the group gives the partition to ${who}, generation ${generation + 1}`, { ...next, ...own })
  }
  const member = members[who]
  if (member && member.generation !== generation) {
    add('member', `${who} learns of generation ${generation}`, { ...world, ...learn(world, who, member) })
  }
}

/** One that keeps the partition stores what it has and starts anew; one that loses it gives up what it has. */
function learn(world: World, who: Who, member: Member): Partial<World> {
  const { generation } = world
  if (world.owner !== who) {
    const loosePuts = member.put && !member.put.isDone ? [...world.loosePuts, member.put.file] : world.loosePuts
    const looseCommits = member.commit ? [...world.looseCommits, member.commit] : world.looseCommits
    return { loosePuts, looseCommits, members: { ...world.members, [who]: null } }
  }
  // What an even earlier generation still stores goes on first; both are one queue here.
  if (member.former) return {}
  const former = leave(member.part)
  const fresh = memberOf(generation, member.turn)
  const put = member.put && { ...member.put, of: 'former' as const }
  const kept = { former, put, commit: member.commit, fetch: member.fetch }
  return { members: { ...world.members, [who]: { ...fresh, ...kept } } }
}

function crash(world: World, who: Who, member: Member, add: Add): void {
  if (world.left.crashes === 0) return
  const { put, commit } = member
  add('fault', `${who} dies`, {
    members: { ...world.members, [who]: null },
    loosePuts: put && !put.isDone ? [...world.loosePuts, put.file] : world.loosePuts,
    looseCommits: commit ? [...world.looseCommits, commit] : world.looseCommits,
    left: { ...world.left, crashes: world.left.crashes - 1 },
  })
}
