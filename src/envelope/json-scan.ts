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

/** Memory that is kept from one text to the next: that of a message of the size that is taken by default. */
const keptBytes = 2 ** 25

export class JsonScan {
  #exports = instance()
  #text = new Uint8Array(this.#exports.memory.buffer)
  #places = new Int32Array(this.#exports.memory.buffer)

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
    const missing = length + sentinelBytes - this.#text.length
    if (missing > 0) {
      this.#exports.memory.grow(Math.ceil(missing / pageBytes))
      this.#look()
    }
    this.#text.set(bytes)
    const count = this.#exports.scan(length)
    if (this.#text.length === 0) this.#look()
    if (count < 0) throw new JsonError(`no JSON from byte ${~count} on`)
    return (length + sentinelBytes + 3) >> 2
  }

  /** Lets go of more memory than texts usually take. */
  release(): void {
    if (this.#text.length <= keptBytes) return
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
