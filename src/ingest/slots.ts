/**
 * What a roster knows of each partition that is read here: whether it is paused, and why it waits for an operator. Which there
 * are, and when one takes the place of another, is roster.ts's.
 */
import type { Failure } from '../failure.ts'
import type { Partition } from './partition.ts'
import type { Starting } from './starter.ts'

/** A partition that waits for an operator. */
export type Halt = {
  readonly topic: string
  readonly partition: number
  readonly code: Failure['code']
  readonly message: string
  readonly hint: string
}

export type Slot = Starting & { paused: boolean; halt: Halt | null }

/** When nothing that was read in this slot, or before it, is on its way any more. */
export function endOf({ partition, before }: Starting): Promise<unknown> {
  return Promise.all([before, partition.settled])
}

export class Slots {
  readonly #slots = new Map<string, Slot>()

  get size(): number {
    return this.#slots.size
  }

  get all(): readonly Slot[] {
    return [...this.#slots.values()]
  }

  get partitions(): readonly Partition[] {
    return this.all.map(({ partition }) => partition)
  }

  get halts(): readonly Halt[] {
    return this.all.flatMap(({ halt }) => halt ?? [])
  }

  /** Whether a partition that is not fetched from now may be at any moment. */
  get isPausing(): boolean {
    for (const { paused, halt } of this.#slots.values()) if (paused && !halt) return true
    return false
  }

  at(topic: string, partition: number): Slot | null {
    return this.#slots.get(keyOf(topic, partition)) ?? null
  }

  /** Null where the partition has been replaced or has gone elsewhere. */
  of(partition: Partition): Slot | null {
    const slot = this.at(partition.topic, partition.partition)
    return slot?.partition === partition ? slot : null
  }

  put(slot: Slot): void {
    this.#slots.set(keyOf(slot.partition.topic, slot.partition.partition), slot)
  }

  clear(): void {
    this.#slots.clear()
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
