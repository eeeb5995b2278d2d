/**
 * Turns the columns of a landing row back into the message that they came from: the inverse of how the ingester writes key,
 * headers, value and the reason of a reject. Which rows are read is not decided here.
 */
import type { Message } from '../change.ts'
import { Failure } from '../failure.ts'

/** The column is text; a key that is not UTF-8 landed as its base64, and comes back as that. */
export function keyOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text)
}

/** Null for one whose bytes lie on the stage. */
export function rawOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64')
}

/**
 * `[["name", "text"], ["name", {"base64": "..."}], ["name", null]]`; null where the message had none.
 *
 * @throws Failure UNKNOWN for a text that Firn does not write
 */
export function headersOf(text: string | null): Message['headers'] {
  if (text === null) return []
  const found = headersIn(text)
  if (found) return found
  throw new Failure('UNKNOWN', 'the column headers of a landing row is not as Firn writes it')
}

function headersIn(text: string): Message['headers'] | null {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return null
  }
  if (!Array.isArray(list)) return null
  const headers: (readonly [string, Buffer | null])[] = []
  for (const pair of list as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) return null
    const [name, written] = pair as unknown[]
    const value = headerValue(written)
    if (typeof name !== 'string' || value === undefined) return null
    headers.push([name, value])
  }
  return headers
}

function headerValue(written: unknown): Buffer | null | undefined {
  if (written === null) return null
  if (typeof written === 'string') return Buffer.from(written)
  if (typeof written !== 'object' || !('base64' in written) || typeof written.base64 !== 'string') return undefined
  return Buffer.from(written.base64, 'base64')
}

/** Why a message was rejected: a code of the failure table, or of the merge, and what was seen. */
export type Rejection = { readonly code: string; readonly reason: string }

/** `CODE: reason` */
export function rejectionOf(error: string | null): Rejection {
  const [, code = 'UNKNOWN', reason = error ?? ''] = /^([A-Z][A-Z0-9_]*): ([^]*)$/.exec(error ?? '') ?? []
  return { code, reason }
}
