/**
 * Fetches from single partitions, outside of any group: what is asked for is the caller's, and so is what follows from it.
 */
import { Failure } from '../failure.ts'
import { consumerOf, type Kafka, kafkaFailure } from './client.ts'
import type { PartitionData } from './fetched-batch.ts'
import { fetchFrom, type FetchOptions, type FetchPlace, isOutOfRange } from './single-fetch.ts'

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
}

/** How often a place is asked for where the broker answers with nothing; kafkajs waits as long as the broker says in between. */
const asksMax = 5

/** `groupId` is a name that kafkajs asks for: the group is never joined, and nothing is committed to it. */
export function partitionFetcher(kafka: Kafka, groupId: string): PartitionFetcher {
  const made = consumerOf(kafka, { groupId, allowAutoTopicCreation: false })
  const { consumer } = made
  const cluster = made.cluster as Cluster

  async function ask(at: FetchPlace, options: FetchOptions, attempt = 1): Promise<PartitionData> {
    const { topic, partition } = at
    await cluster.addTargetTopic(topic)
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
    if (nodeId === undefined) throw new Failure('KAFKA_UNREACHABLE', `${topic}/${partition} has no leader`)
    const data = await fetchFrom(cluster, nodeId, at, options)
    // That says nothing about what the log holds.
    if (data) return data
    if (attempt < asksMax) return await ask(at, options, attempt + 1)
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
        if (isOutOfRange(error)) return null
        // Another broker may lead the partition by now. Where that cannot be learned either, the next attempt will tell.
        await cluster.refreshMetadata().catch(() => undefined)
        throw kafkaFailure(error, `read ${place.topic}/${place.partition} at offset ${place.offset.toString()}`)
      }
    },
    close: () => consumer.disconnect(),
  }
}
