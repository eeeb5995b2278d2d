/**
 * One budget of memory for all partitions of a process: counts what each of them holds, seals the largest batch when too much
 * is open, and says whether more may be read. The rules are sealing.ts's; whom it pauses, roster.ts's.
 */
import { hasRoom, type MemoryUse, openBytesMax, type SealReason } from './sealing.ts'

/** What a partition shows of itself here. */
export interface Holder {
  readonly memory: MemoryUse
  seal(reason: SealReason): void
}

const nothing: MemoryUse = { rows: 0, openBytes: 0, inFlightBytes: 0 }

export class Budget<H extends Holder> {
  readonly #bytes: number
  readonly #used: { set(bytes: number): void }
  /** Those that hold anything, as they were noted last: with a thousand of them, to ask each anew would cost more than the rest. */
  readonly #uses = new Map<H, MemoryUse>()
  #openBytes = 0
  #inFlightBytes = 0

  /** `used` is told what is in use, in bytes. */
  constructor(bytes: number, used: { set(bytes: number): void }) {
    this.#bytes = bytes
    this.#used = used
  }

  /** Whether more may be read. */
  get hasRoom(): boolean {
    return hasRoom(this.#openBytes + this.#inFlightBytes, this.#bytes)
  }

  /** To be called whenever the memory of `holder` has changed. */
  note(holder: H): void {
    const before = this.#uses.get(holder) ?? nothing
    const now = holder.memory
    this.#openBytes += now.openBytes - before.openBytes
    this.#inFlightBytes += now.inFlightBytes - before.inFlightBytes
    if (now.openBytes + now.inFlightBytes > 0) this.#uses.set(holder, now)
    else this.#uses.delete(holder)
  }

  /** Seals for memory's sake, the largest first. Each seal is noted by its holder. */
  balance(): void {
    while (this.#openBytes > openBytesMax(this.#bytes)) {
      const largest = this.#largest()
      if (!largest) break
      largest.seal('memory')
    }
    this.#used.set(this.#openBytes + this.#inFlightBytes)
  }

  /** Of those that have rows; null where none has. */
  #largest(): H | null {
    let largest: H | null = null
    let most = 0
    for (const [holder, { rows, openBytes }] of this.#uses) {
      if (rows === 0 || openBytes <= most) continue
      largest = holder
      most = openBytes
    }
    return largest
  }
}
