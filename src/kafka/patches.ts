/**
 * What is changed inside kafkajs 2.2.4, and nothing else is. Nobody develops that version any further, so its insides stay
 * as they were read; another version ends the process at start. kafkajs is to be had from here alone: two of its modules
 * are replaced, which works only before the others have loaded them.
 *
 * Invariant: what concerns a group's offsets and generations changes no consumer without hooks.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type kafkajsTypes from 'kafkajs'
import type { EachBatchPayload } from 'kafkajs'
import { Failure } from '../failure.ts'
import { type FetchPatience, inTurn, type TopicNumbers } from './fetch-order.ts'
import { FetchedBatch } from './fetched-batch.ts'
import { decodeRecordBatches, type RecordSet } from './record-batch.ts'

const inside = createRequire(import.meta.url)

/** A client's view of the brokers; each consumer has one of its own, by which its group is known here. */
export type Cluster = object

/** What a group member that keeps its own offsets is asked. */
export interface GroupHooks {
  /** A number that grows with each start of a partition: a fetch is marked with it when it is asked for. */
  turn(): number
  /** Kafka says that a fetch offset is outside of the log. */
  outOfRange(topic: string, partition: number): void
  /** Whether a fetch from this offset that brought nothing needs no answer: the member stands there, or reads nothing now. */
  isAwaited(topic: string, partition: number, offset: bigint): boolean
  /** How long a broker may wait, in ms, for how many bytes; `idle` after a fetch that brought nothing. */
  patience(idle: boolean): FetchPatience
  /** Before the member joins again, and so gives up what it reads; it must not take long. Never throws. */
  beforeRejoin(): Promise<void>
}

/** One generation of a group, for as long as a member of it wants to commit. */
export interface Generation {
  readonly id: number
  /** Refused by the coordinator once another generation has begun. */
  commit(topic: string, partition: number, next: bigint, metadata: string): Promise<void>
}

const hooksOf = new WeakMap<Cluster, GroupHooks>()
const groupOf = new WeakMap<Cluster, ConsumerGroup>()

/** From now on the consumer with this cluster never jumps to another offset by itself, and asks before it joins again. */
export function hookGroup(cluster: Cluster, hooks: GroupHooks): void {
  hooksOf.set(cluster, hooks)
}

/** The generation that the consumer with this cluster is a member of; null before it has joined. */
export function generationOf(cluster: Cluster): Generation | null {
  const { generationId: id = null, offsetManager } = groupOf.get(cluster) ?? {}
  if (id === null || !offsetManager) return null
  return {
    id,
    commit: (topic, partition, next, metadata) =>
      offsetManager.commitOffsets({
        topics: [{ topic, partitions: [{ partition, offset: next.toString(), metadata }] }],
      }),
  }
}

type Place = { readonly topic: string; readonly partition: number }
type OffsetManager = {
  readonly cluster: Cluster
  setDefaultOffset(place: Place): Promise<void>
  commitOffsets(offsets: object): Promise<void>
}
type ConsumerGroup = {
  readonly cluster: Cluster
  readonly generationId: number | null
  readonly offsetManager: OffsetManager | null
  resolveOffset(at: Place & { readonly offset: string }): void
  joinAndSync(): Promise<void>
  fetch(nodeId: number): Promise<readonly FetchedBatch[]>
  filterPartitionsByNode(nodeId: number, topics: readonly TopicNumbers[]): readonly TopicNumbers[]
}
type Runner = {
  readonly running: boolean
  readonly consumerGroup: ConsumerGroup
  readonly fetchManager: { stop(): Promise<void> }
  fetch(nodeId: number): Promise<readonly FetchedBatch[]>
  readonly eachBatch: (
    payload: Pick<EachBatchPayload, 'resolveOffset' | 'heartbeat'> & { batch: unknown },
  ) => Promise<void>
  heartbeat(): Promise<void>
  handleBatch(batch: FetchedBatch): Promise<void>
}
type RequestQueue = {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}
type Connection = {
  readonly socket?: Socket
  bytesBuffered: number
  bytesNeeded: number
  chunks: Buffer[]
  isConnected(): boolean
  connect(): Promise<boolean>
  processData(data: Buffer): void
}
type Metadata = {
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}
type TopicPartitions = { readonly topic: string; readonly partitions: readonly { readonly partition: number }[] }
type Brokers = {
  findTopicPartitionMetadata(topic: string): Metadata['topicMetadata'][number]['partitionMetadata']
  refreshMetadata(): Promise<void>
  fetchTopicsOffset(topics: readonly TopicPartitions[]): Promise<TopicPartitions[]>
  readonly brokerPool: { findConnectedBroker(): Promise<{ metadata(topics: readonly string[]): Promise<Metadata> }> }
  metadata(options?: { readonly topics?: readonly string[] }): Promise<Metadata>
}
type Decoder = { readInt32(): number; canReadBytes(length: number): boolean; readBytes(length: number): Buffer }
type Codec = { decompress(bytes: Buffer): Promise<Buffer> }

/** kafkajs, changed. @throws Failure UNKNOWN where it is another version, or was loaded by somebody else before */
export const kafkajs = load()

function load(): typeof kafkajsTypes {
  const { version } = inside('kafkajs/package.json') as { readonly version: string }
  if (version !== '2.2.4') {
    throw new Failure('UNKNOWN', `kafkajs is ${version}; Firn's changes to it were made for 2.2.4`)
  }
  if (inside.cache[inside.resolve('kafkajs')]) throw new Failure('UNKNOWN', 'kafkajs was loaded before its changes')
  readRecordBatches()
  keepLeaderless()
  replace('kafkajs/src/consumer/batch', FetchedBatch)
  keepOffsets(prototypeOf('kafkajs/src/consumer/offsetManager') as OffsetManager)
  const group = prototypeOf('kafkajs/src/consumer/consumerGroup') as ConsumerGroup
  markFetches(group)
  takeTurns(group)
  askBeforeRejoin(group)
  const runner = prototypeOf('kafkajs/src/consumer/runner') as Runner
  handOver(runner)
  endFetchers(runner)
  beginConnectionsAnew(prototypeOf('kafkajs/src/network/connection') as Connection)
  stopIdleTimer(prototypeOf('kafkajs/src/network/requestQueue') as RequestQueue)
  const cluster = prototypeOf('kafkajs/src/cluster') as Brokers
  askLeadersAlone(cluster)
  askMetadataAside(cluster)
  return inside('kafkajs') as typeof kafkajsTypes
}

function prototypeOf(path: string): unknown {
  return (inside(path) as { readonly prototype: unknown }).prototype
}

/** For all that load it from now on. */
function replace(path: string, exports: unknown): void {
  inside(path)
  const module = inside.cache[inside.resolve(path)]
  if (!module) throw new Failure('UNKNOWN', `${path} cannot be replaced`)
  module.exports = exports
}

/**
 * kafkajs checks no CRC-32C, puts all records of a batch on the stack at once and dies of some 120,000, and forgets how far
 * a batch without records reaches, so that it fetches that one for ever.
 */
function readRecordBatches(): void {
  const { lookupCodecByAttributes } = inside('kafkajs/src/protocol/message/compression') as {
    readonly lookupCodecByAttributes: (attributes: number) => Codec | null
  }
  const decompress = async (attributes: number, bytes: Buffer): Promise<Buffer> => {
    const codec = lookupCodecByAttributes(attributes)
    if (!codec) throw new RangeError(`unknown compression codec ${attributes & 0x07}`)
    return await codec.decompress(bytes)
  }
  const none: RecordSet = { batches: [], unreadable: null }
  replace('kafkajs/src/protocol/requests/fetch/v4/decodeMessages', async (decoder: Decoder): Promise<RecordSet> => {
    const size = decoder.readInt32()
    return size > 0 && decoder.canReadBytes(size)
      ? await decodeRecordBatches(decoder.readBytes(size), decompress)
      : none
  })
}

/** One partition without a leader makes kafkajs throw away all that it learns of brokers and topics with it. */
function keepLeaderless(): void {
  const path = 'kafkajs/src/protocol/requests/metadata/v0/response'
  const { parse, ...rest } = inside(path) as { readonly parse: (data: Metadata) => Promise<Metadata> }
  const parseLed = async (data: Metadata): Promise<Metadata> => {
    const topicMetadata = data.topicMetadata.map(({ partitionMetadata, ...topic }) => {
      return { ...topic, partitionMetadata: partitionMetadata.filter(({ leader }) => leader >= 0) }
    })
    await parse({ ...data, topicMetadata })
    return data
  }
  replace(path, { ...rest, parse: parseLed })
}

/** How often a cluster is asked for leaders that were missing, in ms. */
const leadersLookMs = 1_000

/** Then the offsets of the other partitions can be asked for; those without a leader are left out. */
function askLeadersAlone(cluster: Brokers): void {
  const fetchTopicsOffset = Reflect.get(cluster, 'fetchTopicsOffset')
  const looked = new WeakMap<Brokers, number>()
  cluster.fetchTopicsOffset = async function (this: Brokers, topics) {
    const isLed = (topic: string, id: number): boolean =>
      this.findTopicPartitionMetadata(topic).some(({ partitionId, leader }) => partitionId === id && leader >= 0)
    const led = () =>
      topics.map((asked) => {
        return { ...asked, partitions: asked.partitions.filter(({ partition }) => isLed(asked.topic, partition)) }
      })
    const isMissing = led().some(({ partitions }, at) => partitions.length < (topics[at]?.partitions.length ?? 0))
    // A leader may have been elected since.
    if (isMissing && Date.now() - (looked.get(this) ?? 0) >= leadersLookMs) {
      looked.set(this, Date.now())
      await this.refreshMetadata()
    }
    const found = await fetchTopicsOffset.call(this, led())
    return topics.map(({ topic }) => found.find((one) => one.topic === topic) ?? { topic, partitions: [] })
  }
}

/** How many brokers are asked for metadata. */
const metadataTries = 3

/**
 * kafkajs puts what it learns of one topic in place of all that its client knows, under the feet of other requests, and where
 * no broker answers it fails at reading the answer.
 */
function askMetadataAside(cluster: Brokers): void {
  cluster.metadata = async function (this: Brokers, { topics = [] } = {}) {
    for (let attempt = 1; ; attempt++) {
      try {
        const broker = await this.brokerPool.findConnectedBroker()
        return await broker.metadata(topics)
      } catch (error) {
        const { retriable } = error as { readonly retriable?: boolean }
        if (attempt === metadataTries || retriable !== true) throw error
      }
    }
  }
}

/**
 * On an offset outside of the log kafkajs overwrites the committed offset and jumps to an end of the log, which loses
 * messages in silence (tulios/kafkajs#1119).
 */
function keepOffsets(manager: OffsetManager): void {
  const reset = Reflect.get(manager, 'setDefaultOffset')
  manager.setDefaultOffset = async function (this: OffsetManager, place) {
    const hooks = hooksOf.get(this.cluster)
    if (hooks) hooks.outOfRange(place.topic, place.partition)
    else await reset.call(this, place)
  }
}

/**
 * A batch may be handed over when its partition has started anew since it was asked for, in another generation (tulios/kafkajs#1046,
 * #1366) or in the same: by its turn it is known. kafkajs hands over, one by one, a batch for each partition that a fetch names, most
 * of which hold nothing where there are many; and it asks with the same patience whether there is much to read or nothing.
 */
function markFetches(group: ConsumerGroup): void {
  const fetch = Reflect.get(group, 'fetch')
  const idle = new WeakMap<ConsumerGroup, Set<number>>()
  group.fetch = async function (this: ConsumerGroup, nodeId) {
    const hooks = hooksOf.get(this.cluster)
    if (!hooks) return await fetch.call(this, nodeId)
    const idleNodes = idle.get(this) ?? new Set()
    idle.set(this, idleNodes)
    const turn = hooks.turn()
    const { waitMs, bytesMin } = hooks.patience(idleNodes.has(nodeId))
    Object.assign(this, { maxWaitTime: waitMs, minBytes: bytesMin })
    const fetched = await fetch.call(this, nodeId)
    const batches = fetched.filter((batch) => {
      return !batch.saysNothing || !hooks.isAwaited(batch.topic, batch.partition, BigInt(batch.fetchedOffset))
    })
    for (const batch of batches) batch.askedAt = turn
    idleNodes[batches.length > 0 ? 'delete' : 'add'](nodeId)
    return batches
  }
}

/**
 * A broker fills its answer in the order in which a fetch names partitions (KIP-74), up to the most bytes of a fetch, and kafkajs
 * names them in one order for ever: behind a few with a long backlog all others would wait until that is drained.
 */
function takeTurns(group: ConsumerGroup): void {
  const filter = Reflect.get(group, 'filterPartitionsByNode')
  group.filterPartitionsByNode = function (this: ConsumerGroup, nodeId, topics) {
    const found = filter.call(this, nodeId, topics)
    return hooksOf.has(this.cluster) ? inTurn(this, found) : found
  }
}

/** kafkajs tells nobody that it is about to lose its partitions; its events are not waited for (tulios/kafkajs#1066). */
function askBeforeRejoin(group: ConsumerGroup): void {
  const join = Reflect.get(group, 'joinAndSync')
  group.joinAndSync = async function (this: ConsumerGroup) {
    groupOf.set(this.cluster, this)
    await hooksOf.get(this.cluster)?.beforeRejoin()
    await join.call(this)
  }
}

/**
 * A fetch of which nothing is left to see (transaction markers, aborted messages, compaction) never reaches `eachBatch`, and
 * kafkajs moves on by itself. A member with hooks keeps its own offsets, so it is handed each fetch as it is.
 */
function handOver(runner: Runner): void {
  const handle = Reflect.get(runner, 'handleBatch')
  runner.handleBatch = async function (this: Runner, batch) {
    const { consumerGroup } = this
    if (!hooksOf.has(consumerGroup.cluster)) {
      await handle.call(this, batch)
      return
    }
    if (!this.running) return
    const { topic, partition } = batch
    await this.eachBatch({
      batch,
      heartbeat: () => this.heartbeat(),
      resolveOffset: (offset) => {
        consumerGroup.resolveOffset({ topic, partition, offset })
      },
    })
    await this.heartbeat()
  }
}

/**
 * A consumer that is stopped while kafkajs takes up a change of its brokers makes fetchers after those that it has stopped. They
 * are answered with nothing, at once and for ever, and nothing else in the process comes to its turn.
 */
function endFetchers(runner: Runner): void {
  const fetch = Reflect.get(runner, 'fetch')
  runner.fetch = async function (this: Runner, nodeId) {
    // Each of them ends after this answer; to wait for that here would be to wait for itself.
    if (!this.running) void this.fetchManager.stop()
    return await fetch.call(this, nodeId)
  }
}

/** An answer begins with its length, an INT32. */
const lengthBytes = 4

/**
 * What a broken connection left half read stays in front of the first answer of the next one, which is then cut into answers
 * that nobody sent: in the best case it throws, out of reach of everybody who waits, and ends the process. Two that connect
 * at once make a connection each, and forget one of them.
 */
function beginConnectionsAnew(connection: Connection): void {
  const connect = Reflect.get(connection, 'connect')
  const processData = Reflect.get(connection, 'processData')
  const underway = new WeakMap<Connection, Promise<boolean>>()
  connection.connect = function (this: Connection) {
    const already = underway.get(this)
    if (already) return already
    if (!this.isConnected()) {
      this.socket?.removeAllListeners('data').destroy()
      Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: lengthBytes })
    }
    const connecting = connect.call(this).finally(() => underway.delete(this))
    underway.set(this, connecting)
    return connecting
  }
  connection.processData = function (this: Connection, data) {
    try {
      processData.call(this, data)
    } catch (error) {
      // Whoever waits for an answer on this connection gets the error, and asks again on another one.
      this.socket?.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** How often a full connection looks whether it may send again, in ms; as kafkajs has it. */
const pendingCheckMs = 10

/** kafkajs looks for pending requests every millisecond even where there are none, with a negative time-out (tulios/kafkajs#1751). */
function stopIdleTimer(queue: RequestQueue): void {
  queue.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return
    const throttledMs = this.throttledUntil - Date.now()
    const waitMs = throttledMs > 0 ? throttledMs : pendingCheckMs
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, waitMs)
  }
}
