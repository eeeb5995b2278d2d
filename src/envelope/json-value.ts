/**
 * Where the parts of a JSON text lie: a strict scan over the bytes that keeps places and prints nothing anew, so that a
 * part can be sliced out byte for byte. What the members mean is each dialect's affair.
 */
import {
  backslash,
  closeBrace,
  comma,
  fail,
  openBrace,
  quote,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from './json-scan.ts'

export { JsonError } from './json-scan.ts'

/** A value of the text last scanned, by its number there. */
export type JsonValue = number

/** The outermost value. */
export const root: JsonValue = 0

/** Levels of objects whose members are kept: the outermost object and the objects directly in it. */
const detailLevels = 2

/** What is kept of a value: the name's start and end, its own start and end, and the number of the value behind its members. */
const width = 5
const nameStartAt = 0
const nameEndAt = 1
const startAt = 2
const endAt = 3
const nextAt = 4

const nothing = Buffer.alloc(0)

const placesAtFirst = 64

/** Values whose places are kept room for, from one text to the next: 1.3 MB. */
const placesKept = 65_536

/**
 * One text after the other: places are kept in one array, which is used again, since an object for each value would cost more
 * than the scan.
 *
 * Invariant: values are those of the text scanned last.
 */
export class JsonText {
  #bytes: Buffer = nothing
  #places = new Int32Array(placesAtFirst * width)
  #count = 0

  /**
   * Scans a whole text. Accepts exactly what JSON.parse accepts, at any depth, without recursion into the depth.
   *
   * @param bytes valid UTF-8
   * @throws JsonError
   */
  scan(bytes: Buffer): void {
    this.#bytes = bytes
    this.#count = 0
    const end = skipSpace(bytes, this.#scanDetailed(skipSpace(bytes, 0), 0, 0, detailLevels))
    if (end !== bytes.length) fail(end)
  }

  /** Lets go of the text, and of more room than texts usually take. */
  release(): void {
    this.#bytes = nothing
    if (this.#places.length > placesKept * width) this.#places = new Int32Array(placesAtFirst * width)
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  /** Exactly the bytes of the value, without the white space around it. */
  slice(value: JsonValue): Buffer {
    return this.#bytes.subarray(this.#place(value, startAt), this.#place(value, endAt))
  }

  /** From the quote before its name to its end. */
  sliceWithName(member: JsonValue): Buffer {
    return this.#bytes.subarray(this.#place(member, nameStartAt) - 1, this.#place(member, endAt))
  }

  isObject(value: JsonValue): boolean {
    return this.#bytes[this.#place(value, startAt)] === openBrace
  }

  isNull(value: JsonValue): boolean {
    return this.#bytes[this.#place(value, startAt)] === 0x6e
  }

  /** In the order of the text; none where the value is no object, or lies deeper than `detailLevels`. */
  membersOf(value: JsonValue): readonly JsonValue[] {
    const members: JsonValue[] = []
    const end = this.#place(value, nextAt)
    for (let at = value + 1; at < end; at = this.#place(at, nextAt)) members.push(at)
    return members
  }

  /** The member of that name; the last one where there are several, as JSON.parse and Snowflake have it. Null: none. */
  memberOf(value: JsonValue, name: string): JsonValue | null {
    let found: JsonValue | null = null
    const end = this.#place(value, nextAt)
    for (let at = value + 1; at < end; at = this.#place(at, nextAt)) if (this.nameIs(at, name)) found = at
    return found
  }

  /** Whether it has a member with none of these names. */
  hasOther(value: JsonValue, names: readonly string[]): boolean {
    const end = this.#place(value, nextAt)
    for (let at = value + 1; at < end; at = this.#place(at, nextAt)) if (!this.isNamed(at, names)) return true
    return false
  }

  /** Whether the member has one of these names. */
  isNamed(member: JsonValue, names: readonly string[]): boolean {
    for (const name of names) if (this.nameIs(member, name)) return true
    return false
  }

  /** Whether the member has this name, however it is escaped. */
  nameIs(member: JsonValue, name: string): boolean {
    const start = this.#place(member, nameStartAt)
    const end = this.#place(member, nameEndAt)
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at] ?? 0
      if (byte === backslash || byte >= 0x80) return this.nameOf(member) === name
      if (name.charCodeAt(at - start) !== byte) return false
    }
    return end - start === name.length
  }

  /** The member's name, its escapes resolved. */
  nameOf(member: JsonValue): string {
    return this.#textBetween(this.#place(member, nameStartAt), this.#place(member, nameEndAt))
  }

  /** The text of a string value, its escapes resolved; null where the value is no string. */
  stringOf(value: JsonValue): string | null {
    const start = this.#place(value, startAt)
    return this.#bytes[start] === quote ? this.#textBetween(start + 1, this.#place(value, endAt) - 1) : null
  }

  /** As it is written. */
  textOf(value: JsonValue): string {
    return this.#bytes.toString('utf8', this.#place(value, startAt), this.#place(value, endAt))
  }

  #textBetween(start: number, end: number): string {
    const text = this.#bytes.toString('utf8', start, end)
    return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
  }

  #place(value: JsonValue, which: number): number {
    return this.#places[value * width + which] ?? 0
  }

  /** A value whose members are wanted, down to `levels`. The place behind it. */
  #scanDetailed(start: number, nameStart: number, nameEnd: number, levels: number): number {
    const bytes = this.#bytes
    const own = this.#count++
    if (this.#count * width > this.#places.length) this.#grow()
    const end =
      bytes[start] === openBrace && levels > 0 ? this.#scanMembers(start, levels - 1) : skipValue(bytes, start)
    const places = this.#places
    const at = own * width
    places[at + nameStartAt] = nameStart
    places[at + nameEndAt] = nameEnd
    places[at + startAt] = start
    places[at + endAt] = end
    places[at + nextAt] = this.#count
    return end
  }

  #scanMembers(start: number, levels: number): number {
    const bytes = this.#bytes
    let at = skipSpace(bytes, start + 1)
    if (bytes[at] === closeBrace) return at + 1
    for (;;) {
      if (bytes[at] !== quote) fail(at)
      const afterName = skipString(bytes, at)
      const end = this.#scanDetailed(skipColon(bytes, afterName), at + 1, afterName - 1, levels)
      at = skipSpace(bytes, end)
      if (bytes[at] === closeBrace) return at + 1
      if (bytes[at] !== comma) fail(at)
      at = skipSpace(bytes, at + 1)
    }
  }

  #grow(): void {
    const larger = new Int32Array(this.#places.length * 2)
    larger.set(this.#places)
    this.#places = larger
  }
}
