/**
 * When triggered tasks run: as soon as their stream has rows, not more often than they say, and once in twelve hours
 * anyway, which keeps an empty stream fresh. What a run does is tasks.ts's.
 */
import type { CatalogObject } from './catalog.ts'
import type { Clock } from './clock.ts'

type Task = CatalogObject<'task'>

export interface TriggerHost {
  readonly clock: Clock
  readonly isRunning: (taskId: number) => boolean
  /** true also where it cannot be told: the run says why */
  readonly hasData: (task: Task) => Promise<boolean>
  readonly start: (task: Task, atMs: number) => void
  /** for what goes on in the background */
  readonly track: (work: Promise<void>) => void
}

type Watched = {
  readonly task: Task
  lastStartMs: number | null
  looking: boolean
  again: boolean
  cancel: () => void
}

const healthMs = 12 * 3600 * 1000

export function isTriggered({ definition }: Task): boolean {
  return definition.schedule === null && definition.whenStream !== null
}

/** Since it was cleared, while the answer was awaited. */
function isAskedAgain({ again }: Watched): boolean {
  return again
}

export class TaskTriggers {
  readonly #host: TriggerHost
  readonly #watched = new Map<number, Watched>()

  constructor(host: TriggerHost) {
    this.#host = host
  }

  /** Watches these, and no others. One that was resumed anew starts afresh. */
  follow(tasks: readonly Task[]): void {
    const wanted = new Map(tasks.filter(isTriggered).map((task) => [task.id, task]))
    for (const [id, { task, cancel }] of this.#watched) {
      if (wanted.get(id)?.definition.resumedMs === task.definition.resumedMs) continue
      cancel()
      this.#watched.delete(id)
    }
    for (const [id, task] of wanted) {
      if (this.#watched.has(id)) continue
      const watched = { task, lastStartMs: null, looking: false, again: false, cancel: () => undefined }
      this.#watched.set(id, watched)
      this.#look(watched)
    }
  }

  /** Something was committed, or a run has ended: there may be rows. */
  poke(): void {
    for (const watched of this.#watched.values()) this.#look(watched)
  }

  close(): void {
    this.follow([])
  }

  #look(watched: Watched): void {
    if (watched.looking) {
      watched.again = true
      return
    }
    const { task, lastStartMs } = watched
    // Its end looks again.
    if (this.#host.isRunning(task.id)) return
    const earliestMs = lastStartMs === null ? 0 : lastStartMs + task.definition.triggerSeconds * 1000
    if (this.#host.clock.nowMs() < earliestMs) {
      this.#wait(watched, earliestMs)
      return
    }
    watched.looking = true
    this.#host.track(this.#askFor(watched))
  }

  async #askFor(watched: Watched): Promise<void> {
    const { task } = watched
    do {
      watched.again = false
      const nowMs = this.#host.clock.nowMs()
      const due = watched.lastStartMs !== null && nowMs >= watched.lastStartMs + healthMs
      const found = due || (await this.#host.hasData(task))
      if (this.#watched.get(task.id) !== watched) return
      if (!found) continue
      // Somebody has executed it by hand meanwhile; its end looks again.
      if (this.#host.isRunning(task.id)) {
        watched.looking = false
        return
      }
      watched.lastStartMs = nowMs
      watched.cancel()
      watched.looking = false
      this.#host.start(task, nowMs)
      return
    } while (isAskedAgain(watched))
    watched.looking = false
    watched.lastStartMs ??= this.#host.clock.nowMs() - task.definition.triggerSeconds * 1000
    this.#wait(watched, watched.lastStartMs + healthMs)
  }

  #wait(watched: Watched, untilMs: number): void {
    watched.cancel()
    watched.cancel = this.#host.clock.at(untilMs, () => {
      this.#look(watched)
    })
  }
}
