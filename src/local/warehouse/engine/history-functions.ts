/**
 * TABLE(INFORMATION_SCHEMA.COPY_HISTORY(...)) and TASK_HISTORY(...): the documented columns; what the development
 * warehouse has no notion of is NULL.
 */
import { missing, wholeName } from '../sql/name-resolution.ts'
import { parseName } from './object-name.ts'
import type { Relation, Typed } from '../sql/scope.ts'
import type { Standing } from './standing.ts'
import { type Name, SqlError, type SqlType } from '../sql/statement.ts'
import type { Cell } from './store.ts'
import { constant, quoted } from '../sql/duck-text.ts'
import { timeOf } from './store-text.ts'
import { textType, timeType } from './outcome.ts'
import { duckType } from '../sql/sql-type.ts'

type Arguments = Readonly<Record<string, Typed>>
type Call = {
  readonly standing: Standing
  readonly args: Arguments
  readonly parameters: Readonly<Record<string, Cell>>
}

const countType: SqlType = { kind: 'number', precision: 18, scale: 0 }
/** A column, its type, and its DuckDB expression; NULL without one. */
type HistoryColumn = readonly [name: string, type: SqlType, sql?: string]

const copyColumns = (catalogNames: readonly string[]): readonly HistoryColumn[] => [
  ['FILE_NAME', textType, 'file_name'],
  ['STAGE_LOCATION', textType, 'stage_location'],
  ['LAST_LOAD_TIME', timeType, timeOf('loaded_ms')],
  ['ROW_COUNT', countType, 'row_count'],
  ['ROW_PARSED', countType, 'row_parsed'],
  ['FILE_SIZE', countType, 'file_size'],
  ['FIRST_ERROR_MESSAGE', textType, 'first_error'],
  ['FIRST_ERROR_LINE_NUMBER', countType],
  ['FIRST_ERROR_CHARACTER_POS', countType],
  ['FIRST_ERROR_COLUMN_NAME', textType],
  ['ERROR_COUNT', countType, 'error_count'],
  ['ERROR_LIMIT', countType],
  ['STATUS', textType, 'status'],
  ['TABLE_CATALOG_NAME', textType, constant(catalogNames[0] ?? '')],
  ['TABLE_SCHEMA_NAME', textType, constant(catalogNames[1] ?? '')],
  ['TABLE_NAME', textType, constant(catalogNames[2] ?? '')],
  ['PIPE_CATALOG_NAME', textType, `json_extract_string(pipe, '$[0]')`],
  ['PIPE_SCHEMA_NAME', textType, `json_extract_string(pipe, '$[1]')`],
  ['PIPE_NAME', textType, `json_extract_string(pipe, '$[2]')`],
  ['PIPE_RECEIVED_TIME', timeType, timeOf('received_ms')],
  ['BYTES_BILLED', countType],
]

const taskColumns: readonly HistoryColumn[] = [
  ['QUERY_ID', textType, 'run_id'],
  ['NAME', textType, `json_extract_string(name, '$[2]')`],
  ['DATABASE_NAME', textType, `json_extract_string(name, '$[0]')`],
  ['SCHEMA_NAME', textType, `json_extract_string(name, '$[1]')`],
  ['QUERY_TEXT', textType, 'query_text'],
  ['CONDITION_TEXT', textType, 'condition_text'],
  ['STATE', textType, 'state'],
  ['ERROR_CODE', textType, 'error_code'],
  ['ERROR_MESSAGE', textType, 'error_message'],
  ['SCHEDULED_TIME', timeType, timeOf('scheduled_ms')],
  ['QUERY_START_TIME', timeType, timeOf('started_ms')],
  ['NEXT_SCHEDULED_TIME', timeType],
  ['COMPLETED_TIME', timeType, timeOf('completed_ms')],
  ['ROOT_TASK_ID', textType, 'CAST(task_id AS VARCHAR)'],
  ['GRAPH_VERSION', countType],
  ['RUN_ID', textType, 'run_id'],
  ['RETURN_VALUE', textType],
  ['SCHEDULED_FROM', textType, 'scheduled_from'],
]

/** @throws SqlError where there is no such function, or an argument is missing or not known */
export async function historyRelation(
  standing: Standing,
  name: Name,
  args: Arguments,
  parameters: Readonly<Record<string, Cell>>,
): Promise<Relation> {
  const call = { standing, args, parameters }
  const known = name.length === 1 || (name.length <= 3 && name.at(-2) === 'INFORMATION_SCHEMA')
  if (known && name.at(-1) === 'COPY_HISTORY') return copyHistory(call)
  if (known && name.at(-1) === 'TASK_HISTORY') return taskHistory(call)
  throw new SqlError('002140', '42601', `SQL compilation error:\nUnknown table function ${name.join('.')}.`)
}

async function copyHistory(call: Call): Promise<Relation> {
  checkArguments(call, ['TABLE_NAME', 'START_TIME', 'END_TIME', 'PIPE_NAME'])
  const { access } = call.standing
  const tableName = await textArgument(call, 'TABLE_NAME')
  if (tableName === null || !call.args['START_TIME']) {
    throw new SqlError('000938', '22023', 'SQL compilation error:\nCOPY_HISTORY needs TABLE_NAME and START_TIME.')
  }
  const table = access.existing('table', parseName(tableName), ['SELECT', 'INSERT'])
  const conditions = [`table_id = ${String(table.id)}`, ...timeConditions(call, 'loaded_ms', 'START_TIME', 'END_TIME')]
  const pipeName = await textArgument(call, 'PIPE_NAME')
  if (pipeName !== null) {
    const pipe = access.existing('pipe', parseName(pipeName))
    conditions.push(`pipe_id = ${String(pipe.id)}`)
  }
  return historyOf('copy_history', copyColumns(table.name), conditions, 'ORDER BY loaded_ms DESC')
}

/** Without TASK_NAME, the runs of all tasks of the current database; of those that the role may watch. */
async function taskHistory(call: Call): Promise<Relation> {
  checkArguments(call, [
    'SCHEDULED_TIME_RANGE_START',
    'SCHEDULED_TIME_RANGE_END',
    'RESULT_LIMIT',
    'TASK_NAME',
    'ERROR_ONLY',
  ])
  const { core, access } = call.standing
  const [database = ''] = wholeName('schema', ['PUBLIC'], access.place)
  const conditions = [
    `json_extract_string(name, '$[0]') = ${constant(database)}`,
    ...timeConditions(call, 'scheduled_ms', 'SCHEDULED_TIME_RANGE_START', 'SCHEDULED_TIME_RANGE_END'),
  ]
  if (!access.mayOnAccount('MONITOR EXECUTION')) {
    const watched = core.catalog.list('task').filter((one) => access.may(one, ['MONITOR', 'OPERATE']))
    conditions.push(`list_contains([${watched.map(({ id }) => String(id)).join(', ')}]::BIGINT[], task_id)`)
  }
  const task = await textArgument(call, 'TASK_NAME')
  if (task !== null) {
    const [only = '', ...others] = parseName(task)
    if (others.length > 0) throw missing('task', [only, ...others])
    conditions.push(`json_extract_string(name, '$[2]') = ${constant(only)}`)
  }
  if (call.args['ERROR_ONLY']) conditions.push(`(NOT (${call.args['ERROR_ONLY'].sql}) OR state LIKE 'FAILED%')`)
  const limit = Number((await textArgument(call, 'RESULT_LIMIT')) ?? 100)
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
    throw new SqlError('000938', '22023', 'SQL compilation error:\nRESULT_LIMIT is a number from 1 to 10000.')
  }
  return historyOf(
    'task_history',
    taskColumns,
    conditions,
    `ORDER BY scheduled_ms DESC, started_ms DESC LIMIT ${String(limit)}`,
  )
}

function historyOf(
  table: string,
  columns: readonly HistoryColumn[],
  conditions: readonly string[],
  tail: string,
): Relation {
  const list = columns.map(([name, type, sql]) => `CAST(${sql ?? 'NULL'} AS ${duckType(type)}) AS ${quoted(name)}`)
  const sql = `(SELECT ${list.join(', ')} FROM _catalog.${table} WHERE ${conditions.join(' AND ')} ${tail})`
  return { sql, columns: columns.map(([name, type]) => ({ name, type })) }
}

function checkArguments({ args }: Call, known: readonly string[]): void {
  const unknown = Object.keys(args).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new SqlError(
      '000938',
      '22023',
      `SQL compilation error:\nThere is no argument ${unknown}; there are ${known.join(', ')}.`,
    )
  }
}

function timeConditions({ args }: Call, column: string, from: string, to: string): string[] {
  const conditions: string[] = []
  if (args[from]) conditions.push(`${timeOf(column)} >= CAST(${args[from].sql} AS TIMESTAMP WITH TIME ZONE)`)
  if (args[to]) conditions.push(`${timeOf(column)} <= CAST(${args[to].sql} AS TIMESTAMP WITH TIME ZONE)`)
  return conditions
}

/** An argument's value; null where it is not given. */
async function textArgument({ standing, args, parameters }: Call, name: string): Promise<Cell> {
  const argument = args[name]
  if (!argument) return null
  const { rows } = await standing.transaction.read(`SELECT CAST(${argument.sql} AS VARCHAR)`, parameters)
  return rows[0]?.[0] ?? null
}
