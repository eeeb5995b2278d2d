/**
 * Where a JSON text ends, and where the values in its outer levels lie: as strict as JSON.parse, and over bytes that are valid
 * UTF-8 alone, without recursion into the depth. AssemblyScript, since WebAssembly compares 16 bytes at a time, which takes a
 * third of the time; json-scan.wasm.ts holds what the compiler makes of it. What the places mean is json-value.ts's.
 *
 * Memory: the text from 0 on, 16 bytes of zero behind it, so that nothing has to ask where it ends, then the places, 5 x 4
 * bytes for each value. What has been read of the text is written over: with what closes the containers that are open.
 *
 * A function takes a place of the text and gives the one behind what it read; negative where that is no JSON: `~` its place.
 */

const quote: u8 = 0x22
const comma: u8 = 0x2c
const colon: u8 = 0x3a
const backslash: u8 = 0x5c
const openBracket: u8 = 0x5b
const openBrace: u8 = 0x7b
const closeBrace: u8 = 0x7d

/** Zeros behind the text; as many bytes as are compared at a time. */
const sentinel: usize = 16

/** Bytes of a value's places: its name's start and end, its own start and end, the number of the value behind its members. */
const width: usize = 20

/** Levels of objects whose members are kept: the outermost object and the objects directly in it. */
const detailLevels: i32 = 2

let places: usize = 0
let count: i32 = 0
/** Whether the string that was read last has an escape, or more than ASCII. */
let isIntricate: bool = false

/** Scans a text of so many bytes. The number of values whose places are kept; `~` the place where it ceases to be JSON. */
export function scan(length: i32): i32 {
  v128.store(length, i8x16.splat(0))
  places = (<usize>length + sentinel + 3) & ~3
  count = 0
  const end = detailed(space(0), 0, 0, detailLevels)
  if (end < 0) return end
  const rest = space(end)
  return rest === length ? count : ~rest
}

/** A value whose members are wanted, down to `levels`. */
function detailed(start: i32, nameStart: i32, nameEnd: i32, levels: i32): i32 {
  const own = places + width * count++
  if (own + width > (<usize>memory.size()) << 16 && memory.grow((memory.size() >> 2) + 1) < 0) unreachable()
  const end = levels > 0 && byteAt(start) === openBrace ? members(start, levels - 1) : value(start)
  if (end < 0) return end
  store<i32>(own, nameStart)
  store<i32>(own, nameEnd, 4)
  store<i32>(own, start, 8)
  store<i32>(own, end, 12)
  store<i32>(own, count, 16)
  return end
}

function members(start: i32, levels: i32): i32 {
  let at = space(start + 1)
  if (byteAt(at) === closeBrace) return at + 1
  while (true) {
    if (byteAt(at) !== quote) return ~at
    const afterName = string(at)
    if (afterName < 0) return afterName
    // The end of a name that is not as it is written is told by its complement.
    const nameEnd = isIntricate ? ~(afterName - 1) : afterName - 1
    const from = behindColon(afterName)
    if (from < 0) return from
    const end = detailed(from, at + 1, nameEnd, levels)
    if (end < 0) return end
    at = space(end)
    if (byteAt(at) === closeBrace) return at + 1
    if (byteAt(at) !== comma) return ~at
    at = space(at + 1)
  }
}

/** A value of any depth. */
function value(start: i32): i32 {
  const first = byteAt(start)
  if (first !== openBrace && first !== openBracket) return scalar(start)
  let depth: usize = 0
  let at = start
  while (true) {
    const byte = byteAt(at)
    if (byte === openBrace || byte === openBracket) {
      // Two places behind the opening one, in ASCII.
      const closer = byte + 2
      at = space(at + 1)
      if (byteAt(at) !== closer) {
        store<u8>(depth++, closer)
        if (byte === openBrace) {
          at = name(at)
          if (at < 0) return at
        }
        continue
      }
      at++
    } else {
      at = scalar(at)
      if (at < 0) return at
    }

    // A value has ended: close what it was the last one in, or go on to its neighbour.
    while (true) {
      if (depth === 0) return at
      const closer = load<u8>(depth - 1)
      at = space(at)
      if (byteAt(at) === closer) {
        depth--
        at++
        continue
      }
      if (byteAt(at) !== comma) return ~at
      at = space(at + 1)
      if (closer === closeBrace) {
        at = name(at)
        if (at < 0) return at
      }
      break
    }
  }
}

/** A member's name, and on to its value. */
function name(at: i32): i32 {
  if (byteAt(at) !== quote) return ~at
  const end = string(at)
  return end < 0 ? end : behindColon(end)
}

function behindColon(from: i32): i32 {
  const at = space(from)
  return byteAt(at) === colon ? space(at + 1) : ~at
}

function space(from: i32): i32 {
  let at = from
  while (true) {
    const byte = byteAt(at)
    // All white space, and nothing that a value begins with, is at most a space.
    if (byte > 0x20) return at
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}

function scalar(at: i32): i32 {
  const byte = byteAt(at)
  if (byte === quote) return string(at)
  if (byte === 0x74) return word(at, 0x65757274, 4) // true
  if (byte === 0x66) return word(at + 1, 0x65736c61, 4) // false
  if (byte === 0x6e) return word(at, 0x6c6c756e, 4) // null
  return number(at)
}

/** Letters, the first one lowest. */
function word(at: i32, letters: u32, length: i32): i32 {
  for (let left = length; left > 0; left--) {
    if (byteAt(at) !== <u8>letters) return ~at
    letters >>= 8
    at++
  }
  return at
}

function string(start: i32): i32 {
  let at = start + 1
  isIntricate = false
  while (true) {
    const bytes = v128.load(at)
    const ends = v128.or(i8x16.eq(bytes, i8x16.splat(quote)), i8x16.eq(bytes, i8x16.splat(backslash)))
    const others = v128.or(i8x16.lt_u(bytes, i8x16.splat(0x20)), bytes)
    const found = i8x16.bitmask(v128.or(ends, others))
    if (found === 0) {
      at += 16
      continue
    }
    at += ctz(found)
    const byte = byteAt(at)
    if (byte === quote) return at + 1
    isIntricate = true
    at = byte === backslash ? escape(at + 1) : beyondAscii(at)
    if (at < 0) return at
  }
}

/** One of `"\/bfnrt`, or `u` and four hexadecimal digits. */
function escape(at: i32): i32 {
  switch (byteAt(at)) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 1
    case 0x75:
      break
    default:
      return ~at
  }
  for (let digit = at + 1; digit <= at + 4; digit++) {
    const hex = byteAt(digit)
    const lower = hex | 0x20
    if (!isDigit(hex) && (lower < 0x61 || lower > 0x66)) return ~digit
  }
  return at + 5
}

/** A character of two to four bytes, as RFC 3629 (https://www.rfc-editor.org/rfc/rfc3629#section-4) allows them. */
function beyondAscii(at: i32): i32 {
  const lead = byteAt(at)
  if (lead < 0xc2 || lead > 0xf4) return ~at
  const second = byteAt(at + 1)
  if (lead < 0xe0) return isTail(second) ? at + 2 : ~at
  if (!isTail(second) || !isTail(byteAt(at + 2))) return ~at
  if (lead < 0xf0) {
    // Neither what two bytes can say, nor half of a surrogate pair.
    return (lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f) ? ~at : at + 3
  }
  if (!isTail(byteAt(at + 3))) return ~at
  // Neither what three bytes can say, nor beyond U+10FFFF.
  return (lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f) ? ~at : at + 4
}

function isTail(byte: u8): bool {
  return (byte & 0xc0) === 0x80
}

/** `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?` */
function number(start: i32): i32 {
  let at = byteAt(start) === 0x2d ? start + 1 : start
  at = byteAt(at) === 0x30 ? at + 1 : digits(at)
  if (at < 0) return at
  if (byteAt(at) === 0x2e) {
    at = digits(at + 1)
    if (at < 0) return at
  }
  if ((byteAt(at) | 0x20) !== 0x65) return at
  at++
  const sign = byteAt(at)
  return digits(sign === 0x2b || sign === 0x2d ? at + 1 : at)
}

function digits(start: i32): i32 {
  let at = start
  while (isDigit(byteAt(at))) at++
  return at === start ? ~at : at
}

function isDigit(byte: u8): bool {
  return <u8>(byte - 0x30) < 10
}

function byteAt(at: i32): u8 {
  return load<u8>(at)
}
