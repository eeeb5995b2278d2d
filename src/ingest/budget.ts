/**
 * One budget of memory for all partitions of a process: seals the largest batch when too much is open, and says whether
 * more may be read. The rule is sealing.ts's; whom it pauses, roster.ts's.
 */
import type { Partition } from './partition.ts'
import { planMemory } from './sealing.ts'

export class Budget {
  readonly #bytes: number
  readonly #used: { set(bytes: number): void }

  /** `used` is told what is in use, in bytes. */
  constructor(bytes: number, used: { set(bytes: number): void }) {
    this.#bytes = bytes
    this.#used = used
  }

  /** Seals for memory's sake; whether there is room for more. */
  balance(partitions: readonly Partition[]): boolean {
    const plan = () =>
      planMemory(
        partitions.map(({ memory }) => memory),
        this.#bytes,
      )
    let now = plan()
    while (now.seal !== null) {
      partitions[now.seal]?.seal('memory')
      now = plan()
    }
    this.#used.set(now.usedBytes)
    return now.read
  }
}
