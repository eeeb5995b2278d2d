/**
 * What became of each run of a task, for TASK_HISTORY: written when a run starts and when it ends, kept for seven days.
 */
import type { CatalogObject } from './catalog.ts'
import { type Core, writing } from './core.ts'
import type { SqlError } from '../sql/statement.ts'
import type { Transaction } from './transaction.ts'

export type TaskRun = {
  readonly runId: string
  readonly task: CatalogObject<'task'>
  readonly scheduledMs: number
  readonly scheduledFrom: 'SCHEDULE' | 'TRIGGER' | 'EXECUTE TASK'
}

export type TaskState = 'EXECUTING' | 'SUCCEEDED' | 'FAILED' | 'FAILED_AND_AUTO_SUSPENDED' | 'SKIPPED'

type Outcome = { readonly state: TaskState; readonly error: Pick<SqlError, 'code' | 'message'> | null }

const keptMs = 7 * 24 * 3600 * 1000

/** As Snowflake says it of a run whose WHEN was false. */
export const conditionFalse = {
  code: '0040003',
  message: 'Conditional expression for task evaluated to false.',
} as const

export async function recordRun(
  core: Core,
  transaction: Transaction,
  { runId, task, scheduledMs, scheduledFrom }: TaskRun,
  { state, error }: Outcome,
): Promise<void> {
  const now = String(core.clock.nowMs())
  await transaction.write('DELETE FROM _catalog.task_history WHERE scheduled_ms < CAST($before AS BIGINT)', {
    before: String(core.clock.nowMs() - keptMs),
  })
  await transaction.write(
    `INSERT INTO _catalog.task_history VALUES (
      $run_id, CAST($task_id AS BIGINT), $name, $query_text, $condition_text, $state, $code, $message,
      CAST($scheduled AS BIGINT), CAST($started AS BIGINT), CAST($completed AS BIGINT), $scheduled_from)`,
    {
      run_id: runId,
      task_id: String(task.id),
      name: JSON.stringify(task.name),
      query_text: task.definition.definition,
      condition_text: task.definition.condition,
      state,
      code: error?.code ?? null,
      message: error?.message ?? null,
      scheduled: String(scheduledMs),
      started: state === 'SKIPPED' ? null : now,
      completed: state === 'EXECUTING' ? null : now,
      scheduled_from: scheduledFrom,
    },
  )
}

export async function recordEnd(
  core: Core,
  transaction: Transaction,
  runId: string,
  { state, error }: Outcome,
): Promise<void> {
  await transaction.write(
    `UPDATE _catalog.task_history
     SET state = $state, error_code = $code, error_message = $message, completed_ms = CAST($now AS BIGINT) WHERE run_id = $run_id`,
    {
      state,
      code: error?.code ?? null,
      message: error?.message ?? null,
      now: String(core.clock.nowMs()),
      run_id: runId,
    },
  )
}

/** Runs that a kill interrupted; what they had not committed is rolled back by then. */
export async function closeInterruptedRuns(core: Core): Promise<void> {
  await writing(core, async (transaction) => {
    await transaction.write(
      `UPDATE _catalog.task_history SET state = 'FAILED', error_code = '000604', completed_ms = CAST($now AS BIGINT),
       error_message = 'The development warehouse was stopped while the task ran.' WHERE state = 'EXECUTING'`,
      { now: String(core.clock.nowMs()) },
    )
  })
}
