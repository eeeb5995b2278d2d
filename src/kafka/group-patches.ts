/**
 * What is changed inside kafkajs about a member of a group: its offsets, its fetches, and how it joins and ends. When these
 * take effect is patches.ts.
 *
 * Invariant: a consumer without hooks is changed in nothing that concerns its offsets and generations.
 */
import type { EachBatchPayload } from 'kafkajs'
import { releaseAnswer } from '../memory.ts'
import { inTurn, type TopicNumbers } from './fetch-order.ts'
import type { FetchedBatch } from './fetched-batch.ts'
import { type Cluster, type GroupHooks, hooksOf, memberOf } from './group-hooks.ts'
import { MarkerScan } from './marker-scan.ts'
import { fetchFrom, isOutOfRange } from './single-fetch.ts'

type Place = { readonly topic: string; readonly partition: number }
export type OffsetManager = {
  readonly cluster: Cluster
  setDefaultOffset(place: Place): Promise<void>
  commitOffsets(offsets: object): Promise<void>
}
export type ConsumerGroup = {
  readonly cluster: Cluster
  readonly generationId: number | null
  readonly offsetManager: OffsetManager | null
  resolveOffset(at: Place & { readonly offset: string }): void
  readonly maxWaitTime: number
  readonly minBytes: number
  recoverFromFetch(error: Error): Promise<void>
  joinAndSync(): Promise<void>
  leave(): Promise<void>
  fetch(nodeId: number): Promise<readonly FetchedBatch[]>
  filterPartitionsByNode(nodeId: number, topics: readonly TopicNumbers[]): readonly TopicNumbers[]
}
export type Runner = {
  readonly running: boolean
  readonly consumerGroup: ConsumerGroup
  readonly fetchManager: { stop(): Promise<void> }
  fetch(nodeId: number): Promise<readonly FetchedBatch[]>
  readonly eachBatch: (payload: Pick<EachBatchPayload, 'heartbeat'> & { batch: unknown }) => Promise<void>
  heartbeat(): Promise<void>
  handleBatch(batch: FetchedBatch): Promise<void>
}
/**
 * On an offset outside of the log kafkajs overwrites the committed offset and jumps to an end of the log, which loses
 * messages in silence (tulios/kafkajs#1119).
 */
export function keepOffsets(manager: OffsetManager): void {
  const reset = Reflect.get(manager, 'setDefaultOffset')
  manager.setDefaultOffset = async function (this: OffsetManager, place) {
    const hooks = hooksOf.get(this.cluster)
    if (hooks) hooks.outOfRange(place.topic, place.partition)
    else await reset.call(this, place)
  }
}

/** What came of a fetch ahead, in the generation in which it was asked for. */
type Ahead = { readonly generationId: number | null } & (
  { readonly batches: readonly FetchedBatch[] } | { readonly error: Error }
)

/** What a member knows of its fetches from one broker. */
type Fetches = {
  /** whether the last one brought nothing */
  idle: boolean
  /** the next one, under way while batches of the last one are taken */
  ahead: Promise<Ahead> | null
  /** what the last one brought: when the next one is asked for, all of it was taken */
  taken: readonly FetchedBatch[]
  readonly markerScan: MarkerScan
}

const fetchesOf = new WeakMap<Cluster, Map<number, Fetches>>()

function fetchesFrom(cluster: Cluster, nodeId: number): Fetches {
  const nodes = fetchesOf.get(cluster) ?? new Map<number, Fetches>()
  fetchesOf.set(cluster, nodes)
  const known = nodes.get(nodeId)
  if (known) return known
  const markerScan = new MarkerScan(async (place, options) => {
    try {
      return await fetchFrom(cluster, String(nodeId), place, options)
    } catch (error) {
      // Of a log that was truncated or created anew meanwhile: its next fetch tells.
      if (isOutOfRange(error)) return null
      throw error
    }
  })
  const fetches = { idle: false, ahead: null, taken: [], markerScan }
  nodes.set(nodeId, fetches)
  return fetches
}

/** A fetch that brought so many bytes left more behind: half of what it may bring of one partition (maxBytesPerPartition, 1 MiB). */
const backlogBytes = 2 ** 19

/**
 * How a member with hooks fetches, other than kafkajs does:
 *
 * - A batch may be handed over when its partition has started anew since it was asked for, in another generation (tulios/kafkajs#1046,
 *   #1366) or in the same: by its turn it is known.
 * - kafkajs hands over, one by one, a batch for each partition that a fetch names, most of which hold nothing where there are many;
 *   and it asks with the same patience whether there is much to read or nothing.
 * - kafkajs waits for a broker while nothing is left to do, and then takes what came while the broker waits. Where there is a
 *   backlog, the next fetch is asked for when one has arrived. So the client's own position follows what has arrived; the member's
 *   cursor is what counts, and what does not continue there is refused and sought anew.
 */
export function fetchAhead(group: ConsumerGroup): void {
  const fetch = Reflect.get(group, 'fetch')
  const leave = Reflect.get(group, 'leave')

  /** Fetches of several brokers are under way at once: each has a view of the member with what it alone is to have. */
  async function ask(hooks: GroupHooks, member: ConsumerGroup, nodeId: number, own: Partial<ConsumerGroup>) {
    const turn = hooks.turn()
    const { generationId } = member
    const view = Object.assign(Object.create(member) as ConsumerGroup, own)
    const fetched = await fetch.call(view, nodeId)
    const telling = fetched.filter((batch) => {
      return !batch.saysNothing || !hooks.isAwaited(batch.topic, batch.partition, BigInt(batch.fetchedOffset))
    })
    let batches: readonly FetchedBatch[]
    try {
      batches = await fetchesFrom(member.cluster, nodeId).markerScan.settle(telling)
    } catch (error) {
      await view.recoverFromFetch(error as Error)
      return []
    }
    for (const batch of batches) batch.askedAt = turn
    if (member.generationId === generationId) {
      for (const batch of batches) {
        member.resolveOffset({ topic: batch.topic, partition: batch.partition, offset: batch.lastOffset() })
      }
    }
    return batches
  }

  /** Answered at once. What goes wrong is the affair of the fetch that waits for it. */
  async function askAhead(hooks: GroupHooks, member: ConsumerGroup, nodeId: number): Promise<Ahead> {
    const { generationId } = member
    const recoverFromFetch = (error: Error) => Promise.reject(error)
    try {
      const batches = await ask(hooks, member, nodeId, { maxWaitTime: 0, minBytes: 0, recoverFromFetch })
      return { generationId, batches }
    } catch (error) {
      return { generationId, error: error as Error }
    }
  }

  group.fetch = async function (this: ConsumerGroup, nodeId) {
    const hooks = hooksOf.get(this.cluster)
    if (!hooks) {
      const batches = await fetch.call(this, nodeId)
      for (const batch of batches) await batch.open()
      return batches
    }
    const fetches = fetchesFrom(this.cluster, nodeId)
    for (const { memory } of fetches.taken) if (memory) releaseAnswer(memory)
    fetches.taken = []
    const ahead = await fetches.ahead
    fetches.ahead = null
    const isOurs = ahead?.generationId === this.generationId
    if (isOurs && 'error' in ahead) {
      await this.recoverFromFetch(ahead.error)
      return []
    }
    let batches = isOurs && 'batches' in ahead ? ahead.batches : []
    const { waitMs, bytesMin, ahead: mayAsk } = hooks.patience(fetches.idle)
    if (batches.length === 0) {
      const recoverFromFetch = (error: Error) => this.recoverFromFetch(error)
      batches = await ask(hooks, this, nodeId, { maxWaitTime: waitMs, minBytes: bytesMin, recoverFromFetch })
    }
    fetches.idle = batches.length === 0
    fetches.taken = batches
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0)
    if (mayAsk && bytes >= backlogBytes) fetches.ahead = askAhead(hooks, this, nodeId)
    return batches
  }
  group.leave = async function (this: ConsumerGroup) {
    // A request that is under way when its connection is closed would make another one.
    for (const { ahead } of fetchesOf.get(this.cluster)?.values() ?? []) await ahead
    await leave.call(this)
  }
}

/**
 * A broker fills its answer in the order in which a fetch names partitions (KIP-74), up to the most bytes of a fetch, and kafkajs
 * names them in one order for ever: behind a few with a long backlog all others would wait until that is drained. Each broker has
 * turns of its own: where three that are asked in turn shared them, each would begin with every third partition.
 */
export function takeTurns(group: ConsumerGroup): void {
  const filter = Reflect.get(group, 'filterPartitionsByNode')
  group.filterPartitionsByNode = function (this: ConsumerGroup, nodeId, topics) {
    const found = filter.call(this, nodeId, topics)
    return hooksOf.has(this.cluster) ? inTurn(fetchesFrom(this.cluster, nodeId), found) : found
  }
}

/** kafkajs tells nobody that it is about to lose its partitions; its events are not waited for (tulios/kafkajs#1066). */
export function askBeforeRejoin(group: ConsumerGroup): void {
  const join = Reflect.get(group, 'joinAndSync')
  group.joinAndSync = async function (this: ConsumerGroup) {
    memberOf.set(this.cluster, this)
    await hooksOf.get(this.cluster)?.beforeRejoin()
    await join.call(this)
  }
}

/**
 * A fetch of which nothing is left to see (transaction markers, aborted messages, compaction) never reaches `eachBatch`, and
 * kafkajs moves on by itself. A member with hooks keeps its own offsets, so it is handed each fetch as it is.
 */
export function handOver(runner: Runner): void {
  const handle = Reflect.get(runner, 'handleBatch')
  runner.handleBatch = async function (this: Runner, batch) {
    if (!hooksOf.has(this.consumerGroup.cluster)) {
      await handle.call(this, batch)
      return
    }
    if (!this.running) return
    await this.eachBatch({ batch, heartbeat: () => this.heartbeat() })
    await this.heartbeat()
  }
}

/**
 * A consumer that is stopped while kafkajs takes up a change of its brokers makes fetchers after those that it has stopped. They
 * are answered with nothing, at once and for ever, and nothing else in the process comes to its turn.
 */
export function endFetchers(runner: Runner): void {
  const fetch = Reflect.get(runner, 'fetch')
  runner.fetch = async function (this: Runner, nodeId) {
    // Each of them ends after this answer; to wait for that here would be to wait for itself.
    if (!this.running) void this.fetchManager.stop()
    return await fetch.call(this, nodeId)
  }
}
