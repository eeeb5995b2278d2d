/**
 * The anchor: what identifies the last message that a batch covers, and what it says when it is compared with the log.
 * Which anchors are compared, and in which order, is assignment.ts.
 */
import { createHash } from 'node:crypto'
import type { Message } from '../change.ts'
import type { LogEntry } from '../kafka/log-reader.ts'
import type { Anchor } from '../landing.ts'

/**
 * What stands at the anchor's offset now: `same` message; an `other` one, or a marker, so that this is another log; or it is
 * `gone`, which says nothing: retention and compaction remove messages, but never put others in their place.
 */
export function compareAnchor(anchor: Anchor, entry: LogEntry): 'same' | 'other' | 'gone' {
  if (entry.kind === 'gone') return 'gone'
  if (entry.kind === 'marker') return 'other'
  const { hash, timestamp } = anchorOf(entry.message)
  return hash === anchor.hash && timestamp === anchor.timestamp ? 'same' : 'other'
}

/** SHA-256 over the length (4 bytes, big endian; -1 for null) and the bytes of the key, then of the value. */
export function anchorOf(message: Pick<Message, 'offset' | 'timestamp' | 'key' | 'value'>): Anchor {
  const hash = createHash('sha256')
  for (const bytes of [message.key, message.value]) {
    const length = Buffer.alloc(4)
    length.writeInt32BE(bytes ? bytes.length : -1)
    hash.update(length)
    if (bytes) hash.update(bytes)
  }
  return { offset: message.offset, timestamp: message.timestamp, hash: hash.digest('hex') }
}

/**
 * Keeps a copy of the last message, in buffers that it uses again: a hash for each message would cost more than the copy,
 * and a reference would pin what the Kafka client fetched.
 */
export class LastMessage {
  #offset = 0n
  #timestamp: bigint | null = null
  readonly #key = new Scratch()
  readonly #value = new Scratch()

  /** Memory held. */
  get bytes(): number {
    return this.#key.capacity + this.#value.capacity
  }

  /** ms since 1970; null before the first message */
  get timestamp(): bigint | null {
    return this.#timestamp
  }

  keep(message: Message): void {
    this.#offset = message.offset
    this.#timestamp = message.timestamp
    this.#key.copy(message.key)
    this.#value.copy(message.value)
  }

  /** Null before the first message. */
  anchor(): Anchor | null {
    if (this.#timestamp === null) return null
    return anchorOf({
      offset: this.#offset,
      timestamp: this.#timestamp,
      key: this.#key.bytes(),
      value: this.#value.bytes(),
    })
  }
}

/** Room to grow for small ones, none for large ones. */
function roomFor(bytes: number): number {
  return bytes < 2 ** 20 ? bytes * 2 : bytes
}

class Scratch {
  #buffer = Buffer.alloc(0)
  #length: number | null = null

  get capacity(): number {
    return this.#buffer.length
  }

  copy(bytes: Buffer | null): void {
    if (bytes && bytes.length > this.#buffer.length) this.#buffer = Buffer.alloc(roomFor(bytes.length))
    if (bytes) this.#buffer.set(bytes)
    this.#length = bytes ? bytes.length : null
  }

  bytes(): Buffer | null {
    return this.#length === null ? null : this.#buffer.subarray(0, this.#length)
  }
}
