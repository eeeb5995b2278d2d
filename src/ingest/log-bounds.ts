/**
 * What Kafka says of a topic's partitions: how many there are, and from where to where each one's log reaches.
 */
import { Failure } from '../failure.ts'
import { type Admin, kafkaFailure } from '../kafka/client.ts'
import type { LogBounds } from './resume.ts'

/** @throws Failure of Kafka */
export async function partitionCountOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch((error: unknown) => {
    throw kafkaFailure(error, `read the partitions of topic ${topic}`)
  })
  return topics.find(({ name }) => name === topic)?.partitions.length ?? 0
}

/** The bounds of each partition's log, up to the last stable offset; not of those without a leader. @throws Failure of Kafka */
export async function logBounds(admin: Admin, topic: string): Promise<ReadonlyMap<number, LogBounds>> {
  const offsets = await admin.fetchTopicOffsets(topic).catch((error: unknown) => {
    // kafkajs fails at comparing its two answers where a leader was lost between them.
    if (error instanceof TypeError) throw new Failure('LEADER_MISSING', `of topic ${topic}`, { cause: error })
    throw kafkaFailure(error, `read the offsets of topic ${topic}`)
  })
  return new Map(offsets.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }]))
}
