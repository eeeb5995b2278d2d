/**
 * Where the parts of a JSON text lie: a strict scan over the bytes that keeps places and prints nothing anew, so that a
 * part can be sliced out byte for byte. What the members mean is each dialect's affair.
 */
import { JsonScan } from './json-scan.ts'

export { JsonError } from './json-scan.ts'

/** A value of the text last scanned, by its number there. */
export type JsonValue = number

/** The outermost value. */
export const root: JsonValue = 0

/**
 * What json-scan.as.ts keeps of a value: the name's start and end, its own start and end, and the number of the value behind
 * its members. The name's end is its complement where the name has an escape, or more than ASCII.
 */
const width = 5
const nameStartAt = 0
const nameEndAt = 1
const startAt = 2
const endAt = 3
const nextAt = 4

const openBrace = 0x7b
const quote = 0x22

const nothing = Buffer.alloc(0)
const nowhere: Int32Array = new Int32Array(0)

/**
 * One text after the other: an object for each value would cost more than the scan, and a memory for each text, too.
 *
 * Invariant: values are those of the text scanned last. There are places of the members of the outermost object and of the
 * objects directly in it.
 */
export class JsonText {
  readonly #scan = new JsonScan()
  #bytes: Buffer = nothing
  #places: Int32Array = nowhere
  #start = 0

  /** Scans a whole text. Accepts exactly what JSON.parse accepts, where it is UTF-8. @throws JsonError */
  scan(bytes: Buffer): void {
    this.#bytes = bytes
    this.#start = this.#scan.scan(bytes)
    this.#places = this.#scan.places
  }

  /** Lets go of the text. */
  release(): void {
    this.#bytes = nothing
    this.#places = nowhere
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

  /** In the order of the text; none where the value is no object, or lies deeper. */
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

  /** Puts the last member of each of these names into `found`, null where there is none. Whether there are other members. */
  pick(value: JsonValue, names: readonly string[], found: (JsonValue | null)[]): boolean {
    let hasOthers = false
    for (let index = 0; index < names.length; index++) found[index] = null
    const end = this.#place(value, nextAt)
    for (let at = value + 1; at < end; at = this.#place(at, nextAt)) {
      const index = this.#indexIn(names, at)
      if (index === -1) hasOthers = true
      else found[index] = at
    }
    return hasOthers
  }

  /** Whether the member has one of these names. */
  isNamed(member: JsonValue, names: readonly string[]): boolean {
    return this.#indexIn(names, member) !== -1
  }

  #indexIn(names: readonly string[], member: JsonValue): number {
    for (let index = 0; index < names.length; index++) if (this.nameIs(member, names[index] ?? '')) return index
    return -1
  }

  /** Whether the member has this name, however it is escaped. */
  nameIs(member: JsonValue, name: string): boolean {
    const start = this.#place(member, nameStartAt)
    const end = this.#place(member, nameEndAt)
    if (end < 0) return this.nameOf(member) === name
    return this.#stands(name, start, end)
  }

  /** The member's name, its escapes resolved. */
  nameOf(member: JsonValue): string {
    const end = this.#place(member, nameEndAt)
    return this.#textBetween(this.#place(member, nameStartAt), end < 0 ? ~end : end)
  }

  /** The text of a string value, its escapes resolved; null where the value is no string. */
  stringOf(value: JsonValue): string | null {
    const start = this.#place(value, startAt)
    return this.#bytes[start] === quote ? this.#textBetween(start + 1, this.#place(value, endAt) - 1) : null
  }

  /** Whether the value is a string of this ASCII text, however it is escaped. */
  isString(value: JsonValue, text: string): boolean {
    const start = this.#place(value, startAt)
    const end = this.#place(value, endAt)
    if (this.#bytes[start] !== quote || end - start - 2 < text.length) return false
    // With an escape it is longer than its text.
    return this.#stands(text, start + 1, end - 1) || (end - start - 2 > text.length && this.stringOf(value) === text)
  }

  /** Whether both values are the same bytes. */
  isAlike(one: JsonValue, other: JsonValue): boolean {
    const [start, otherStart] = [this.#place(one, startAt), this.#place(other, startAt)]
    const length = this.#place(one, endAt) - start
    if (this.#place(other, endAt) - otherStart !== length) return false
    const bytes = this.#bytes
    for (let at = 0; at < length; at++) if (bytes[start + at] !== bytes[otherStart + at]) return false
    return true
  }

  /** As it is written. */
  textOf(value: JsonValue): string {
    return this.#bytes.toString('utf8', this.#place(value, startAt), this.#place(value, endAt))
  }

  /** Whether these bytes are the ASCII text. */
  #stands(text: string, start: number, end: number): boolean {
    const bytes = this.#bytes
    if (end - start !== text.length) return false
    for (let at = start; at < end; at++) if (text.charCodeAt(at - start) !== bytes[at]) return false
    return true
  }

  #textBetween(start: number, end: number): string {
    const text = this.#bytes.toString('utf8', start, end)
    return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
  }

  #place(value: JsonValue, which: number): number {
    return this.#places[this.#start + value * width + which] ?? 0
  }
}
