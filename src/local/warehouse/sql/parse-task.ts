/**
 * CREATE TASK: its compute, schedule and condition. The body is any statement of the set, a block above all.
 */
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

type Schedule = { readonly schedule: string; readonly everySeconds: number }

function readSchedule(cursor: Cursor): Schedule {
  const token = cursor.peek()
  const schedule = cursor.string()
  const [, amount = '', unit = ''] = /^\s*(\d+)\s+([A-Za-z]+)\s*$/.exec(schedule) ?? []
  const seconds = unitSeconds[unit.toUpperCase()] ?? unitSeconds[unit.toUpperCase().replace(/S$/, '')]
  if (seconds === undefined) {
    throw cursor.refuse(token, "The development warehouse knows schedules such as '10 SECONDS' and '1 MINUTE'.")
  }
  const everySeconds = Number(amount) * seconds
  if (everySeconds < everySecondsMin || everySeconds > everySecondsMax) {
    throw cursor.refuse(token, 'A schedule lies between 10 seconds and 11520 minutes.')
  }
  return { schedule, everySeconds }
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
    SUSPEND_TASK_AFTER_NUM_FAILURES: () => cursor.integer(),
    COMMENT: () => cursor.string(),
  })
  const warehouse = given.WAREHOUSE ?? null
  const managedSize = given.USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE ?? null
  if (given.SCHEDULE === undefined) throw cursor.refuse(undefined, 'The development warehouse needs SCHEDULE.')
  if (warehouse !== null && managedSize !== null) {
    throw cursor.refuse(undefined, 'WAREHOUSE and USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE exclude each other.')
  }
  const suspendAfterFailures = given.SUSPEND_TASK_AFTER_NUM_FAILURES ?? suspendAfterFailuresDefault
  return { warehouse, managedSize, ...given.SCHEDULE, suspendAfterFailures, comment: given.COMMENT ?? null }
}

export function parseTask(cursor: Cursor, head: Head): Statement {
  const options = readOptions(cursor)
  const condition = readCondition(cursor)
  cursor.expect('AS')
  const start = cursor.peek()?.start
  const body = parseStatementAt(cursor)
  const definition = cursor.text.slice(start, cursor.peek(-1)?.end)
  return { kind: 'create task', ...head, ...options, ...condition, body, definition }
}
