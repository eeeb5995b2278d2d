/**
 * A partition as partition.ts has it, without its bytes.
 */
import * as step from '../../src/ingest/progress.ts'
import type { Member, Part } from './world.ts'

/** One that has just joined. */
export function memberOf(generation: number, turn = 0): Member {
  const part: Part = { progress: step.resuming(generation), hand: [], bodies: [], log: 0, anchor: null }
  return { generation, turn, part, look: null, former: null, fetch: null, put: null, commit: null, beyond: null }
}

/** Takes nothing more, and stores what is there. */
export function leave(part: Part): Part {
  const sealed = part.progress.phase === 'reading' ? sealHand(part) : part
  return { ...sealed, progress: step.leaving(sealed.progress) }
}

/** A batch without rows is passed, and goes on. */
export function sealHand(part: Part): Part {
  const { progress, hand, bodies } = part
  if (progress.cursor === progress.opened) return part
  if (hand.length === 0) return { ...part, progress: step.passed(progress), bodies: [...bodies, []] }
  return { ...part, progress: step.sealed(progress), bodies: [...bodies, hand], hand: [] }
}
