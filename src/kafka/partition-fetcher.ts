/**
 * Fetches from single partitions, outside of any group: what is asked for is the caller's, and so is what follows from it.
 */
import { Failure } from '../failure.ts'
import { consumerOf, type Kafka, kafkaFailure } from './client.ts'
import type { PartitionData } from './fetched-batch.ts'

export type FetchPlace = { readonly topic: string; readonly partition: number; readonly offset: bigint }

export type FetchOptions = {
  readonly isolation: 'committed' | 'uncommitted'
  /** a broker sends one whole record batch however large */
  readonly bytesMax: number
  /** how long a broker may wait for something to send, in ms */
  readonly waitMs: number
}

export interface PartitionFetcher {
  /** @throws Failure of Kafka */
  connect(): Promise<void>
  /** Null where the offset lies outside of the log. @throws Failure of Kafka; KAFKA_FAILED for a client over its quota */
  fetch(place: FetchPlace, options: FetchOptions): Promise<PartitionData | null>
  close(): Promise<void>
}

/** What is used of kafkajs's insides. */
type Cluster = {
  addTargetTopic(topic: string): Promise<void>
  refreshMetadata(): Promise<void>
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, unknown>>
  findBroker(broker: { readonly nodeId: string }): Promise<Broker>
}
type Broker = { fetch(request: object): Promise<{ readonly responses: readonly TopicResponse[] }> }
type TopicResponse = { readonly partitions: readonly PartitionData[] }

/** How often a place is asked for where the broker answers with nothing; kafkajs waits as long as the broker says in between. */
const asksMax = 5

const isolationLevels = { uncommitted: 0, committed: 1 } as const

/** `groupId` is a name that kafkajs asks for: the group is never joined, and nothing is committed to it. */
export function partitionFetcher(kafka: Kafka, groupId: string): PartitionFetcher {
  const made = consumerOf(kafka, { groupId, allowAutoTopicCreation: false })
  const { consumer } = made
  const cluster = made.cluster as Cluster

  async function ask(
    { topic, partition, offset }: FetchPlace,
    { isolation, bytesMax, waitMs }: FetchOptions,
    attempt = 1,
  ): Promise<PartitionData> {
    await cluster.addTargetTopic(topic)
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
    if (nodeId === undefined) throw new Failure('KAFKA_UNREACHABLE', `${topic}/${partition} has no leader`)
    const broker = await cluster.findBroker({ nodeId })
    const { responses } = await broker.fetch({
      maxWaitTime: waitMs,
      minBytes: waitMs > 0 ? 1 : 0,
      maxBytes: bytesMax,
      isolationLevel: isolationLevels[isolation],
      topics: [{ topic, partitions: [{ partition, fetchOffset: offset.toString(), maxBytes: bytesMax }] }],
    })
    const [data] = responses.flatMap(({ partitions }) => partitions)
    // So a broker answers a client that is over its quota: it says nothing about what the log holds.
    if (data) return data
    if (attempt < asksMax) return await ask({ topic, partition, offset }, { isolation, bytesMax, waitMs }, attempt + 1)
    const place = `${topic}/${partition}`
    throw new Failure(
      'KAFKA_FAILED',
      `${place}: the broker answered with nothing, as it does to a client over its quota`,
    )
  }

  return {
    connect: async () => {
      await consumer.connect().catch((error: unknown) => {
        throw kafkaFailure(error, 'connect to Kafka')
      })
    },
    fetch: async (place, options) => {
      try {
        return await ask(place, options)
      } catch (error) {
        if (error instanceof Error && error.name === 'KafkaJSOffsetOutOfRange') return null
        // Another broker may lead the partition by now. Where that cannot be learned either, the next attempt will tell.
        await cluster.refreshMetadata().catch(() => undefined)
        throw kafkaFailure(error, `read ${place.topic}/${place.partition} at offset ${place.offset.toString()}`)
      }
    },
    close: () => consumer.disconnect(),
  }
}
