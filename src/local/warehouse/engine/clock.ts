/**
 * Time as the engine sees it: task schedules and histories ask here, so that tests can let a day pass at once.
 */
export interface Clock {
  nowMs(): number
  /** Calls back once, at `timeMs` or soon after. @returns a function that calls it off */
  at(timeMs: number, callback: () => void): () => void
}

/** Longer waits than this overflow the timer. */
const timerMsMax = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  at(timeMs, callback) {
    let timer: NodeJS.Timeout
    const wait = (): void => {
      const leftMs = timeMs - Date.now()
      timer = setTimeout(leftMs > 0 ? wait : callback, Math.min(Math.max(leftMs, 0), timerMsMax))
    }
    wait()
    return () => {
      clearTimeout(timer)
    }
  },
}
