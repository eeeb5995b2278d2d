/**
 * The partitions that this process reads, generation by generation: starts them, pauses them for memory's sake, replaces
 * them where they must start anew. How one of them goes on is partition.ts; the membership behind it, session.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message, OffsetRange } from '../change.ts'
import type { Config, TableConfig } from '../config.ts'
import { Failure, toFailure } from '../failure.ts'
import { judge, type Verdict } from './acceptance.ts'
import type { Start, Starts } from './assignment.ts'
import { backoffMs } from './backoff.ts'
import { within } from '../deadline.ts'
import type { Outage } from './outage.ts'
import { Partition, type PartitionListener, type PartitionSetting } from './partition.ts'
import { planMemory } from './sealing.ts'

export type RosterSetting = Omit<PartitionSetting, 'table' | 'prefix' | 'limits'> & {
  readonly config: Config
  readonly kafkaOutage: Outage
}

/** What a roster asks of the membership behind it. All but `commit` and `findStarts` take effect before they return. */
export interface Membership {
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /** The next fetch begins at `offset`. */
  seek(topic: string, partition: number, offset: bigint): void
  /** @throws Failure where Kafka did not take it */
  commit(topic: string, partition: number, next: bigint, metadata: string): Promise<void>
  /** @throws Failure of Kafka or the stage */
  findStarts(topic: string, epoch: number, partitions: readonly number[]): Promise<Starts>
  /** Ends the session: no partition can go on. */
  fail(failure: Failure): void
}

/** A partition that waits for an operator. */
export type Halt = {
  readonly topic: string
  readonly partition: number
  readonly code: Failure['code']
  readonly message: string
  readonly hint: string
}

type Slot = {
  readonly partition: Partition
  /** the start must lie above it, or the name of a landing file is taken by what is none */
  readonly beyond: bigint | null
  /** Fulfilled when all that this process read of the partition before is stored or given up: where it starts shows then. */
  readonly before: Promise<unknown>
  paused: boolean
  halt: Halt | null
}

/** What is told of a partition for as long as it is read here. */
const partitionGauges = [
  'firn_consumed_offset',
  'firn_consumed_timestamp_seconds',
  'firn_staged_offset',
  'firn_staged_timestamp_seconds',
  'firn_staged_source_timestamp_seconds',
  'firn_end_offset',
  'firn_lag_messages',
] as const

export class Roster implements PartitionListener {
  readonly #setting: RosterSetting
  readonly #membership: Membership
  readonly #tables: ReadonlyMap<string, TableConfig>
  #slots = new Map<string, Slot>()
  /** Partitions of earlier generations that still store what they had. */
  readonly #retired = new Set<Partition>()
  #generation = 0
  #leaving = false

  constructor(setting: RosterSetting, membership: Membership) {
    this.#setting = setting
    this.#membership = membership
    this.#tables = new Map(setting.config.tables.map((table) => [table.topic, table]))
  }

  get partitions(): readonly Partition[] {
    return [...this.#slots.values()].map(({ partition }) => partition)
  }

  get halts(): readonly Halt[] {
    return [...this.#slots.values()].flatMap(({ halt }) => halt ?? [])
  }

  /**
   * A new generation has begun. A partition that stays here stores what it has and starts anew from the stage, so that
   * rebalances cannot keep it from getting on; one that went elsewhere drops what it has.
   */
  assign(assignment: Readonly<Record<string, readonly number[]>>): void {
    this.#generation++
    if (this.#leaving) return
    const former = this.#slots
    this.#slots = new Map()
    for (const [topic, numbers] of Object.entries(assignment)) {
      for (const number of numbers) {
        const slot = former.get(keyOf(topic, number))
        slot?.partition.leave()
        this.#place(topic, number, null, slot ? endOf(slot) : Promise.resolve())
      }
    }
    for (const [key, slot] of former) {
      if (!this.#slots.has(key)) slot.partition.abandon()
      this.#retire(slot)
    }
    this.#setting.metrics.firn_assigned_partitions.set(this.#slots.size)
    for (const topic of Object.keys(assignment)) {
      const slots = [...this.#slots.values()].filter(({ partition }) => partition.topic === topic)
      void this.#begin(topic, slots)
    }
  }

  /** A fetched batch: takes it, or says why not. `next` is the offset after all that it covers. */
  offer(topic: string, number: number, fetched: bigint, messages: Iterable<Message>, next: bigint): Verdict {
    const partition = this.#slots.get(keyOf(topic, number))?.partition ?? null
    const verdict = judge(partition, this.#generation, fetched)
    if (!partition || verdict === 'drop') return 'drop'
    if (verdict === 'seek') {
      this.#setting.metrics.firn_batches_refused_total.inc({ topic, partition: number })
      this.#membership.seek(topic, number, partition.cursor)
      return verdict
    }
    partition.take(messages, next)
    this.#balance()
    return partition.phase === 'reading' ? 'take' : 'drop'
  }

  /** Kafka has nothing at this partition's offset: find out why, from the start. */
  outOfRange(topic: string, number: number): void {
    const slot = this.#slots.get(keyOf(topic, number))
    if (slot?.partition.phase !== 'reading') return
    // What was read of the messages that are gone from Kafka is nowhere else: it is stored first.
    slot.partition.leave()
    this.#renew(slot, null)
  }

  /**
   * Stores and commits what there is; false where it took longer than `ms`. Nothing is read any more, and afterwards nothing
   * is repeated and no metric tells of a partition that may be another's by then.
   */
  async flush(ms: number): Promise<boolean> {
    this.#leaving = true
    const all = [...this.partitions, ...this.#retired]
    for (const partition of all) partition.leave()
    const flushed = await within(Promise.all(all.map(({ settled }) => settled)), ms)
    for (const partition of all) partition.abandon()
    const former = [...this.#slots.values()]
    this.#slots.clear()
    for (const slot of former) this.#retire(slot)
    return flushed
  }

  async commit(partition: Partition, next: bigint, metadata: string): Promise<void> {
    // One that starts anew waits for what it was before, so that commits of a place stay in order.
    if (partition.generation !== this.#generation || !this.#slots.has(keyOf(partition.topic, partition.partition)))
      return
    const { topic, partition: number } = partition
    try {
      await this.#membership.commit(topic, number, next, metadata)
    } catch (error) {
      const { code, message } = toFailure(error)
      this.#setting.metrics.firn_commits_failed_total.inc({ topic, partition: number })
      this.#setting.logger.debug({ topic, partition: number, code, reason: message }, 'commit failed')
    }
  }

  halted(partition: Partition, { code, message, hint }: Failure): void {
    const slot = this.#slotOf(partition)
    if (!slot) return
    const { topic, partition: number } = partition
    slot.halt = { topic, partition: number, code, message, hint }
    this.#setting.metrics.firn_halted.set({ topic, partition: number, code }, 1)
    this.#setPaused(slot, true)
    this.#setting.logger.error({ topic, partition: number, code, hint }, `halted: ${message}`)
  }

  taken(partition: Partition, range: OffsetRange): void {
    const slot = this.#slotOf(partition)
    if (!slot) return
    slot.partition.abandon()
    this.#renew(slot, range.first)
  }

  freed(): void {
    for (const partition of this.#retired) {
      const { openBytes, inFlightBytes } = partition.memory
      if (openBytes + inFlightBytes === 0) this.#retired.delete(partition)
    }
    this.#balance()
  }

  #place(topic: string, number: number, beyond: bigint | null, before: Promise<unknown>): Slot {
    const table = this.#tables.get(topic)
    if (!table) throw new Failure('UNKNOWN', `the group assigned topic ${topic}, which no table names`)
    const { ingest, stage } = this.#setting.config
    const setting = { ...this.#setting, table, prefix: stage.prefix, limits: ingest }
    const slot: Slot = {
      partition: new Partition(number, this.#generation, setting, this),
      beyond,
      before,
      paused: false,
      halt: null,
    }
    this.#slots.set(keyOf(topic, number), slot)
    this.#setPaused(slot, true)
    return slot
  }

  #retire({ partition, halt }: Slot): void {
    this.#retired.add(partition)
    const { topic, partition: number } = partition
    const { metrics } = this.#setting
    if (halt) metrics.firn_halted.remove({ topic, partition: number, code: halt.code })
    if (this.#slots.has(keyOf(topic, number))) return
    for (const name of partitionGauges) metrics[name].remove({ topic, partition: number })
  }

  /** Starts a partition anew within its generation, after what it still stores. */
  #renew(slot: Slot, beyond: bigint | null): void {
    if (this.#leaving) return
    const { topic, partition: number } = slot.partition
    const fresh = this.#place(topic, number, beyond, endOf(slot))
    this.#retire(slot)
    void this.#begin(topic, [fresh])
  }

  /** Finds where the partitions start, for as long as it takes. Never rejects. */
  async #begin(topic: string, slots: readonly Slot[]): Promise<void> {
    const epoch = this.#tables.get(topic)?.epoch ?? 0
    // What earlier generations still store is on the stage then, and not written twice.
    await Promise.all(slots.map(({ before }) => before))
    for (let attempt = 0; ; attempt++) {
      const waiting = slots.filter(({ partition }) => partition.phase === 'resuming')
      if (waiting.length === 0) return
      try {
        const numbers = waiting.map(({ partition }) => partition.partition)
        const { starts, partitionCount } = await this.#membership.findStarts(topic, epoch, numbers)
        this.#setting.stageOutage.over()
        for (const slot of waiting) this.#start(slot, starts, partitionCount)
        const places = starts.map(({ partition, resumption: { kind, ...at } }) =>
          'cursor' in at ? `${partition} from ${at.cursor.toString()}` : `${partition} ${kind}`,
        )
        this.#setting.logger.info({ topic, partitions: places.join(', ') }, 'assigned')
        return
      } catch (error) {
        // Of a generation that has ended, nobody needs to hear.
        if (waiting.every(({ partition }) => partition.phase !== 'resuming')) return
        const failure = toFailure(error)
        if (failure.response === 'fatal') this.#membership.fail(failure)
        if (failure.response !== 'retry') for (const { partition } of waiting) partition.halt(failure)
        if (failure.response !== 'retry') return
        this.#outageOf(failure).report(failure)
      }
      await sleep(backoffMs(attempt))
    }
  }

  #start(slot: Slot, starts: readonly Start[], partitionCount: number): void {
    const { partition, beyond } = slot
    const { topic, partition: number } = partition
    const found = starts.find((start) => start.partition === number)
    // By now it may have been replaced, or be leaving.
    if (!found || partition.phase !== 'resuming') return
    const { resumption, committed } = found
    const place = `${topic}/${number}`
    if (resumption.kind === 'halt') {
      partition.halt(new Failure(resumption.code, `${place}: ${resumption.reason}`))
      return
    }
    const { cursor, adopted } = resumption
    if (beyond !== null && cursor <= beyond) {
      partition.halt(new Failure('NAME_TAKEN', `${place}: the landing file that begins at ${cursor.toString()}`))
      return
    }
    if (adopted.length > 0) {
      this.#setting.metrics.firn_files_adopted_total.inc({ topic, partition: number }, adopted.length)
    }
    partition.start(cursor, partitionCount, committed === cursor ? null : (adopted.at(-1) ?? null))
    this.#membership.seek(topic, number, cursor)
    this.#balance()
  }

  /** Seals for memory's sake, and lets those read that may. */
  #balance(): void {
    const { config, metrics } = this.#setting
    const budgetBytes = config.ingest.memory
    const all = [...this.partitions, ...this.#retired]
    let plan = planMemory(
      all.map(({ memory }) => memory),
      budgetBytes,
    )
    while (plan.seal !== null) {
      all[plan.seal]?.seal('memory')
      plan = planMemory(
        all.map(({ memory }) => memory),
        budgetBytes,
      )
    }
    metrics.firn_buffered_bytes.set(plan.usedBytes)
    for (const slot of this.#slots.values()) {
      this.#setPaused(slot, slot.partition.phase !== 'reading' || !plan.read)
    }
  }

  #setPaused(slot: Slot, paused: boolean): void {
    if (slot.paused === paused) return
    slot.paused = paused
    const { topic, partition: number } = slot.partition
    if (paused) this.#membership.pause(topic, number)
    else this.#membership.resume(topic, number)
  }

  #outageOf({ code }: Failure): Outage {
    const { stageOutage, kafkaOutage } = this.#setting
    return code.startsWith('STAGE_') || code === 'BUCKET_MISSING' ? stageOutage : kafkaOutage
  }

  /** Null where the partition has been replaced or has gone elsewhere. */
  #slotOf(partition: Partition): Slot | null {
    const slot = this.#slots.get(keyOf(partition.topic, partition.partition))
    return slot?.partition === partition ? slot : null
  }
}

/** When nothing that was read in this slot, or before it, is on its way any more. */
function endOf({ partition, before }: Slot): Promise<unknown> {
  return Promise.all([before, partition.settled])
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}
