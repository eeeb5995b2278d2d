/**
 * What becomes of a world in which everything died and nothing more arrives: one member starts and reads to the end. All
 * messages of the log are on the stage then, or it halts for a cause.
 */
import type { Move } from './move.ts'
import { movesOf } from './moves.ts'
import { keyOf, type Scenario, type World } from './world.ts'

const quiet = {
  crashes: 0,
  rebalances: 0,
  lostAnswers: 0,
  stalePositions: 0,
  recreations: 0,
  lostGroups: 0,
  foreignCommits: 0,
}

/** More than any recovery of a log of a few messages takes. */
const stepsMax = 200

/** Null where all is well. `known` holds worlds that recovered before. */
export function recover(world: World, scenario: Scenario, known: Set<string>): string | null {
  const dead: World = { ...world, members: { A: null, B: null }, owner: null, loosePuts: [], looseCommits: [] }
  const key = keyOf({ ...dead, left: quiet, generation: 0 })
  if (known.has(key)) return null
  known.add(key)
  // The spent budget stays spent: it tells which halts have a cause.
  let now: World = { ...dead, left: { ...world.left, rebalances: 1 } }
  for (let step = 0; step < stepsMax; step++) {
    const move = nextOf(now, scenario)
    if (!move) return endOf(now, scenario)
    if (move.broken !== null) return `after recovery: ${move.broken}`
    now = move.world
  }
  return 'recovery does not end'
}

/** What a member does by itself, first of all; the group gives the partition to A, once. */
function nextOf(world: World, scenario: Scenario): Move | null {
  const moves = movesOf(world, scenario)
  return moves.find(({ by }) => by === 'member') ?? moves.find(({ by }) => by === 'group') ?? null
}

function endOf({ members, log, covered }: World, { logs }: Scenario): string | null {
  if (members.A?.part.progress.phase === 'halted') return null
  const missing = logs[log].findIndex((kind, offset) => kind === 'm' && (covered[log] & (1 << offset)) === 0)
  return missing < 0 ? null : `after recovery message ${missing} of log ${log} is nowhere`
}
