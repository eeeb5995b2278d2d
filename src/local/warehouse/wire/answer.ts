/**
 * The answers of the driver's protocol: a result, a refusal, or "not yet". Knows shapes and codes, no sessions and no SQL.
 */
import type { Result, ResultColumn, SessionState } from '../engine.ts'
import { SqlError, type SqlType } from '../sql/statement.ts'

export type Answer = {
  readonly success: boolean
  readonly code: string | null
  readonly message: string | null
  readonly data: unknown
}

export function success(data: unknown): Answer {
  return { success: true, code: null, message: null, data }
}

/** Every refusal carries an SQL state: without one the driver sends the same statement again. */
export function refusal(error: SqlError, queryId: string | null): Answer {
  const { code, sqlState, message } = error
  return {
    success: false,
    code,
    message,
    data: { internalError: false, errorCode: code, sqlState, queryId, line: -1, pos: -1 },
  }
}

/** What the SQL is not to blame for: a defect of the development warehouse, named as Snowflake names its own. */
export function internalError(error: unknown): SqlError {
  const reason = error instanceof Error ? error.message : String(error)
  return new SqlError('000603', 'XX000', `SQL execution internal error in the development warehouse: ${reason}`, {
    cause: error,
  })
}

/** Codes of a statement that goes on: the client asks again, or (detached) when it likes. */
const inProgress = { waiting: '333333', detached: '333334' } as const

export function notYet(queryId: string, how: keyof typeof inProgress): Answer {
  const message = how === 'waiting' ? 'Query execution in progress.' : 'Query execution in progress, detached.'
  return {
    success: true,
    code: inProgress[how],
    message,
    data: { queryId, getResultUrl: `/queries/${queryId}/result`, queryAbortsAfterSecs: null, progressDesc: null },
  }
}

/** The driver counts the rows of a DML only where the type says that it is one. */
const statementTypeIds: Readonly<Record<Result['kind'], number>> = {
  select: 0x1000,
  show: 0x1000,
  insert: 0x3100,
  update: 0x3200,
  delete: 0x3300,
  merge: 0x3400,
  ddl: 0x6000,
}

export function resultAnswer(result: Result, state: SessionState, queryId: string): Answer {
  return success({
    ...sessionNames(state),
    queryId,
    parameters: parameters(state),
    rowtype: result.columns.map(rowType),
    rowset: result.rows,
    returned: result.rows.length,
    total: result.rows.length,
    statementTypeId: statementTypeIds[result.kind],
    queryResultFormat: 'json',
    version: 1,
    arrayBindSupported: true,
  })
}

/** The answer to several statements in one text: where the result of each is fetched. */
export function multipleAnswer(
  children: readonly { readonly id: string; readonly kind: Result['kind'] }[],
  state: SessionState,
  queryId: string,
): Answer {
  return success({
    ...sessionNames(state),
    queryId,
    parameters: parameters(state),
    rowtype: [],
    rowset: [],
    returned: 0,
    total: 0,
    statementTypeId: 0xa000,
    queryResultFormat: 'json',
    version: 1,
    resultIds: children.map(({ id }) => id).join(','),
    resultTypes: children.map(({ kind }) => statementTypeIds[kind]).join(','),
  })
}

function sessionNames(state: SessionState): Record<string, string | null> {
  return {
    finalDatabaseName: state.database,
    finalSchemaName: state.schema,
    finalWarehouseName: state.warehouse,
    finalRoleName: state.role,
  }
}

/** What drivers need to read values, unless the session has set it otherwise. */
const parameterDefaults: Readonly<Record<string, string | number | boolean>> = {
  AUTOCOMMIT: true,
  BINARY_OUTPUT_FORMAT: 'HEX',
  // No stage for binds: above the threshold drivers would try one.
  CLIENT_STAGE_ARRAY_BINDING_THRESHOLD: 2_147_483_647,
  DATE_OUTPUT_FORMAT: 'YYYY-MM-DD',
  JDBC_QUERY_RESULT_FORMAT: 'JSON',
  JS_TREAT_INTEGER_AS_BIGINT: false,
  PYTHON_CONNECTOR_QUERY_RESULT_FORMAT: 'JSON',
  TIMESTAMP_LTZ_OUTPUT_FORMAT: '',
  TIMESTAMP_NTZ_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3',
  TIMESTAMP_OUTPUT_FORMAT: 'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM',
  TIMESTAMP_TZ_OUTPUT_FORMAT: '',
  TIMEZONE: 'UTC',
  TIME_OUTPUT_FORMAT: 'HH24:MI:SS',
}

export function parameters(state: SessionState): { name: string; value: string | number | boolean }[] {
  const values = { ...parameterDefaults, ...Object.fromEntries(state.parameters) }
  return Object.entries(values).map(([name, value]) => ({ name, value }))
}

function rowType({ name, type, nullable }: ResultColumn): Record<string, unknown> {
  const unknown = { database: '', schema: '', table: '', precision: null, scale: null, length: null, byteLength: null }
  return { name, nullable, collation: null, ...unknown, ...typeOnTheWire(type) }
}

function typeOnTheWire(type: SqlType): Record<string, unknown> {
  switch (type.kind) {
    case 'number':
      return { type: 'fixed', precision: type.precision, scale: type.scale }
    case 'varchar':
      return { type: 'text', length: type.length, byteLength: Math.min(type.length * 4, 134_217_728) }
    case 'float':
      return { type: 'real' }
    case 'boolean':
    case 'variant':
    case 'object':
    case 'array':
    case 'date':
      return { type: type.kind }
    case 'timestamp_ntz':
    case 'timestamp_ltz':
    case 'timestamp_tz':
    case 'time':
      return { type: type.kind, precision: 0, scale: type.scale }
  }
}
