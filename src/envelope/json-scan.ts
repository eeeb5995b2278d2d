/**
 * The scan of json-scan.as.ts over a memory that it has for itself: a text goes in, and places come out. What they are places
 * of is json-value.ts's.
 */
import { compiledScan } from './json-scan.wasm.ts'

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** What json-scan.as.ts exports. */
type Exports = {
  readonly scan: (length: number) => number
  /** `grow` adds so many pages, and leaves what lay over `buffer` empty, as does the scan where it needs more. */
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
}

/** Where the text ceases to be JSON. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
}

const module = new WebAssembly.Module(Buffer.from(compiledScan, 'base64'))

const pageBytes = 65_536

/** What follows the text in the memory: zeros, as many as are compared at a time. */
const sentinelBytes = 16

/** A larger memory is let go of, which messages that are taken by default seldom need ... */
const keptBytes = 2 ** 25

/** ... once so many texts in a row had needed no more: with each, 300 MB of them would wait for the garbage collector. */
const smallTextsMax = 1000

export class JsonScan {
  #exports = instance()
  #text = new Uint8Array(this.#exports.memory.buffer)
  #places = new Int32Array(this.#exports.memory.buffer)
  /** that came in a row, while the memory is large */
  #smallTexts = 0

  /** Of the text scanned last, from `start` on: five numbers for each value, in the order in which values begin. */
  get places(): Int32Array {
    return this.#places
  }

  /**
   * Scans a whole text. Accepts exactly what JSON.parse accepts, at any depth, where it is UTF-8.
   *
   * @returns where its places start
   * @throws JsonError
   */
  scan(bytes: Uint8Array): number {
    const { length } = bytes
    const needed = length + sentinelBytes
    if (this.#text.length > keptBytes) this.#letGoIfLarge(needed)
    const missing = needed - this.#text.length
    if (missing > 0) {
      this.#exports.memory.grow(Math.ceil(missing / pageBytes))
      this.#look()
    }
    this.#text.set(bytes)
    let count
    try {
      count = this.#exports.scan(length)
    } finally {
      if (this.#text.length === 0) this.#look()
    }
    if (count < 0) throw new JsonError(`no JSON from byte ${~count} on`)
    return (needed + 3) >> 2
  }

  #letGoIfLarge(needed: number): void {
    this.#smallTexts = needed > keptBytes ? 0 : this.#smallTexts + 1
    if (this.#smallTexts < smallTextsMax) return
    this.#smallTexts = 0
    this.#exports = instance()
    this.#look()
  }

  #look(): void {
    const { buffer } = this.#exports.memory
    this.#text = new Uint8Array(buffer)
    this.#places = new Int32Array(buffer)
  }
}

function instance(): Exports {
  return new WebAssembly.Instance(module).exports as Exports
}
