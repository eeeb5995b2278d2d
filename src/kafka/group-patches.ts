/**
 * What is changed inside kafkajs about a member of a group: its offsets, its fetches, and how it joins and ends. When these
 * take effect is patches.ts.
 *
 * Invariant: a consumer without hooks is changed in nothing that concerns its offsets and generations.
 */
import type { EachBatchPayload } from 'kafkajs'
import { inTurn, type TopicNumbers } from './fetch-order.ts'
import type { FetchedBatch } from './fetched-batch.ts'
import { type Cluster, hooksOf, memberOf } from './group-hooks.ts'

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
  joinAndSync(): Promise<void>
  fetch(nodeId: number): Promise<readonly FetchedBatch[]>
  filterPartitionsByNode(nodeId: number, topics: readonly TopicNumbers[]): readonly TopicNumbers[]
}
export type Runner = {
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

/**
 * A batch may be handed over when its partition has started anew since it was asked for, in another generation (tulios/kafkajs#1046,
 * #1366) or in the same: by its turn it is known. kafkajs hands over, one by one, a batch for each partition that a fetch names, most
 * of which hold nothing where there are many; and it asks with the same patience whether there is much to read or nothing.
 */
export function markFetches(group: ConsumerGroup): void {
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
export function takeTurns(group: ConsumerGroup): void {
  const filter = Reflect.get(group, 'filterPartitionsByNode')
  group.filterPartitionsByNode = function (this: ConsumerGroup, nodeId, topics) {
    const found = filter.call(this, nodeId, topics)
    return hooksOf.has(this.cluster) ? inTurn(this, found) : found
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
export function endFetchers(runner: Runner): void {
  const fetch = Reflect.get(runner, 'fetch')
  runner.fetch = async function (this: Runner, nodeId) {
    // Each of them ends after this answer; to wait for that here would be to wait for itself.
    if (!this.running) void this.fetchManager.stop()
    return await fetch.call(this, nodeId)
  }
}
