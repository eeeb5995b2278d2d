/**
 * One fetch of one partition from one broker. Which broker that is, and what follows, is the caller's.
 */
import type { PartitionData } from './fetched-batch.ts'

export type FetchPlace = { readonly topic: string; readonly partition: number; readonly offset: bigint }

export type FetchOptions = {
  readonly isolation: 'committed' | 'uncommitted'
  /** a broker sends one whole record batch however large */
  readonly bytesMax: number
  /** how long a broker may wait for something to send, in ms */
  readonly waitMs: number
}

/** What is used of kafkajs's insides. */
type Brokers = { findBroker(broker: { readonly nodeId: string }): Promise<Broker> }
type Broker = { fetch(request: object): Promise<{ readonly responses: readonly TopicResponse[] }> }
type TopicResponse = { readonly partitions: readonly PartitionData[] }

const isolationLevels = { uncommitted: 0, committed: 1 } as const

/**
 * Asks one broker once; null where it answers with nothing, as it does to a client over its quota.
 *
 * @throws errors of kafkajs; KafkaJSOffsetOutOfRange where the offset lies outside of the log
 */
export async function fetchFrom(
  cluster: object,
  nodeId: string,
  { topic, partition, offset }: FetchPlace,
  { isolation, bytesMax, waitMs }: FetchOptions,
): Promise<PartitionData | null> {
  const broker = await (cluster as Brokers).findBroker({ nodeId })
  const { responses } = await broker.fetch({
    maxWaitTime: waitMs,
    minBytes: waitMs > 0 ? 1 : 0,
    maxBytes: bytesMax,
    isolationLevel: isolationLevels[isolation],
    topics: [{ topic, partitions: [{ partition, fetchOffset: offset.toString(), maxBytes: bytesMax }] }],
  })
  const [data = null] = responses.flatMap(({ partitions }) => partitions)
  return data
}

export function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && error.name === 'KafkaJSOffsetOutOfRange'
}
