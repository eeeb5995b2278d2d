/**
 * One thing that can happen next.
 */
import type { Member, Scenario, Who, World } from './world.ts'

/** Who does it: a member by itself, the group, or what goes wrong. */
export type By = 'member' | 'group' | 'fault'

export type Move = {
  readonly label: string
  readonly by: By
  readonly world: World
  /** what this step broke; null where all holds */
  readonly broken: string | null
}

/** Adds a move, with what changes of the world. */
export type Add = (by: By, label: string, next: Partial<World>, broken?: string | null) => void

/** A member that may move. */
export type Turn = {
  readonly world: World
  readonly scenario: Scenario
  readonly who: Who
  readonly member: Member
  readonly add: Add
  /** the world with a change of this member */
  readonly set: (change: Partial<Member>) => Partial<World>
}
