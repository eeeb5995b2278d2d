/**
 * Reads single places of a log, outside of any group: what stands at an offset, committed or not.
 * What follows from it is the caller's.
 */
import type { Message } from '../change.ts'
import { Failure } from '../failure.ts'
import { type Consumer, consumerOf, type Kafka, kafkaFailure } from './client.ts'
import { isSound, messagesOf, type RecordSet } from './record-batch.ts'

/**
 * A message, whatever became of its transaction; `marker` where a transaction ends; `gone` where the log holds nothing at
 * that offset any more, or nothing that can be read.
 */
export type LogEntry =
  { readonly kind: 'message'; readonly message: Message } | { readonly kind: 'marker' } | { readonly kind: 'gone' }

export interface LogReader {
  /** @throws Failure of Kafka */
  connect(): Promise<void>
  /** @throws Failure of Kafka */
  entryAt(topic: string, partition: number, offset: bigint): Promise<LogEntry>
  /** Whether the batch at `offset` is sound, or gone by now. @throws Failure of Kafka */
  isReadable(topic: string, partition: number, offset: bigint): Promise<boolean>
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
type TopicResponse = { readonly partitions: readonly { readonly messages: RecordSet }[] }

const readUncommitted = 0

/** A broker sends one whole batch however large; more than that is of no use here. */
const bytesMax = 1

export function logReader(kafka: Kafka, groupId: string): LogReader {
  // A consumer that never joins its group; what counts is its connection.
  const made = consumerOf(kafka, { groupId, allowAutoTopicCreation: false })
  const consumer: Consumer = made.consumer
  const cluster = made.cluster as Cluster

  async function fetchAt(topic: string, partition: number, offset: bigint): Promise<readonly RecordSet[]> {
    await cluster.addTargetTopic(topic)
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
    if (nodeId === undefined) throw new Failure('KAFKA_UNREACHABLE', `${topic}/${partition} has no leader`)
    const broker = await cluster.findBroker({ nodeId })
    const { responses } = await broker.fetch({
      maxWaitTime: 0,
      minBytes: 0,
      maxBytes: bytesMax,
      isolationLevel: readUncommitted,
      topics: [{ topic, partitions: [{ partition, fetchOffset: offset.toString(), maxBytes: bytesMax }] }],
    })
    return responses.flatMap(({ partitions }) => partitions.map(({ messages }) => messages))
  }

  async function readAt<T>(place: Place, found: (sets: readonly RecordSet[]) => T, outside: T): Promise<T> {
    const { topic, partition, offset } = place
    try {
      return found(await fetchAt(topic, partition, offset))
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSOffsetOutOfRange') return outside
      // Another broker may lead the partition by now. Where that cannot be learned either, the next attempt will tell.
      await cluster.refreshMetadata().catch(() => undefined)
      throw kafkaFailure(error, `read ${topic}/${partition} at offset ${offset.toString()}`)
    }
  }

  return {
    connect: async () => {
      await consumer.connect().catch((error: unknown) => {
        throw kafkaFailure(error, 'connect to Kafka')
      })
    },
    entryAt: (topic, partition, offset) => {
      const place = { topic, partition, offset }
      return readAt<LogEntry>(place, (sets) => entryIn(sets, place), { kind: 'gone' })
    },
    isReadable: (topic, partition, offset) => readAt({ topic, partition, offset }, (sets) => sets.every(isSound), true),
    close: () => consumer.disconnect(),
  }
}

type Place = { readonly topic: string; readonly partition: number; readonly offset: bigint }

function entryIn(sets: readonly RecordSet[], { topic, partition, offset }: Place): LogEntry {
  const batch = sets.flatMap(({ batches }) => batches).find(({ first, last }) => first <= offset && offset <= last)
  if (!batch) return { kind: 'gone' }
  try {
    for (const message of messagesOf(batch, { topic, partition })) {
      if (message.offset === offset) return batch.control ? { kind: 'marker' } : { kind: 'message', message }
    }
  } catch (error) {
    // Records that a producer wrote wrongly.
    if (!(error instanceof RangeError)) throw error
  }
  return { kind: 'gone' }
}
