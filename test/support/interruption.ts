/**
 * A process that is interrupted ends in order, so that what is to be done at its exit is done: servers ended, folders removed.
 * Without this it would end at once, and leave them.
 */
import { constants } from 'node:os'

let heeded = false

/** May be called more than once. */
export function heedInterruption(): void {
  if (heeded) return
  heeded = true
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(128 + constants.signals[signal]))
  }
}
