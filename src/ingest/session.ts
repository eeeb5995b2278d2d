/**
 * One membership of the consumer group, from joining to leaving, on connections of its own.
 * Which partitions are read and how is roster.ts; when the next session begins, ingest.ts.
 */
import { setImmediate } from 'node:timers/promises'
import type { IngestConfig, TableConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import {
  type Admin,
  type Consumer,
  consumerOf,
  type EachBatchPayload,
  kafkaClient,
  kafkaFailure,
} from '../kafka/client.ts'
import type { FetchedBatch } from '../kafka/fetched-batch.ts'
import { type LogEntry, type LogReader, logReader } from '../kafka/log-reader.ts'
import { type Cluster, generationOf, hookGroup } from '../kafka/group-hooks.ts'
import { findStarts } from './assignment.ts'
import { fetchPatience, heartbeatMs } from './fetch-patience.ts'
import { within } from '../deadline.ts'
import { logBounds } from './log-bounds.ts'
import type { Outage } from './outage.ts'
import type { LogBounds } from './resume.ts'
import type { Membership } from './membership.ts'
import { Roster, type RosterSetting } from './roster.ts'

/** How often missing topics are looked for. */
const topicsLookMs = 5_000

/** How long the group waits, when its members change, for those that it knows. */
const rebalanceMs = 60_000

/** The longest that the group may keep a process that wants to join: until a dead member is dropped, and a slow one is back. */
export function joinMs({ sessionTimeout }: IngestConfig): number {
  return sessionTimeout + rebalanceMs
}

/** Of one fetch, over all partitions. What is fetched is no part of ingest.memory: one fetch is taken while the next one comes. */
const fetchBytes = 2 * 2 ** 20

/** kafkajs waits for its brokers when it leaves; a broker that is gone must not hold the process. */
const leaveMs = 5_000

export type SessionSetting = RosterSetting & { readonly topicsOutage: Outage }

export class Session implements Membership {
  readonly roster: Roster
  readonly #setting: SessionSetting
  readonly #admin: Admin
  readonly #consumer: Consumer
  readonly #cluster: Cluster
  readonly #reader: LogReader
  readonly #ended = Promise.withResolvers<undefined>()
  /** Under way at the admin client, which connects anew, for good, where a request meets its end. */
  readonly #asked = new Set<Promise<unknown>>()
  #joining: Promise<void> = Promise.resolve()
  #hasTopics = false
  #memberId: string | null = null
  #left = false
  /** The consumer, told to or by a crash, fetches nothing any more; from then on it throws at what would steer it. */
  #stopped = false

  constructor(setting: SessionSetting) {
    const { config, logger } = setting
    this.#setting = setting
    this.roster = new Roster(setting, this)
    // Clients of its own: kafkajs keeps a group's offsets for as long as a client lives.
    const kafka = kafkaClient(config.kafka, logger)
    this.#admin = kafka.admin()
    const { consumer, cluster } = consumerOf(kafka, {
      groupId: config.kafka.group,
      sessionTimeout: config.ingest.sessionTimeout,
      rebalanceTimeout: rebalanceMs,
      heartbeatInterval: heartbeatMs(config.ingest),
      maxBytes: fetchBytes,
      metadataMaxAge: 10_000,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: () => Promise.resolve(false) },
    })
    this.#consumer = consumer
    this.#cluster = cluster
    this.#reader = logReader(kafka, config.kafka.group)
    // Half of what the group waits for a member without heartbeats; none are sent meanwhile.
    const revokeMs = Math.min(config.ingest.leaveTimeout, config.ingest.sessionTimeout / 2)
    hookGroup(cluster, {
      turn: () => this.roster.turn,
      outOfRange: (topic, partition) => {
        this.roster.outOfRange(topic, partition)
      },
      isAwaited: (topic, partition, offset) => this.roster.isAwaited(topic, partition, offset),
      patience: (idle) => fetchPatience(config.ingest, this.roster.size, idle && !this.roster.isPausing),
      beforeRejoin: async () => {
        this.#memberId = null
        await this.roster.revoke(revokeMs)
      },
    })
    this.#ended.promise.catch(() => undefined)
  }

  /** Whether this process wants to be a member of the group, and is none: it has topics to read. */
  get isOutside(): boolean {
    return this.#hasTopics && !this.joined
  }

  /** Whether this process is a member of the group now. */
  get joined(): boolean {
    return this.#memberId !== null && !this.#left
  }

  /**
   * Reads until `stopping`, or until a topic that was missing is there. Then, and after a failure too, stores what it has
   * within ingest.leaveTimeout, commits and leaves.
   *
   * @throws Failure of Kafka
   */
  async run(stopping: AbortSignal): Promise<void> {
    const { brokers } = this.#setting.config.kafka
    const stop = () => {
      this.#ended.resolve(undefined)
    }
    stopping.addEventListener('abort', stop)
    let topicsTimer: NodeJS.Timeout | undefined
    try {
      await Promise.all([this.#admin.connect(), this.#reader.connect()])
      const missing = await this.#missingTopics()
      const topics = this.#topics.filter((topic) => !missing.includes(topic))
      if (missing.length > 0) {
        this.#setting.topicsOutage.report(new Failure('TOPIC_MISSING', `there is no topic ${missing.join(', ')}`))
        topicsTimer = setInterval(() => void this.#endWhenFewer(missing.length), topicsLookMs)
      } else this.#setting.topicsOutage.over()
      this.#hasTopics = topics.length > 0
      if (this.#hasTopics && !stopping.aborted) this.#joining = this.#join(topics)
      // It may take as long as the group keeps a process waiting.
      await Promise.race([this.#joining, this.#ended.promise])
      if (stopping.aborted) stop()
      await this.#ended.promise
    } catch (error) {
      throw kafkaFailure(error, `read from Kafka at ${brokers.join(', ')}`)
    } finally {
      stopping.removeEventListener('abort', stop)
      clearInterval(topicsTimer)
      await this.#leave()
    }
  }

  /** The bounds of a topic's log, by partition. @throws Failure of Kafka */
  logBounds(topic: string): Promise<ReadonlyMap<number, LogBounds>> {
    return this.#ask(() => logBounds(this.#admin, topic))
  }

  pause(topic: string, partition: number): void {
    if (!this.#stopped) this.#consumer.pause([{ topic, partitions: [partition] }])
  }

  resume(topic: string, partition: number): void {
    if (!this.#stopped) this.#consumer.resume([{ topic, partitions: [partition] }])
  }

  seek(topic: string, partition: number, offset: bigint): void {
    if (!this.#stopped) this.#consumer.seek({ topic, partition, offset: offset.toString() })
  }

  findStarts(table: TableConfig, partitions: readonly number[]) {
    const { config, stage } = this.#setting
    const [admin, reader] = [this.#admin, this.#reader]
    const sources = { admin, reader, group: config.kafka.group, stage, prefix: config.stage.prefix }
    return this.#ask(() => findStarts(sources, table, partitions))
  }

  entryAt(topic: string, partition: number, offset: bigint): Promise<LogEntry> {
    return this.#ask(() => this.#reader.entryAt(topic, partition, offset))
  }

  isReadable(topic: string, partition: number, offset: bigint): Promise<boolean> {
    return this.#ask(() => this.#reader.isReadable(topic, partition, offset))
  }

  fail(failure: Failure): void {
    this.#ended.reject(failure)
  }

  get #topics(): readonly string[] {
    return [...new Set(this.#setting.config.tables.map(({ topic }) => topic))]
  }

  async #join(topics: readonly string[]): Promise<void> {
    const { metrics, kafkaOutage } = this.#setting
    const { GROUP_JOIN, STOP, CRASH } = this.#consumer.events
    this.#consumer.on(STOP, () => {
      this.#stopped = true
    })
    this.#consumer.on(GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
      if (this.#left) return
      this.#memberId = memberId
      metrics.firn_kafka_connected.set(1)
      kafkaOutage.over()
      const generation = generationOf(this.#cluster)
      if (generation) this.roster.assign(memberAssignment, generation)
    })
    this.#consumer.on(CRASH, ({ payload: { error } }) => {
      this.#ended.reject(error)
    })
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 2,
      eachBatch: (payload) => this.#eachBatch(payload),
    })
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    // Declared as kafkajs's own class, which it stands in for.
    const batch = payload.batch as unknown as FetchedBatch
    const { topic, partition, askedAt } = batch
    for await (const { first, ...offer } of batch.stretches()) {
      // Meanwhile the partition may have been taken away, or have started anew.
      if (this.roster.offer(topic, partition, { askedAt, offset: first }, offer) !== 'take') break
      // What arrives for the next fetch meanwhile is read in between, and what is to be stored goes out.
      await setImmediate()
      await payload.heartbeat()
    }
  }

  /** @throws Failure KAFKA_FORBIDDEN, KAFKA_UNREACHABLE, ... */
  async #missingTopics(): Promise<readonly string[]> {
    const there = new Set(await this.#ask(() => this.#admin.listTopics()))
    const absent = this.#topics.filter((topic) => !there.has(topic))
    const missing: string[] = []
    for (const topic of absent) {
      try {
        // The list leaves out what the user may not see; asking by name tells which it is.
        await this.#ask(() => this.#admin.fetchTopicMetadata({ topics: [topic] }))
      } catch (error) {
        const failure = kafkaFailure(error, `find topic ${topic}`)
        if (failure.code !== 'TOPIC_MISSING') throw failure
        missing.push(topic)
      }
    }
    return missing
  }

  async #endWhenFewer(than: number): Promise<void> {
    try {
      const missing = await this.#missingTopics()
      if (missing.length < than) this.#ended.resolve(undefined)
    } catch (error) {
      if (!this.#left) this.#setting.kafkaOutage.report(kafkaFailure(error, 'look for topics'))
    }
  }

  /** @throws Failure KAFKA_UNREACHABLE once the session leaves */
  async #ask<T>(request: () => Promise<T>): Promise<T> {
    if (this.#left) throw new Failure('KAFKA_UNREACHABLE', 'this session of the group has ended')
    const answer = request()
    this.#asked.add(answer)
    try {
      return await answer
    } finally {
      this.#asked.delete(answer)
    }
  }

  async #leave(): Promise<void> {
    this.#left = true
    const { config, logger, metrics } = this.#setting
    const flushed = await this.roster.flush(config.ingest.leaveTimeout)
    if (!flushed) logger.warn('ingest.leaveTimeout passed before all was stored; the next reader reads the rest again')
    this.#memberId = null
    metrics.firn_kafka_connected.set(0)
    metrics.firn_assigned_partitions.set(0)
    const endAdmin = async () => {
      await Promise.allSettled(this.#asked)
      await Promise.all([this.#admin.disconnect(), this.#reader.close()])
    }
    const endConsumer = async () => {
      // One that is told to leave while it joins would stay.
      await Promise.allSettled([this.#joining])
      await this.#consumer.disconnect()
    }
    await within(Promise.allSettled([endConsumer(), endAdmin()]), leaveMs)
  }
}
