/**
 * CREATE TASK: its compute, schedule and condition. The body is any statement of the set, a block above all.
 */
import { type Cron, parseCron } from './cron.ts'
import type { Cursor } from './cursor.ts'
import { nameInText } from './cursor.ts'
import type { Head } from './parse-create.ts'
import { parseExpression } from './parse-expression.ts'
import { choice, parseOptions } from './parse-options.ts'
import { parseStatementAt } from './parse-statement.ts'
import type { Name, Statement } from './statement.ts'

const unitSeconds: Readonly<Record<string, number>> = { S: 1, SECOND: 1, M: 60, MINUTE: 60, H: 3600, HOUR: 3600 }
/** 11520 minutes: Snowflake's CREATE TASK. */
const everySecondsMax = 8 * 24 * 3600
const everySecondsMin = 10
const suspendAfterFailuresDefault = 10
const triggerSecondsDefault = 30

/** Of a schedule that is one: either an interval or a cron expression. */
type Schedule = { readonly schedule: string; readonly everySeconds: number | null; readonly cron: Cron | null }

function readSchedule(cursor: Cursor): Schedule {
  const token = cursor.peek()
  const schedule = cursor.string()
  const [, expression] = /^\s*USING\s+CRON\s+(.*)$/is.exec(schedule) ?? []
  if (expression !== undefined) {
    const cron = parseCron(expression)
    if (cron === null) throw cursor.refuse(token, 'A cron expression has five fields and a time zone.')
    return { schedule, everySeconds: null, cron }
  }
  const everySeconds = seconds(schedule)
  if (everySeconds === null) {
    throw cursor.refuse(token, "The development warehouse knows schedules such as '10 SECONDS' and '1 MINUTE'.")
  }
  if (everySeconds < everySecondsMin || everySeconds > everySecondsMax) {
    throw cursor.refuse(token, 'A schedule lies between 10 seconds and 11520 minutes.')
  }
  return { schedule, everySeconds, cron: null }
}

/** `10 SECONDS`, `1 m`; null where it is no such text. */
function seconds(text: string): number | null {
  const [, amount = '', unit = ''] = /^\s*(\d+)\s+([A-Za-z]+)\s*$/.exec(text) ?? []
  const each = unitSeconds[unit.toUpperCase()] ?? unitSeconds[unit.toUpperCase().replace(/S$/, '')]
  return each === undefined ? null : Number(amount) * each
}

/** How long a run may take, to size the compute of a serverless task: Snowflake's CREATE TASK. */
function readCompletion(cursor: Cursor): string {
  const token = cursor.peek()
  const text = cursor.string()
  const interval = seconds(text)
  if (interval === null || interval < everySecondsMin || interval > 24 * 3600) {
    throw cursor.refuse(token, "TARGET_COMPLETION_INTERVAL lies between '10 SECONDS' and '24 HOURS'.")
  }
  return text
}

function readTriggerSeconds(cursor: Cursor): number {
  const token = cursor.peek()
  const interval = cursor.integer()
  if (interval < everySecondsMin || interval > 604_800) {
    throw cursor.refuse(token, 'USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS lies between 10 and 604800.')
  }
  return interval
}

type Condition = { readonly whenStream: Name | null; readonly condition: string | null }

function readCondition(cursor: Cursor): Condition {
  if (!cursor.accept('WHEN')) return { whenStream: null, condition: null }
  const token = cursor.peek()
  const call = parseExpression(cursor)
  const [arg] = call.kind === 'call' ? call.args : []
  if (
    call.kind !== 'call' ||
    call.name !== 'SYSTEM$STREAM_HAS_DATA' ||
    call.args.length !== 1 ||
    arg?.kind !== 'string'
  ) {
    throw cursor.refuse(token, "The development warehouse knows WHEN SYSTEM$STREAM_HAS_DATA('stream') only.")
  }
  return { whenStream: nameInText(arg.value), condition: cursor.text.slice(token?.start, cursor.peek(-1)?.end) }
}

function readOptions(cursor: Cursor) {
  const given = parseOptions(cursor, {
    WAREHOUSE: () => cursor.identifier(),
    USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE: () =>
      choice(cursor, 'XSMALL', 'SMALL', 'MEDIUM', 'LARGE', 'XLARGE', 'XXLARGE'),
    SCHEDULE: () => readSchedule(cursor),
    TARGET_COMPLETION_INTERVAL: () => readCompletion(cursor),
    USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS: () => readTriggerSeconds(cursor),
    SUSPEND_TASK_AFTER_NUM_FAILURES: () => cursor.integer(),
    COMMENT: () => cursor.string(),
  })
  const warehouse = given.WAREHOUSE ?? null
  const managedSize = given.USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE ?? null
  if (warehouse !== null && managedSize !== null) {
    throw cursor.refuse(undefined, 'WAREHOUSE and USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE exclude each other.')
  }
  const targetCompletion = given.TARGET_COMPLETION_INTERVAL ?? null
  if (warehouse !== null && targetCompletion !== null) {
    throw cursor.refuse(undefined, 'TARGET_COMPLETION_INTERVAL is for serverless tasks: it excludes WAREHOUSE.')
  }
  const schedule = given.SCHEDULE ?? { schedule: null, everySeconds: null, cron: null }
  const triggerSeconds = given.USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS ?? triggerSecondsDefault
  const suspendAfterFailures = given.SUSPEND_TASK_AFTER_NUM_FAILURES ?? suspendAfterFailuresDefault
  const compute = { warehouse, managedSize, targetCompletion }
  return { ...compute, ...schedule, triggerSeconds, suspendAfterFailures, comment: given.COMMENT ?? null }
}

export function parseTask(cursor: Cursor, head: Head): Statement {
  const options = readOptions(cursor)
  const condition = readCondition(cursor)
  const serverless = options.warehouse === null
  if (options.schedule === null && condition.whenStream && serverless && options.targetCompletion === null) {
    throw cursor.refuse(undefined, 'A serverless task without SCHEDULE needs TARGET_COMPLETION_INTERVAL.')
  }
  cursor.expect('AS')
  const start = cursor.peek()?.start
  const body = cursor.nested(() => parseStatementAt(cursor))
  const definition = cursor.text.slice(start, cursor.peek(-1)?.end)
  return { kind: 'create task', ...head, ...options, ...condition, body, definition }
}
