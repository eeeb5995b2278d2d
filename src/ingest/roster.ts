/**
 * The partitions that this process reads, generation by generation: which there are, which of them are paused, and which
 * start anew. How one of them goes on is partition.ts; where it starts, starter.ts; the membership behind it, session.ts.
 */
import type { Config, TableConfig } from '../config.ts'
import { within } from '../deadline.ts'
import { Failure } from '../failure.ts'
import { reach } from '../fail-point.ts'
import type { Generation } from '../kafka/group-hooks.ts'
import { partitionGauges } from '../telemetry.ts'
import { judge, type Fetched, type Verdict } from './acceptance.ts'
import { Budget } from './budget.ts'
import { commit } from './committing.ts'
import { Inspection } from './inspection.ts'
import type { Membership } from './membership.ts'
import type { Outage } from './outage.ts'
import { type Offer, Partition, type PartitionListener, type PartitionSetting } from './partition.ts'
import { endOf, type Halt, type Slot, Slots } from './slots.ts'
import { startAll, type StarterSetting } from './starter.ts'

export type RosterSetting = Omit<PartitionSetting, 'table' | 'prefix' | 'limits'> & {
  readonly config: Config
  readonly kafkaOutage: Outage
  readonly epochOutage: Outage
}

export class Roster implements PartitionListener {
  readonly #setting: RosterSetting
  readonly #membership: Membership
  readonly #starter: StarterSetting
  readonly #tables: ReadonlyMap<string, TableConfig>
  readonly #budget: Budget<Partition>
  readonly #inspection: Inspection
  #slots = new Slots()
  /** Partitions of earlier generations that still store what they had. */
  readonly #retired = new Set<Partition>()
  #generation: Generation | null = null
  #hadRoom = true
  #turn = 0
  #leaving = false

  constructor(setting: RosterSetting, membership: Membership) {
    this.#setting = setting
    this.#membership = membership
    this.#tables = new Map(setting.config.tables.map((table) => [table.topic, table]))
    this.#budget = new Budget(setting.config.ingest.memory, setting.metrics.firn_buffered_bytes)
    this.#inspection = new Inspection(membership, setting.logger)
    this.#starter = {
      ...setting,
      findStarts: (table, partitions) => membership.findStarts(table, partitions),
      fail: (failure) => {
        membership.fail(failure)
      },
      nextTurn: () => ++this.#turn,
      started: (partition) => {
        membership.seek(partition.topic, partition.partition, partition.cursor)
        const slot = this.#slots.of(partition)
        if (slot) this.#setPaused(slot, !this.#balance())
      },
    }
  }

  /** Grows with each start of a partition. */
  get turn(): number {
    return this.#turn
  }

  get partitions(): readonly Partition[] {
    return this.#slots.partitions
  }

  /** How many partitions are read here. */
  get size(): number {
    return this.#slots.size
  }

  get halts(): readonly Halt[] {
    return this.#slots.halts
  }

  /** Whether the partition is kept from reading for want of memory. */
  isPaused(partition: Partition): boolean {
    return this.#slots.of(partition)?.paused ?? false
  }

  /**
   * The group is about to take the partitions away: stores and commits what there is, for `ms` at the most. An optimisation:
   * what is not stored is read again.
   */
  async revoke(ms: number): Promise<void> {
    reach('revoke.before')
    this.#leaveAll()
    await within(Promise.all(this.partitions.map(({ settled }) => settled)), ms)
    reach('revoke.after')
  }

  /**
   * A new generation has begun. A partition that stays here stores what it has and starts anew from the stage, so that
   * rebalances cannot keep it from getting on; one that went elsewhere drops what it has.
   */
  assign(assignment: Readonly<Record<string, readonly number[]>>, generation: Generation): void {
    this.#generation = generation
    if (this.#leaving) return
    const former = this.#slots
    this.#slots = new Slots()
    for (const [topic, numbers] of Object.entries(assignment)) {
      for (const number of numbers) {
        const slot = former.at(topic, number)
        slot?.partition.leave()
        this.#place(topic, number, null, slot ? endOf(slot) : Promise.resolve())
      }
    }
    for (const slot of former.all) {
      const { topic, partition } = slot.partition
      if (!this.#slots.at(topic, partition)) slot.partition.abandon()
      this.#retire(slot)
    }
    this.#setting.metrics.firn_assigned_partitions.set(this.#slots.size)
    for (const topic of Object.keys(assignment)) {
      this.#begin(this.#slots.all.filter(({ partition }) => partition.topic === topic))
    }
  }

  /** Whether a fetch from there that brought nothing says nothing: it stands there, or reads nothing now. */
  isAwaited(topic: string, number: number, offset: bigint): boolean {
    const partition = this.#slots.at(topic, number)?.partition
    return partition?.phase !== 'reading' || partition.cursor === offset
  }

  /** Whether a partition that is not fetched from now may be at any moment. */
  get isPausing(): boolean {
    return this.#slots.isPausing
  }

  /** A stretch of a fetch: takes it, or says why not. After `take` what follows may be offered. */
  offer(topic: string, number: number, fetched: Fetched, offer: Offer): Verdict {
    const slot = this.#slots.at(topic, number)
    const partition = slot?.partition ?? null
    const verdict = judge(partition, fetched)
    if (!partition || verdict === 'drop') return 'drop'
    if (verdict === 'seek') {
      this.#setting.metrics.firn_batches_refused_total.inc({ topic, partition: number })
      this.#membership.seek(topic, number, partition.cursor)
      return verdict
    }
    const isWhole = partition.take(offer, () => {
      this.#budget.note(partition)
      return this.#balance()
    })
    this.#budget.note(partition)
    this.#balance()
    if (partition.phase !== 'reading') return 'drop'
    if (isWhole && offer.unreadable === null) return 'take'
    // The client is further on: it has, or has asked for, what lies behind.
    this.#membership.seek(topic, number, partition.cursor)
    return 'seek'
  }

  /** Kafka has nothing at this partition's offset: find out why, from the start. */
  outOfRange(topic: string, number: number): void {
    const slot = this.#slots.at(topic, number)
    if (slot?.partition.phase !== 'reading') return
    // What was read of the messages that are gone from Kafka is nowhere else: it is stored first.
    slot.partition.leave()
    this.#renew(slot, null)
  }

  /** Looks whether what halted partitions is over: a gap was acknowledged, a damaged replica restored. Never rejects. */
  async reconsider(): Promise<void> {
    for (const table of this.#tables.values()) {
      const halted = this.#slots.all.flatMap(({ partition, halt }) => {
        return halt && partition.topic === table.topic ? { partition, code: halt.code } : []
      })
      for (const partition of await this.#inspection.over(table, halted)) {
        const slot = this.#slots.of(partition)
        if (!slot) continue
        this.#setting.logger.info({ topic: partition.topic, partition: partition.partition }, 'the halt is over')
        this.#renew(slot, null)
      }
    }
  }

  /** Looks whether the log of each partition is still the one that it reads. Never rejects. */
  async verify(): Promise<void> {
    await this.#inspection.verify(this.partitions)
  }

  /**
   * Stores and commits what there is; false where it took longer than `ms`. Nothing is read any more, and afterwards nothing
   * is repeated and no metric tells of a partition that may be another's by then.
   */
  async flush(ms: number): Promise<boolean> {
    this.#leaving = true
    reach('leave.before')
    const all = [...this.partitions, ...this.#retired]
    this.#leaveAll()
    for (const partition of this.#retired) partition.leave()
    const flushed = await within(Promise.all(all.map(({ settled }) => settled)), ms)
    reach('leave.after')
    for (const partition of all) partition.abandon()
    const former = this.#slots.all
    this.#slots.clear()
    for (const slot of former) this.#retire(slot)
    return flushed
  }

  async commit(partition: Partition, next: bigint, metadata: string): Promise<void> {
    const { topic, partition: number } = partition
    await commit(this.#setting, { topic, partition: number, next, metadata }, () => {
      // One that starts anew waits for what it was before, so that commits of a place stay in order.
      const isCurrent = partition.generation === this.#generation?.id && this.#slots.at(topic, number) !== null
      return isCurrent ? this.#generation : null
    })
  }

  halted(partition: Partition, failure: Failure): void {
    const { code, message, hint, response } = failure
    if (response === 'fatal') this.#membership.fail(failure)
    const slot = this.#slots.of(partition)
    if (!slot) return
    const { topic, partition: number } = partition
    slot.halt = { topic, partition: number, code, message, hint }
    this.#setting.metrics.firn_halted.set({ topic, partition: number, code }, 1)
    this.#setPaused(slot, true)
    this.#setting.logger.error({ topic, partition: number, code, hint }, `halted: ${message}`)
  }

  taken(partition: Partition, first: bigint): void {
    const slot = this.#slots.of(partition)
    if (!slot) return
    slot.partition.abandon()
    this.#renew(slot, first)
  }

  resized(partition: Partition): void {
    this.#budget.note(partition)
  }

  freed(): void {
    for (const partition of this.#retired) {
      const { openBytes, inFlightBytes } = partition.memory
      if (openBytes + inFlightBytes === 0) this.#retired.delete(partition)
    }
    this.#balance()
  }

  /** Paused, too: what would be fetched meanwhile is dropped, and fetched again and again. */
  #leaveAll(): void {
    for (const slot of this.#slots.all) {
      slot.partition.leave()
      this.#setPaused(slot, true)
    }
  }

  #begin(slots: readonly Slot[]): void {
    const [first] = slots
    const table = first && this.#tables.get(first.partition.topic)
    if (table) void startAll(this.#starter, table, slots)
  }

  #place(topic: string, number: number, beyond: bigint | null, before: Promise<unknown>): Slot {
    const table = this.#tables.get(topic)
    if (!table) throw new Failure('UNKNOWN', `the group assigned topic ${topic}, which no table names`)
    const { ingest, stage } = this.#setting.config
    const setting = { ...this.#setting, table, prefix: stage.prefix, limits: ingest }
    const slot: Slot = {
      partition: new Partition(number, this.#generation?.id ?? 0, setting, this),
      beyond,
      before,
      paused: false,
      halt: null,
    }
    this.#slots.put(slot)
    this.#setPaused(slot, true)
    return slot
  }

  #retire({ partition, halt }: Slot): void {
    this.#retired.add(partition)
    const { topic, partition: number } = partition
    const { metrics } = this.#setting
    if (halt) metrics.firn_halted.remove({ topic, partition: number, code: halt.code })
    if (this.#slots.at(topic, number) !== null) return
    for (const name of partitionGauges) metrics[name].remove({ topic, partition: number })
  }

  /** Starts a partition anew within its generation, after what it still stores. */
  #renew(slot: Slot, beyond: bigint | null): void {
    if (this.#leaving) return
    const { topic, partition: number } = slot.partition
    const fresh = this.#place(topic, number, beyond, endOf(slot))
    this.#retire(slot)
    this.#begin([fresh])
  }

  /** Seals for memory's sake, and lets those read that may; whether there is room for more. */
  #balance(): boolean {
    this.#budget.balance()
    const { hasRoom } = this.#budget
    if (hasRoom === this.#hadRoom) return hasRoom
    this.#hadRoom = hasRoom
    for (const slot of this.#slots.all) this.#setPaused(slot, slot.partition.phase !== 'reading' || !hasRoom)
    return hasRoom
  }

  #setPaused(slot: Slot, paused: boolean): void {
    if (slot.paused === paused) return
    slot.paused = paused
    const { topic, partition: number } = slot.partition
    if (paused) this.#membership.pause(topic, number)
    else this.#membership.resume(topic, number)
  }
}
