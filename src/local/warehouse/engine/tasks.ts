/**
 * Tasks: when each runs, and what its failures do. What it runs is a session's, what became of it task-history.ts's.
 */
import { randomUUID } from 'node:crypto'
import { Access } from './access.ts'
import type { CatalogObject } from './catalog.ts'
import { type Core, reading, writing } from './core.ts'
import { taskHindrance } from './hindrances.ts'
import { streamTable } from './standing.ts'
import { SqlError, type Statement } from '../sql/statement.ts'
import { streamHasData } from './streams.ts'
import { TaskTriggers } from './task-triggers.ts'
import { nextCronMs } from '../sql/cron.ts'
import { conditionFalse, recordEnd, recordRun, type TaskRun } from './task-history.ts'

type Task = CatalogObject<'task'>
type Timer = { readonly resumedMs: number; readonly cancel: () => void }

/** Runs a task's body in a session of its own, as the task's schema has it. */
export type RunBody = (task: Task, body: Statement) => Promise<void>

/**
 * The next time of an interval that counts from `resumedMs`, after `nowMs`.
 *
 * Invariant: later than now, and a whole number of intervals from the start.
 */
export function nextRunMs(resumedMs: number, everySeconds: number, nowMs: number): number {
  const everyMs = everySeconds * 1000
  const passed = Math.max(0, Math.floor((nowMs - resumedMs) / everyMs))
  return resumedMs + (passed + 1) * everyMs
}

/** When a started task is due by its schedule; null where it has none, or that never comes. */
function nextDueMs({ definition }: Task, nowMs: number): number | null {
  const { cron, everySeconds, resumedMs } = definition
  if (resumedMs === null) return null
  if (cron) return nextCronMs(cron, nowMs)
  return everySeconds === null ? null : nextRunMs(resumedMs, everySeconds, nowMs)
}

export class Tasks {
  readonly #core: Core
  readonly #runBody: RunBody
  readonly #timers = new Map<number, Timer>()
  /** tasks at work, and whether each is to run again at once */
  readonly #running = new Map<number, { again: boolean }>()
  readonly #work = new Set<Promise<void>>()
  readonly #triggers: TaskTriggers
  #closing = false

  constructor(core: Core, runBody: RunBody) {
    this.#core = core
    this.#runBody = runBody
    this.#triggers = new TaskTriggers({
      clock: core.clock,
      isRunning: (id) => this.#running.has(id),
      hasData: async (task) => (await this.#condition(task)) !== false,
      start: (task, atMs) => {
        this.#start(task.id, atMs, 'TRIGGER')
      },
      track: (work) => {
        this.#track(work)
      },
    })
  }

  /** Brings the timers in line with the catalogue. */
  changed(): void {
    if (this.#closing) return
    const started = new Map(
      this.#core.catalog
        .list('task')
        .filter(isStarted)
        .map((task) => [task.id, task]),
    )
    for (const [id, { resumedMs, cancel }] of this.#timers) {
      if (started.get(id)?.definition.resumedMs === resumedMs) continue
      cancel()
      this.#timers.delete(id)
    }
    for (const task of started.values()) if (!this.#timers.has(task.id)) this.#schedule(task)
    this.#triggers.follow([...started.values()])
  }

  /** Streams may have rows now. */
  committed(): void {
    if (!this.#closing) this.#triggers.poke()
  }

  /** One run as soon as the task is not running, suspended or not; its WHEN counts, as at a scheduled run. */
  execute(taskId: number): void {
    this.#start(taskId, this.#core.clock.nowMs(), 'EXECUTE TASK')
  }

  /** Waits for the runs at work. */
  async close(): Promise<void> {
    this.#closing = true
    for (const { cancel } of this.#timers.values()) cancel()
    this.#timers.clear()
    this.#triggers.close()
    await this.settled()
  }

  /** Resolves when no task is at work. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work)
  }

  #schedule(task: Task): void {
    const { resumedMs } = task.definition
    const { clock } = this.#core
    const atMs = nextDueMs(task, clock.nowMs())
    if (resumedMs === null || atMs === null) return
    const cancel = clock.at(atMs, () => {
      this.#timers.delete(task.id)
      this.#schedule(task)
      // A run that takes longer than the interval swallows the next one.
      if (!this.#running.has(task.id)) this.#start(task.id, atMs, 'SCHEDULE')
    })
    this.#timers.set(task.id, { resumedMs, cancel })
  }

  #start(taskId: number, scheduledMs: number, scheduledFrom: TaskRun['scheduledFrom']): void {
    const running = this.#running.get(taskId)
    if (running) {
      running.again = true
      return
    }
    if (this.#closing) return
    this.#running.set(taskId, { again: false })
    const run = this.#run(taskId, scheduledMs, scheduledFrom).finally(() => {
      const again = this.#running.get(taskId)?.again === true
      this.#running.delete(taskId)
      if (again) this.execute(taskId)
      else this.committed()
    })
    this.#track(run)
  }

  #track(run: Promise<void>): void {
    const work = run
      .catch((error: unknown) => {
        this.#core.logger.error({ err: error }, 'a task could not be run or recorded')
      })
      .finally(() => {
        this.#work.delete(work)
      })
    this.#work.add(work)
  }

  async #run(taskId: number, scheduledMs: number, scheduledFrom: TaskRun['scheduledFrom']): Promise<void> {
    const core = this.#core
    const task = this.#current(taskId)
    if (!task) return
    const run = { runId: randomUUID(), task, scheduledMs, scheduledFrom }
    const condition = await this.#condition(task)
    if (condition !== true) {
      const outcome =
        condition === false
          ? ({ state: 'SKIPPED', error: conditionFalse } as const)
          : ({ state: 'FAILED', error: condition } as const)
      await writing(core, async (transaction) => {
        await recordRun(core, transaction, run, outcome)
      })
      return
    }
    await writing(core, (transaction) => recordRun(core, transaction, run, { state: 'EXECUTING', error: null }))
    let error: SqlError | null = null
    try {
      await this.#runBody(task, task.definition.body)
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      error = thrown instanceof SqlError ? thrown : new SqlError('000603', 'XX000', message, { cause: thrown })
      core.logger.warn({ code: error.code, task: task.name.join('.') }, 'task failed; TASK_HISTORY has the error')
    }
    await this.#end(taskId, run.runId, error)
  }

  /** Notes the outcome; too many failures in a row suspend the task. */
  async #end(taskId: number, runId: string, error: SqlError | null): Promise<void> {
    const core = this.#core
    await writing(core, async (transaction) => {
      const task = this.#current(taskId)
      const failures = error ? (task?.definition.failures ?? 0) + 1 : 0
      const failuresMax = task?.definition.suspendAfterFailures ?? 0
      const suspend = task?.definition.state === 'started' && failuresMax > 0 && failures >= failuresMax
      const state = error ? (suspend ? 'FAILED_AND_AUTO_SUSPENDED' : 'FAILED') : 'SUCCEEDED'
      await recordEnd(core, transaction, runId, { state, error })
      if (!task || failures === task.definition.failures) return
      const suspended = suspend ? ({ state: 'suspended', suspendedReason: 'SUSPENDED_DUE_TO_ERRORS' } as const) : {}
      await core.catalog.change(transaction, task, { ...task.definition, failures, ...suspended })
    })
    this.changed()
  }

  /** Whether WHEN is true, asked with the rights of the task's owner; an error where it cannot be told. */
  async #condition(task: Task): Promise<boolean | SqlError> {
    const { whenStream } = task.definition
    const hindrance = taskHindrance(this.#core, task)
    if (hindrance) return hindrance
    if (!whenStream) return true
    const owner = new Access(this.#core, task.owner, { database: null, schema: null })
    try {
      return await reading(this.#core, async (transaction) => {
        const stream = owner.existing('stream', whenStream, 'SELECT')
        const table = streamTable(this.#core, stream)
        const { rows } = await transaction.read(streamHasData(table.id, await transaction.streamRange(stream.id)))
        if (rows.length === 0) this.#core.commits.freshness.lookedAt(stream.id)
        return rows.length > 0
      })
    } catch (error) {
      if (error instanceof SqlError) return error
      throw error
    }
  }

  #current(taskId: number): Task | null {
    return this.#core.catalog.list('task').find(({ id }) => id === taskId) ?? null
  }
}

function isStarted({ definition }: Task): boolean {
  return definition.state === 'started'
}
