/**
 * Waits for a condition. The deadline is generous: it ends a test that hangs, and never decides one that is slow.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** @throws Error naming what was waited for, and the last value seen */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  holds: (value: T) => boolean,
  deadlineMs = 180_000,
): Promise<T> {
  const end = Date.now() + deadlineMs
  for (;;) {
    const value = await look()
    if (holds(value)) return value
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms for ${what}; last seen: ${JSON.stringify(value)}`)
    await sleep(200)
  }
}
