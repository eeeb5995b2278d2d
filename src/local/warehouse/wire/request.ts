/**
 * Reads what a client asks for out of JSON that anyone may have sent. What would change the meaning of a statement and is
 * not supported is refused by name; a client's own bookkeeping is not looked at.
 */
import type { Bind } from '../engine.ts'
import { SqlError } from '../sql/statement.ts'
import { HttpError, isObject, type JsonObject } from './http.ts'

export type LoginRequest = {
  readonly account: string
  readonly user: string
  readonly authenticator: 'SNOWFLAKE' | 'SNOWFLAKE_JWT'
  readonly password: string
  readonly token: string
  readonly parameters: ReadonlyMap<string, string | number | boolean>
}

/** @throws HttpError, SqlError */
export function readLogin(body: JsonObject): LoginRequest {
  const data = body['data']
  if (!isObject(data)) throw new HttpError(400, 'the login has no data')
  const authenticator = (text(data, 'AUTHENTICATOR') || 'SNOWFLAKE').toUpperCase()
  if (authenticator !== 'SNOWFLAKE' && authenticator !== 'SNOWFLAKE_JWT') {
    throw unsupported(`AUTHENTICATOR = ${authenticator}`)
  }
  return {
    account: text(data, 'ACCOUNT_NAME').toUpperCase(),
    user: text(data, 'LOGIN_NAME').toUpperCase(),
    authenticator,
    password: text(data, 'PASSWORD'),
    token: text(data, 'TOKEN'),
    parameters: sessionParameters(data['SESSION_PARAMETERS']),
  }
}

/** Parameters of a login that concern the client alone. */
const clientParameter = /^(CLIENT|PYTHON|JDBC|ODBC|GO|JS|GCS|C_API)_/

/** Others that may be named at login, with the values that are known here. */
const knownParameters: Readonly<Record<string, readonly unknown[]>> = {
  ABORT_DETACHED_QUERY: [false],
  AUTOCOMMIT: [true, false],
  QUOTED_IDENTIFIERS_IGNORE_CASE: [false],
  TIMEZONE: ['UTC', 'Etc/UTC'],
}

function sessionParameters(value: unknown): Map<string, string | number | boolean> {
  const accepted = new Map<string, string | number | boolean>()
  for (const [given, setting] of Object.entries(isObject(value) ? value : {})) {
    if (setting === null) continue
    const name = given.toUpperCase()
    const known = clientParameter.test(name) || name === 'QUERY_TAG' || knownParameters[name]?.includes(setting)
    const plain = typeof setting === 'string' || typeof setting === 'number' || typeof setting === 'boolean'
    if (!known || !plain) throw unsupported(`session parameter ${name} = ${JSON.stringify(setting)}`)
    accepted.set(name, setting)
  }
  return accepted
}

export type QueryRequest = {
  readonly sql: string
  readonly binds: Readonly<Record<string, Bind>>
  /** 0: any number; null: as the session says, else 1 */
  readonly statementCount: number | null
  /** answer at once, keep the result */
  readonly detached: boolean
}

/** @throws HttpError, SqlError */
export function readQuery(body: JsonObject): QueryRequest {
  const { sqlText } = body
  if (typeof sqlText !== 'string') throw new HttpError(400, 'the request has no sqlText')
  if (body['describeOnly'] === true) throw unsupported('describeOnly')
  if (body['bindStage'] !== undefined && body['bindStage'] !== null) throw unsupported('bindStage')
  return {
    sql: sqlText,
    binds: readBinds(body['bindings']),
    statementCount: readStatementCount(body['parameters']),
    detached: body['asyncExec'] === true,
  }
}

function readStatementCount(parameters: unknown): number | null {
  let count: number | null = null
  for (const [name, value] of Object.entries(isObject(parameters) ? parameters : {})) {
    if (name.toUpperCase() !== 'MULTI_STATEMENT_COUNT') throw unsupported(`statement parameter ${name}`)
    count = Number(value)
    if (!Number.isInteger(count) || count < 0) throw new HttpError(400, 'MULTI_STATEMENT_COUNT is no count')
  }
  return count
}

function readBinds(bindings: unknown): Record<string, Bind> {
  const binds: Record<string, Bind> = {}
  for (const [place, bind] of Object.entries(isObject(bindings) ? bindings : {})) {
    const { type, value = null } = isObject(bind) ? bind : {}
    if (typeof type !== 'string' || !isBindValue(value)) throw new HttpError(400, `bind ${place} has no type and text`)
    binds[place] = { type: type.toUpperCase(), value }
  }
  return binds
}

function isBindValue(value: unknown): value is Bind['value'] {
  return isText(value) || (Array.isArray(value) && value.every(isText))
}

function isText(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

/** A name given at login, as Snowflake resolves it: in upper case, unless it stands in double quotes. */
export function identifier(given: string | null): string | null {
  if (given === null || given === '') return null
  const quoted = /^"(.*)"$/s.exec(given)?.[1]
  return quoted === undefined ? given.toUpperCase() : quoted.replaceAll('""', '"')
}

export function unsupported(what: string): SqlError {
  return new SqlError('000002', '0A000', `Unsupported feature '${what}': the development warehouse does not know it.`)
}

function text(data: JsonObject, member: string): string {
  const value = data[member]
  return typeof value === 'string' ? value : ''
}
