/**
 * How long to wait before the next attempt. What is repeated, and until when, is the caller's.
 */

const firstMs = 200
const longestMs = 5_000

/** Doubles from 0.2 s to 5 s, of which a random half is left out, so that many waiters do not come back together. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 16))
  return Math.round(fullMs * (0.5 + random() / 2))
}
