/**
 * A line of a file of messages, as an export or a snapshot gives them: one JSON object with key, value, timestamp and headers.
 * Where lines come from is file-source.ts's; what a value means, its dialect's.
 */
import { isUtf8 } from 'node:buffer'
import type { Message } from '../change.ts'
import { JsonError, JsonText, type JsonValue, root } from '../envelope/json-value.ts'

export type MessageLine = {
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** ms since 1970; null where the line gives none */
  readonly timestamp: bigint | null
  readonly headers: Message['headers']
}

/** Used for one line after the other. */
const lineText = new JsonText()

const known = ['key', 'value', 'timestamp', 'headers'] as const

/** What stands on a line; a text that says what is wrong with it. Values are sliced out byte for byte. */
export function parseMessageLine(line: Buffer): MessageLine | string {
  try {
    return messageLineOf(lineText, line)
  } finally {
    lineText.release()
  }
}

function messageLineOf(text: JsonText, line: Buffer): MessageLine | string {
  try {
    text.scan(line)
  } catch (error) {
    if (error instanceof JsonError) return isUtf8(line) ? `is no JSON: ${error.message}` : 'is not UTF-8'
    throw error
  }
  if (!text.isObject(root)) return 'is no JSON object'
  const members = new Map<string, JsonValue>()
  for (const member of text.membersOf(root)) {
    const name = text.nameOf(member)
    if (!known.some((one) => one === name)) {
      return `has a member ${JSON.stringify(name)}; known are ${known.join(', ')}, and a message stands in value`
    }
    members.set(name, member)
  }
  const value = members.get('value')
  if (value === undefined) return 'has no member "value"'
  for (const name of ['key', 'value']) {
    const member = members.get(name)
    const isText = member === undefined || text.stringOf(member)?.isWellFormed() !== false
    if (!isText) return `has a "${name}" with half of a surrogate pair, which is no text`
  }
  const timestamp = timestampOf(text, members.get('timestamp'))
  if (timestamp === undefined) return 'has a "timestamp" that is neither whole milliseconds nor an ISO 8601 time'
  const headers = headersOf(text, members.get('headers'))
  if (!headers) return 'has "headers" that are no object of texts'
  return { key: bytesOf(text, members.get('key')), value: bytesOf(text, value), timestamp, headers }
}

/** A string's text, and anything else as it is written; null where there is nothing. */
function bytesOf(line: JsonText, value: JsonValue | undefined): Buffer | null {
  if (value === undefined || line.isNull(value)) return null
  const text = line.stringOf(value)
  return text === null ? line.slice(value) : Buffer.from(text)
}

/** Undefined where it is none. */
function timestampOf(line: JsonText, value: JsonValue | undefined): bigint | null | undefined {
  const bytes = bytesOf(line, value)
  if (!bytes) return null
  const text = bytes.toString()
  if (/^\d{1,18}$/.test(text)) return BigInt(text)
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(ms) || ms < 0 ? undefined : BigInt(ms)
}

function headersOf(line: JsonText, value: JsonValue | undefined): Message['headers'] | null {
  if (value === undefined || line.isNull(value)) return []
  const parsed = JSON.parse(line.textOf(value)) as unknown
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null
  const pairs = Object.entries(parsed)
  if (!pairs.every(([, text]) => typeof text === 'string' || text === null)) return null
  return pairs.map(([name, text]) => [name, text === null ? null : Buffer.from(text as string)] as const)
}
