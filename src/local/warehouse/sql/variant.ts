/**
 * VARIANT values as text: JSON in one normal form. No white space; members sorted by name, as Snowflake prints an
 * OBJECT; numbers exact (number-text.ts); only the escapes that JSON demands. Equal values have equal text.
 *
 * What is no JSON is refused. Snowflake also takes some forms that JSON does not know (upper-case literals, a comma at
 * the end); no change on its way through Firn has them, so here they are refused. So is `\ud800` without its other half,
 * which is no character. Nothing here recurses, so depth is bounded by memory alone.
 */
import { normalNumber } from './number-text.ts'

/** Bytes of a VARIANT: Snowflake's data type reference. */
const bytesMax = 134_217_728

export class NotJson extends Error {
  override readonly name = 'NotJson'
}

const whiteSpace = /[ \t\n\r]+/y
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** No escapes, and no control character, which has no place in a JSON string. */
const plainStringPattern = /"[^"\\\u0000-\u001f]*"/y

/** Where the string that starts at `from` ends: after its closing quote, or at the end of the text. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 34) return at + 1
    if (code === 92) at += 1
  }
  return text.length
}

/** Order of the UTF-8 bytes, which UTF-16 breaks where a surrogate pair meets U+E000 to U+FFFF. */
function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left === right) continue
    const leftPair = left >= 0xd800 && left <= 0xdfff
    const rightPair = right >= 0xd800 && right <= 0xdfff
    if (leftPair !== rightPair) return leftPair ? 1 : -1
    return left - right
  }
  return a.length - b.length
}

/** A string as JSON text. */
export function quote(text: string): string {
  return JSON.stringify(text)
}

type Open =
  | { readonly kind: 'array'; text: string }
  | { readonly kind: 'object'; readonly members: Map<string, string>; name: string }

class Reader {
  readonly text: string
  readonly lastWins: boolean
  at = 0
  readonly #open: Open[] = []

  constructor(text: string, lastWins: boolean) {
    this.text = text
    this.lastWins = lastWins
  }

  fail(what: string): NotJson {
    return new NotJson(`${what}, pos ${this.at}`)
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.at
    if (!pattern.test(this.text)) return null
    const found = this.text.slice(this.at, pattern.lastIndex)
    this.at = pattern.lastIndex
    return found
  }

  skipSpace(): void {
    if (this.text.charCodeAt(this.at) <= 32) this.#take(whiteSpace)
  }

  /** A string in normal form, quotes included. */
  #string(): string {
    const plain = this.#take(plainStringPattern)
    if (plain !== null) return plain
    if (this.text[this.at] !== '"') throw this.fail('a string must stand here')
    const end = stringEnd(this.text, this.at)
    const value = this.#unescaped(this.text.slice(this.at, end))
    this.at = end
    if (!value.isWellFormed()) throw this.fail('half a surrogate pair')
    return quote(value)
  }

  #unescaped(text: string): string {
    try {
      return JSON.parse(text) as string
    } catch (cause) {
      throw new NotJson(`bad string, pos ${this.at}`, { cause })
    }
  }

  #scalar(): string {
    if (this.text.startsWith('"', this.at)) return this.#string()
    for (const word of ['true', 'false', 'null']) {
      if (!this.text.startsWith(word, this.at)) continue
      this.at += word.length
      return word
    }
    const number = this.#take(numberPattern)
    if (number === null) throw this.fail('unknown value')
    const normal = normalNumber(number)
    if (normal === null) throw this.fail('number too large')
    return normal
  }

  #memberName(): string {
    this.skipSpace()
    const name = this.#string()
    this.skipSpace()
    if (this.text[this.at] !== ':') throw this.fail('missing colon')
    this.at += 1
    return name
  }

  /** Opens containers down to a value that is complete by itself. */
  #descend(): string {
    for (;;) {
      this.skipSpace()
      const char = this.text[this.at]
      if (char !== '{' && char !== '[') return this.#scalar()
      this.at += 1
      this.skipSpace()
      if (this.text[this.at] === (char === '{' ? '}' : ']')) {
        this.at += 1
        return char === '{' ? '{}' : '[]'
      }
      if (char === '[') this.#open.push({ kind: 'array', text: '[' })
      else this.#open.push({ kind: 'object', members: new Map(), name: this.#memberName() })
    }
  }

  #addMember(open: Extract<Open, { kind: 'object' }>, value: string): void {
    if (!this.lastWins && open.members.has(open.name)) throw this.fail('duplicate object attribute')
    open.members.set(open.name, value)
  }

  /** Puts a value where it belongs, and closes what ends there: null where another value must follow. */
  #ascend(value: string): string | null {
    let done = value
    for (;;) {
      const open = this.#open.at(-1)
      if (open === undefined) return done
      if (open.kind === 'array') open.text += done
      else this.#addMember(open, done)
      this.skipSpace()
      const char = this.text[this.at]
      this.at += 1
      if (char === ',') {
        if (open.kind === 'array') open.text += ','
        else open.name = this.#memberName()
        return null
      }
      if (char !== (open.kind === 'array' ? ']' : '}')) {
        this.at -= 1
        throw this.fail('missing comma')
      }
      this.#open.pop()
      done = open.kind === 'array' ? `${open.text}]` : objectText(open.members)
    }
  }

  value(): string {
    for (;;) {
      const done = this.#ascend(this.#descend())
      if (done !== null) return done
    }
  }
}

/** Names are compared as they read, not as they are escaped. */
function objectText(members: ReadonlyMap<string, string>): string {
  const names = [...members.keys()]
  const reads = (name: string) => (name.includes('\\') ? (JSON.parse(name) as string) : name.slice(1, -1))
  if (names.length > 1) names.sort((a, b) => compareNames(reads(a), reads(b)))
  return `{${names.map((name) => `${name}:${members.get(name) ?? ''}`).join(',')}}`
}

/**
 * The text of a JSON document in normal form; null where there is none (empty, or white space alone).
 * @throws NotJson
 */
export function normalise(text: string, lastWins: boolean): string | null {
  const reader = new Reader(text, lastWins)
  reader.skipSpace()
  if (reader.at === text.length) return null
  const value = reader.value()
  reader.skipSpace()
  if (reader.at < text.length) throw reader.fail('more than one document in the input')
  if (value.length * 3 > bytesMax && Buffer.byteLength(value) > bytesMax) throw reader.fail('document is too large')
  return value
}

/** Where the value that starts at `from` ends, in text in normal form. */
function valueEnd(text: string, from: number): number {
  let depth = 0
  for (let at = from; ;) {
    const char = text[at]
    if (char === undefined) return at
    if (char === '"') at = stringEnd(text, at)
    else if (char === '{' || char === '[') {
      depth += 1
      at += 1
    } else if (char === '}' || char === ']') {
      if (depth === 0) return at
      depth -= 1
      at += 1
    } else if ((char === ',' || char === ':') && depth === 0) return at
    else {
      at += 1
      continue
    }
    if (depth === 0) return at
  }
}

/** Each element of an array, or each name and value of an object, in turn. */
function* parts(text: string): Generator<string> {
  for (let at = 1; at < text.length - 1;) {
    const end = valueEnd(text, at)
    yield text.slice(at, end)
    at = end + 1
  }
}

function element(text: string, index: number): string | null {
  if (!text.startsWith('[')) return null
  let i = 0
  for (const part of parts(text)) {
    if (i === index) return part
    i += 1
  }
  return null
}

function member(text: string, name: string): string | null {
  if (!text.startsWith('{')) return null
  let isValue = false
  let found = false
  for (const part of parts(text)) {
    if (isValue && found) return part
    if (!isValue) found = part === name
    isValue = !isValue
  }
  return null
}

/** The value at a path of member names (as JSON text) and indexes; null where there is none. */
export function valueAt(text: string, steps: readonly (string | number)[]): string | null {
  let value: string | null = text
  for (const step of steps) {
    if (value === null) return null
    value = typeof step === 'number' ? element(value, step) : member(value, step)
  }
  return value
}

/** How many elements an array has; null for anything else. */
export function arraySize(text: string): number | null {
  if (!text.startsWith('[')) return null
  return [...parts(text)].length
}

export type VariantKind = 'NULL_VALUE' | 'BOOLEAN' | 'VARCHAR' | 'INTEGER' | 'DECIMAL' | 'DOUBLE' | 'ARRAY' | 'OBJECT'

export function kindOf(text: string): VariantKind {
  switch (text.charAt(0)) {
    case '{':
      return 'OBJECT'
    case '[':
      return 'ARRAY'
    case '"':
      return 'VARCHAR'
    case 't':
    case 'f':
      return 'BOOLEAN'
    case 'n':
      return 'NULL_VALUE'
    default:
      return text.includes('e') ? 'DOUBLE' : text.includes('.') ? 'DECIMAL' : 'INTEGER'
  }
}
