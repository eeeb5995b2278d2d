/**
 * Decides what the newest changes of a replay would do to a target table, row by row: the rules are those of the merge
 * (sql/templates/50_merge.sql). Pure: what stands in the table is read by the caller.
 */
import type { IdStanding } from '../warehouse/standing.ts'
import type { NewestChange } from './newest.ts'

export type Effect = 'inserted' | 'updated' | 'deleted' | 'leftAlone' | 'belowFloor'

/** How many rows of the table; together as many as there are ids. */
export type Effects = Readonly<Record<Effect, number>>

export const noEffects: Effects = { inserted: 0, updated: 0, deleted: 0, leftAlone: 0, belowFloor: 0 }

export type TableRules = {
  readonly deletes: 'hard' | 'soft'
  /** empty where tombstones are kept for good */
  readonly floor: string
}

export function effectOf(change: NewestChange, { row, tombstone }: IdStanding, { deletes, floor }: TableRules): Effect {
  const { position } = change
  const isDelete = change.op === 'd' && deletes === 'hard'
  if (tombstone !== null && position <= tombstone) return 'leftAlone'
  if (row !== null) return position <= row ? 'leftAlone' : isDelete ? 'deleted' : 'updated'
  if (isDelete) return 'leftAlone'
  return position < floor ? 'belowFloor' : 'inserted'
}

export function count(effects: Effects, effect: Effect): Effects {
  return { ...effects, [effect]: effects[effect] + 1 }
}
