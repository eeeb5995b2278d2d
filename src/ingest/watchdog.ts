/**
 * Decides whether a process is stuck: it lags, it has read nothing for a while, and nothing is known that it waits for.
 * Pure; what is measured is ingest.ts's, and so is what follows.
 */

/** One thing that ought to get on, as it is now. */
export type Pulse = {
  /** always the same for the same thing */
  readonly name: string
  /** changes whenever it gets on */
  readonly place: string
  /** whether there is something to do, and nothing that it waits for: an operator, the store, memory, Kafka */
  readonly due: boolean
}

type Since = { readonly place: string; readonly sinceMs: number }

export class Watchdog {
  readonly #patienceMs: number
  #seen: ReadonlyMap<string, Since> = new Map()

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** The name of something that was due for longer than the patience, all that time at one place; null where nothing was. */
  look(pulses: readonly Pulse[], nowMs: number): string | null {
    const seen = new Map<string, Since>()
    let stuck: string | null = null
    for (const { name, place, due } of pulses) {
      if (!due) continue
      const before = this.#seen.get(name)
      const since = before?.place === place ? before : { place, sinceMs: nowMs }
      seen.set(name, since)
      if (nowMs - since.sinceMs >= this.#patienceMs) stuck ??= name
    }
    this.#seen = seen
    return stuck
  }
}
