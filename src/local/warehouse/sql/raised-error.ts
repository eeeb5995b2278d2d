/**
 * Errors that a translated statement raises inside DuckDB: their code travels in the message and is read back here.
 */
import { SqlError } from './statement.ts'

const mark = /\[(\d{6})\/([0-9A-Z]{5})\] ([^]*)/

/** DuckDB expression that fails with this error when it is evaluated; `message` is DuckDB text. */
export function raise(code: string, sqlState: string, message: string): string {
  return `error('[${code}/${sqlState}] ' || ${message})`
}

/** The same for a function written in JavaScript. */
export function raisedError(code: string, sqlState: string, message: string): Error {
  return new Error(`[${code}/${sqlState}] ${message}`)
}

/** The error that a DuckDB message carries, null where it is one of DuckDB's own. */
export function readRaised(message: string, cause?: unknown): SqlError | null {
  const match = mark.exec(message)
  if (match === null) return null
  const [, code = '', sqlState = '', text = ''] = match
  return new SqlError(code, sqlState, text, { cause })
}
