/**
 * What a member of a group that keeps its own offsets is asked by the changed kafkajs, and what it asks in turn: the seam
 * between the patches and ingest/.
 */
import type { FetchPatience } from './fetch-order.ts'

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

/** What is used of kafkajs's own member of a group. */
export type Member = {
  readonly generationId: number | null
  readonly offsetManager: { commitOffsets(offsets: object): Promise<void> } | null
}

/** For the patches; a consumer that is not in it has no hooks. */
export const hooksOf = new WeakMap<Cluster, GroupHooks>()
/** For the patches, which know a member when it joins. */
export const memberOf = new WeakMap<Cluster, Member>()

/** From now on the consumer with this cluster never jumps to another offset by itself, and asks before it joins again. */
export function hookGroup(cluster: Cluster, hooks: GroupHooks): void {
  hooksOf.set(cluster, hooks)
}

/** The generation that the consumer with this cluster is a member of; null before it has joined. */
export function generationOf(cluster: Cluster): Generation | null {
  const { generationId: id = null, offsetManager } = memberOf.get(cluster) ?? {}
  if (id === null || !offsetManager) return null
  return {
    id,
    commit: (topic, partition, next, metadata) =>
      offsetManager.commitOffsets({
        topics: [{ topic, partitions: [{ partition, offset: next.toString(), metadata }] }],
      }),
  }
}
