/**
 * Names the driver's errors in Firn's words. Decides by the driver's error classes and Snowflake's codes alone.
 */
import { Failure } from '../failure.ts'

/** What of the driver's errors is read; all of it may be missing. */
type DriverError = {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly sqlState?: unknown
  readonly data?: { readonly queryId?: unknown }
  readonly cause?: { readonly code?: unknown }
  readonly response?: { readonly statusCode?: unknown }
}

/** 390104 unknown token, 390111 session gone, 390112 token expired and not renewed, 390114 master token expired. */
const sessionCodes = new Set(['390104', '390111', '390112', '390114'])

/** The driver's own: a request, or the end, of a session that it has given up already. */
const disconnectedCodes = new Set(['407002', '406502'])

/** Snowflake has ended the session, or a restart lost it: a new login is needed. */
export function endsSession(error: unknown): boolean {
  const { code } = asDriverError(error)
  const text = textOf(code)
  return sessionCodes.has(text) || disconnectedCodes.has(text)
}

/** Nothing answered, or what answered was not Snowflake. */
export function isUnreachable(error: unknown): boolean {
  const { name } = asDriverError(error)
  return name === 'NetworkError' || name === 'RequestFailedError' || name === 'UnexpectedContentError'
}

/** `who` is logging in where, for the message. */
export function loginFailure(error: unknown, who: string): Failure {
  if (error instanceof Failure) return error
  if (isUnreachable(error)) {
    return new Failure('WAREHOUSE_UNREACHABLE', `${who}: ${networkReason(error)}`, { cause: error })
  }
  const { name, message } = asDriverError(error)
  if (name === 'OperationFailedError') {
    return new Failure('WAREHOUSE_DENIED', `${who}: ${textOf(message)}${details(error)}`, { cause: error })
  }
  return new Failure('CONFIG_INVALID', `warehouse: ${textOf(message)}`, { cause: error })
}

export function statementFailure(error: unknown, sql: string): Failure {
  if (error instanceof Failure) return error
  const what = `statement "${firstLine(sql)}"`
  if (endsSession(error)) {
    return new Failure('WAREHOUSE_UNREACHABLE', `${what}: the session has ended, the next statement starts a new one`, {
      cause: error,
    })
  }
  if (isUnreachable(error)) {
    return new Failure('WAREHOUSE_UNREACHABLE', `${what}: ${networkReason(error)}`, { cause: error })
  }
  const { name, message } = asDriverError(error)
  if (name === 'OperationFailedError') {
    // One line, as every message of a failure.
    const words = textOf(message).replace(/\s*\n\s*/g, ' ')
    return new Failure('STATEMENT_FAILED', `${what}: ${words}${details(error)}`, { cause: error })
  }
  return new Failure('UNKNOWN', `${what}: ${textOf(message)}`, { cause: error })
}

/** Snowflake's code, SQL state and query id, as far as they came along. */
function details(error: unknown): string {
  const { code, sqlState, data } = asDriverError(error)
  const parts = [
    ['code', code],
    ['SQL state', sqlState],
    ['query', data?.queryId],
  ].flatMap(([label, value]) => (textOf(value) === '' ? [] : [`${textOf(label)} ${textOf(value)}`]))
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`
}

function networkReason(error: unknown): string {
  const { message, cause, response } = asDriverError(error)
  const status = textOf(response?.statusCode)
  if (status !== '') return `answered with HTTP status ${status}`
  return textOf(cause?.code) || textOf(message) || 'no answer'
}

/** Enough to recognise a statement by: its first line that is no comment. */
function firstLine(sql: string): string {
  const line = sql.split('\n').find((text) => text.trim() !== '' && !text.trim().startsWith('--')) ?? ''
  return line.trim().slice(0, 100)
}

function asDriverError(error: unknown): DriverError {
  return typeof error === 'object' && error !== null ? error : {}
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
