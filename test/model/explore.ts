/**
 * Goes through every world that can be reached, breadth first, so that what breaks is told by the shortest way there. From
 * each one it also asks what recovery makes of it: all members dead, nothing under way, and one that starts anew.
 */
import type { Move } from './move.ts'
import { movesOf } from './moves.ts'
import { recover } from './recovery.ts'
import { beginning, keyOf, type Scenario, type World } from './world.ts'

export type Exploration = {
  /** worlds that were visited, each once */
  readonly states: number
  /** steps between them */
  readonly moves: number
  /** null where nothing breaks; else what, and the steps that lead there */
  readonly broken: { readonly what: string; readonly trace: readonly string[] } | null
}

type Visit = { readonly world: World; readonly from: number; readonly label: string }

export function explore(scenario: Scenario): Exploration {
  const first = beginning(scenario)
  const visits: Visit[] = [{ world: first, from: -1, label: '' }]
  const seen = new Set([keyOf(first)])
  const recovered = new Set<string>()
  let moves = 0
  for (let at = 0; at < visits.length; at++) {
    const { world } = visits[at] ?? { world: first }
    for (const move of movesOf(world, scenario)) {
      moves++
      if (move.broken !== null) return failed(visits, at, move, moves)
      const key = keyOf(move.world)
      if (seen.has(key)) continue
      seen.add(key)
      visits.push({ world: move.world, from: at, label: move.label })
      const what = recover(move.world, scenario, recovered)
      if (what !== null) return failed(visits, at, { ...move, broken: what }, moves)
    }
    // Only where it came from, and how, is needed of it from here on.
    const visit = visits[at]
    if (visit) visits[at] = { ...visit, world: first }
  }
  return { states: seen.size, moves, broken: null }
}

function failed(visits: readonly Visit[], at: number, { label, broken }: Move, moves: number): Exploration {
  const trace = [label]
  for (let index = at; index > 0; index = visits[index]?.from ?? 0) trace.unshift(visits[index]?.label ?? '')
  return { states: visits.length, moves, broken: { what: broken ?? '', trace } }
}
