/**
 * Where a value of a JSON text ends, at any depth: as strict as JSON.parse, byte by byte, and without recursion into the depth.
 * Which places are kept is decided in json-value.ts.
 */

/** Where the text ceases to be JSON. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
}

export const quote = 0x22
export const comma = 0x2c
const colon = 0x3a
export const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
export const openBrace = 0x7b
export const closeBrace = 0x7d

/** 1 for what stands in a string as itself. */
const isPlain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte !== quote && byte !== backslash ? 1 : 0,
)

/** The place behind a value of any depth. */
export function skipValue(bytes: Uint8Array, start: number): number {
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

export function skipColon(bytes: Uint8Array, from: number): number {
  const at = skipSpace(bytes, from)
  if (bytes[at] !== colon) fail(at)
  return skipSpace(bytes, at + 1)
}

export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    const byte = bytes[at] ?? quote
    // All white space, and nothing that a value begins with, is at most a space.
    if (byte > 0x20) return at
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

export function skipString(bytes: Uint8Array, start: number): number {
  const { length } = bytes
  let at = start + 1
  for (;;) {
    while (at < length && isPlain[bytes[at] ?? 0] === 1) at++
    const byte = bytes[at]
    if (byte === quote) return at + 1
    at = byte === backslash ? skipEscape(bytes, at + 1) : fail(at)
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

export function fail(at: number): never {
  throw new JsonError(`no JSON from byte ${at} on`)
}
