/**
 * Where the parts of a JSON text lie: a strict scan over the bytes that keeps places and prints nothing anew, so that a
 * part can be sliced out byte for byte. What the members mean is each dialect's affair.
 */

/** One value and its place. Members are kept for the outermost object and for the objects directly in it. */
export type JsonValue = {
  /** the member's name, between its quotes; 0 and 0 where the value is no member */
  readonly nameStart: number
  readonly nameEnd: number
  /** the value, without the white space around it */
  readonly start: number
  readonly end: number
  /** in the order of the text; null where the value is no object, or lies deeper */
  readonly members: readonly JsonValue[] | null
}

/** Where the text ceases to be JSON. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
}

/** Levels of objects whose members are kept. */
const detailLevels = 2

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/**
 * Scans a whole text. Accepts exactly what JSON.parse accepts, at any depth, without recursion into the depth.
 *
 * @param bytes valid UTF-8
 * @throws JsonError
 */
export function scanJson(bytes: Uint8Array): JsonValue {
  const value = scanDetailed(bytes, skipSpace(bytes, 0), 0, 0, detailLevels)
  const end = skipSpace(bytes, value.end)
  if (end !== bytes.length) fail(end)
  return value
}

/** The member of that name; the last one where there are several, as JSON.parse and Snowflake have it. */
export function memberOf(bytes: Buffer, value: JsonValue, name: string): JsonValue | null {
  return value.members?.findLast((member) => nameIs(bytes, member, name)) ?? null
}

/** Whether a member has this name, however it is escaped. */
export function nameIs(bytes: Buffer, { nameStart, nameEnd }: JsonValue, name: string): boolean {
  for (let at = nameStart; at < nameEnd; at++) {
    const byte = bytes[at] ?? 0
    if (byte === backslash || byte >= 0x80) return textBetween(bytes, nameStart, nameEnd) === name
    if (name.charCodeAt(at - nameStart) !== byte) return false
  }
  return nameEnd - nameStart === name.length
}

/** The text of a string value, its escapes resolved; null where the value is no string. */
export function stringOf(bytes: Buffer, value: JsonValue): string | null {
  return bytes[value.start] === quote ? textBetween(bytes, value.start + 1, value.end - 1) : null
}

export function isNull(bytes: Uint8Array, value: JsonValue): boolean {
  return bytes[value.start] === 0x6e
}

function textBetween(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

/** A value whose members are wanted, down to `levels`. */
function scanDetailed(bytes: Uint8Array, start: number, nameStart: number, nameEnd: number, levels: number): JsonValue {
  if (bytes[start] !== openBrace || levels === 0) {
    return { nameStart, nameEnd, start, end: skipValue(bytes, start), members: null }
  }
  const members: JsonValue[] = []
  let at = skipSpace(bytes, start + 1)
  if (bytes[at] === closeBrace) return { nameStart, nameEnd, start, end: at + 1, members }
  for (;;) {
    if (bytes[at] !== quote) fail(at)
    const afterName = skipString(bytes, at)
    const valueAt = skipColon(bytes, afterName)
    const member = scanDetailed(bytes, valueAt, at + 1, afterName - 1, levels - 1)
    members.push(member)
    at = skipSpace(bytes, member.end)
    if (bytes[at] === closeBrace) return { nameStart, nameEnd, start, end: at + 1, members }
    if (bytes[at] !== comma) fail(at)
    at = skipSpace(bytes, at + 1)
  }
}

/** The place behind a value of any depth. */
function skipValue(bytes: Uint8Array, start: number): number {
  const first = bytes[start]
  if (first !== openBrace && first !== openBracket) return skipScalar(bytes, start)
  /** what closes the containers that are open */
  const closers: number[] = []
  let at = start
  for (;;) {
    const byte = bytes[at]
    if (byte === openBrace || byte === openBracket) {
      const closer = byte === openBrace ? closeBrace : closeBracket
      at = skipSpace(bytes, at + 1)
      if (bytes[at] !== closer) {
        closers.push(closer)
        if (closer === closeBrace) at = skipName(bytes, at)
        continue
      }
      at++
    } else at = skipScalar(bytes, at)

    // A value has ended: close what it was the last one in, or go on to its neighbour.
    for (;;) {
      const closer = closers.at(-1)
      if (closer === undefined) return at
      at = skipSpace(bytes, at)
      if (bytes[at] === closer) {
        closers.pop()
        at++
        continue
      }
      if (bytes[at] !== comma) fail(at)
      at = skipSpace(bytes, at + 1)
      if (closer === closeBrace) at = skipName(bytes, at)
      break
    }
  }
}

/** The place of the value behind a member's name. */
function skipName(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== quote) fail(at)
  return skipColon(bytes, skipString(bytes, at))
}

function skipColon(bytes: Uint8Array, from: number): number {
  const at = skipSpace(bytes, from)
  if (bytes[at] !== colon) fail(at)
  return skipSpace(bytes, at + 1)
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}

function skipScalar(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === quote) return skipString(bytes, at)
  if (byte === 0x74) return skipWord(bytes, at, 'true')
  if (byte === 0x66) return skipWord(bytes, at, 'false')
  if (byte === 0x6e) return skipWord(bytes, at, 'null')
  return skipNumber(bytes, at)
}

function skipWord(bytes: Uint8Array, at: number, word: string): number {
  for (let index = 0; index < word.length; index++) {
    if (bytes[at + index] !== word.charCodeAt(index)) fail(at + index)
  }
  return at + word.length
}

function skipString(bytes: Uint8Array, start: number): number {
  let at = start + 1
  for (;;) {
    const byte = bytes[at]
    if (byte === quote) return at + 1
    if (byte === undefined || byte < 0x20) fail(at)
    at = byte === backslash ? skipEscape(bytes, at + 1) : at + 1
  }
}

/** One of `"\/bfnrt`, or `u` and four hexadecimal digits. */
function skipEscape(bytes: Uint8Array, at: number): number {
  const byte = bytes[at] ?? 0
  if (byte !== 0x75) return '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? at + 1 : fail(at)
  for (let digit = at + 1; digit <= at + 4; digit++) {
    const hex = bytes[digit] ?? 0
    if (!isDigit(hex) && !((hex | 0x20) >= 0x61 && (hex | 0x20) <= 0x66)) fail(digit)
  }
  return at + 5
}

/** `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?` */
function skipNumber(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === 0x2d ? start + 1 : start
  at = bytes[at] === 0x30 ? at + 1 : skipDigits(bytes, at)
  if (bytes[at] === 0x2e) at = skipDigits(bytes, at + 1)
  if (((bytes[at] ?? 0) | 0x20) === 0x65) {
    at++
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
    at = skipDigits(bytes, at)
  }
  return at
}

function skipDigits(bytes: Uint8Array, start: number): number {
  let at = start
  while (isDigit(bytes[at] ?? 0)) at++
  return at === start ? fail(at) : at
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function fail(at: number): never {
  throw new JsonError(`no JSON from byte ${at} on`)
}
