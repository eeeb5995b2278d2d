/**
 * Decides whether a process may take hold of a run. Only one at a time should work on it; where two do all the same, they
 * store the same changes twice, which changes nothing. Reading and storing who holds it is holding.ts's.
 */

/** The newest word of who holds a run. */
export type Holder = {
  /** of one process, for as long as it lives */
  readonly id: string
  readonly host: string
  readonly pid: number
  /** ISO 8601: after this, unless it is said again, nobody holds the run */
  readonly until: string
}

export type Me = Pick<Holder, 'id' | 'host' | 'pid'>

/** How long a word counts, and how often it is said again. */
export const holdMs = 120_000
export const sayAgainMs = 40_000

/**
 * Whether somebody else holds the run. On the same host it can be seen whether a process lives; one with this very process's
 * number is gone, for the number is taken.
 */
export function isHeld(
  holder: Holder | null,
  me: Me,
  nowMs: number,
  isAlive: (pid: number) => boolean,
): holder is Holder {
  if (!holder || holder.id === me.id || Date.parse(holder.until) <= nowMs) return false
  if (holder.host !== me.host) return true
  return holder.pid !== me.pid && isAlive(holder.pid)
}
