/**
 * Reads single places of a log, outside of any group: what stands at an offset, committed or not.
 * What follows from it is the caller's.
 */
import type { Message } from '../change.ts'
import { Failure } from '../failure.ts'
import { type Consumer, consumerOf, type Kafka, kafkaFailure } from './client.ts'
import { messagesOf, type RecordSet } from './record-batch.ts'

/**
 * A message, whatever became of its transaction; `marker` where a transaction ends; `gone` where the log holds nothing at
 * that offset any more, or nothing that can be read.
 */
export type LogEntry = { readonly kind: 'message'; readonly message: Message } | { readonly kind: 'marker' | 'gone' }

export interface LogReader {
  /** @throws Failure of Kafka */
  connect(): Promise<void>
  /** @throws Failure of Kafka */
  entryAt(topic: string, partition: number, offset: bigint): Promise<LogEntry>
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

  // One at a time: of fetches that find no connection kafkajs makes one each, and forgets all but the last.
  let turn: Promise<unknown> = Promise.resolve()

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

  async function entryAt(topic: string, partition: number, offset: bigint): Promise<LogEntry> {
    try {
      return entryIn(await fetchAt(topic, partition, offset), { topic, partition, offset })
    } catch (error) {
      if (error instanceof RangeError || isOutside(error)) return { kind: 'gone' }
      // Another broker may lead the partition by now.
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
      const entry = turn.then(() => entryAt(topic, partition, offset))
      turn = entry.catch(() => undefined)
      return entry
    },
    close: () => consumer.disconnect(),
  }
}

function isOutside(error: unknown): boolean {
  return error instanceof Error && error.name === 'KafkaJSOffsetOutOfRange'
}

type Place = { readonly topic: string; readonly partition: number; readonly offset: bigint }

function entryIn(sets: readonly RecordSet[], { topic, partition, offset }: Place): LogEntry {
  const batch = sets.flatMap(({ batches }) => batches).find(({ first, last }) => first <= offset && offset <= last)
  if (!batch) return { kind: 'gone' }
  for (const message of messagesOf(batch, { topic, partition })) {
    if (message.offset === offset) return batch.control ? { kind: 'marker' } : { kind: 'message', message }
  }
  return { kind: 'gone' }
}
