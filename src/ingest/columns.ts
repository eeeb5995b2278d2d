/**
 * Columns of a batch while it grows. Values are copied in as Parquet's plain encoding has them, cut into pages, so that a
 * sealed batch moves to another thread without a copy and pins no buffer of the Kafka client.
 * Which values go in is batch.ts, what becomes of the pages parquet.ts.
 */
import { isUtf8 } from 'node:buffer'
import type { LandingColumn } from '../landing.ts'

/** Rows of one page at the most; a multiple of 8, so that each page's bits fill whole bytes. */
export const pageRowsMax = 2000

/** A page ends when it holds this many bytes; only a single longer value makes a longer page. */
export const pageBytesMax = 2 ** 20

/** Longest text that a landing column takes: VARCHAR(134217728). A longer one would make a pipe skip the whole file. */
export const textBytesMax = 134_217_728

const pageBytesMin = 512

/** Up to so many characters, writing them one by one costs less than a call of Node's. */
const shortText = 64

/** The bytes that a page leaves free before its values, for the definition levels: so the page is made without a copy. */
export const levelsRoom = 264

/** The part of a page's memory that must be in use for it to be kept as it is. */
const fullEnough = 0.75

/** Consecutive values of one column. */
export type ColumnPage = {
  readonly rows: number
  /**
   * behind `levelsRoom` free bytes, the values that are not null, in plain encoding: text as length (4 bytes, little endian)
   * and bytes
   */
  readonly values: ArrayBuffer
  /** where the values end in it */
  readonly used: number
  /** one bit per row, lowest first, set where the row has a value; null where every row has one, empty where none has */
  readonly present: ArrayBuffer | null
}

/** One column of a growing batch. Each `add` is one row. */
export class Column {
  readonly name: string
  readonly optional: boolean
  #pages: ColumnPage[] = []
  #pagesBytes = 0
  // Made when they are needed: a thousand partitions have 17,000 columns, most of which hold next to nothing.
  #values = Buffer.from(new ArrayBuffer(0))
  /** of the same bytes */
  #view = new DataView(this.#values.buffer)
  #used = levelsRoom
  #rows = 0
  #nulls = 0
  /** null while all rows of the page have a value, or none has */
  #present: Uint8Array<ArrayBuffer> | null = null

  constructor({ name, optional }: LandingColumn) {
    this.name = name
    this.optional = optional
  }

  /** Memory held, in bytes. */
  get bytes(): number {
    return this.#pagesBytes + this.#values.buffer.byteLength + (this.#present?.byteLength ?? 0)
  }

  addNull(): void {
    if (!this.optional) throw new TypeError(`column ${this.name} has no nulls`)
    if (this.#nulls === 0 && this.#rows > 0) this.#present = presentTo(this.#rows)
    this.#nulls++
    this.#rows++
    if (this.#rows === pageRowsMax) this.#endPage()
  }

  addInt32(value: number): void {
    const at = this.#reserve(4)
    this.#view.setInt32(at, value, true)
    this.#endRow()
  }

  addInt64(value: bigint): void {
    const at = this.#reserve(8)
    this.#view.setBigInt64(at, value, true)
    this.#endRow()
  }

  /** Bytes that are valid UTF-8. */
  addBytes(value: Uint8Array): void {
    const at = this.#reserveText(value.length)
    this.#values.set(value, at)
    this.#endRow()
  }

  /** False, and nothing is added, where these bytes are not UTF-8. */
  addUtf8(value: Uint8Array): boolean {
    if (value.length > shortText) {
      if (!isUtf8(value)) return false
      this.addBytes(value)
      return true
    }
    const at = this.#reserveText(value.length)
    const values = this.#values
    for (let index = 0; index < value.length; index++) {
      const byte = value[index] ?? 0
      if (byte > 0x7f && !isUtf8(value)) {
        this.#used = at - 4
        return false
      }
      values[at + index] = byte
    }
    this.#endRow()
    return true
  }

  addText(value: string): void {
    if (value.length <= shortText && this.#addShort(value)) return
    const bytes = Buffer.byteLength(value)
    const at = this.#reserveText(bytes)
    this.#values.write(value, at, bytes, bytes === value.length ? 'latin1' : 'utf8')
    this.#endRow()
  }

  /** False, and nothing is added, where it is not ASCII. */
  #addShort(value: string): boolean {
    const at = this.#reserveText(value.length)
    const values = this.#values
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) {
        this.#used = at - 4
        return false
      }
      values[at + index] = code
    }
    this.#endRow()
    return true
  }

  addBase64(value: Buffer): void {
    const bytes = Math.ceil(value.length / 3) * 4
    const at = this.#reserveText(bytes)
    this.#values.write(value.toString('base64'), at, bytes, 'latin1')
    this.#endRow()
  }

  /** As many rows of the same value, in plain encoding. For a column without nulls. */
  addRepeated(encoded: Uint8Array, rows: number): void {
    for (let left = rows; left > 0;) {
      const fits = Math.min(left, pageRowsMax - this.#rows)
      const bytes = fits * encoded.length
      const at = this.#reserve(bytes)
      this.#values.fill(encoded, at, at + bytes)
      this.#rows += fits
      left -= fits
      if (this.#rows === pageRowsMax) this.#endPage()
    }
  }

  /** Hands over the pages so far and starts anew. */
  takePages(): readonly ColumnPage[] {
    if (this.#rows > 0) this.#endPage()
    const pages = this.#pages
    this.#pages = []
    this.#pagesBytes = 0
    return pages
  }

  #reserveText(bytes: number): number {
    if (bytes > textBytesMax) throw new RangeError(`${bytes} bytes for ${this.name}, which takes ${textBytesMax}`)
    const at = this.#reserve(4 + bytes)
    this.#view.setUint32(at, bytes, true)
    return at + 4
  }

  /** Makes room, and ends a full page first, so that only a value alone may exceed a page's bytes. */
  #reserve(bytes: number): number {
    if (this.#used > levelsRoom && this.#used - levelsRoom + bytes > pageBytesMax) this.#endPage()
    const needed = this.#used + bytes
    if (needed > this.#values.length)
      this.#grow(Math.max(needed, pageBytesMin, Math.min(this.#values.length * 2, levelsRoom + pageBytesMax)))
    const at = this.#used
    this.#used = needed
    return at
  }

  #grow(capacity: number): void {
    this.#hold(this.#values.buffer.transfer(capacity))
  }

  #hold(buffer: ArrayBuffer): void {
    this.#values = Buffer.from(buffer)
    this.#view = new DataView(buffer)
  }

  #endRow(): void {
    if (this.#nulls > 0) {
      this.#present ??= presentTo(0)
      const byte = this.#rows >> 3
      this.#present[byte] = (this.#present[byte] ?? 0) | (1 << (this.#rows & 7))
    }
    this.#rows++
    if (this.#rows === pageRowsMax) this.#endPage()
  }

  #endPage(): void {
    const { buffer } = this.#values
    // What is left over goes along, where it is little: to cut it off is to copy the page.
    const isFull = this.#used <= buffer.byteLength && this.#used >= buffer.byteLength * fullEnough
    const values = isFull ? buffer : buffer.transfer(this.#used)
    const present = this.#nulls === 0 ? null : (this.#present?.buffer ?? new ArrayBuffer(0))
    this.#pages.push({ rows: this.#rows, values, used: this.#used, present })
    this.#pagesBytes += values.byteLength + (present?.byteLength ?? 0)
    // The next page will be about as long; an eighth more spares growing.
    const capacity = Math.min(Math.ceil((this.#used * 9) / 8), levelsRoom + pageBytesMax)
    const next = this.#used === levelsRoom ? 0 : Math.max(pageBytesMin, capacity)
    // Not filled with zeros: what is not written is not read.
    this.#hold(Buffer.allocUnsafeSlow(next).buffer)
    this.#present = null
    this.#used = levelsRoom
    this.#rows = 0
    this.#nulls = 0
  }
}

/** Bits of a page whose first `rows` rows have a value. */
function presentTo(rows: number): Uint8Array<ArrayBuffer> {
  const present = new Uint8Array(pageRowsMax / 8)
  present.fill(0xff, 0, rows >> 3)
  if ((rows & 7) > 0) present[rows >> 3] = (1 << (rows & 7)) - 1
  return present
}
