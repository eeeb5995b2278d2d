/**
 * Asks Kafka for what a member of the group needs, with requests that change nothing: which of the rights is missing shows at
 * what is refused. What is made of an answer is the caller's.
 */
import { Failure } from '../failure.ts'
import { consumerOf, type Kafka, kafkaFailure } from './client.ts'
import { partitionFetcher } from './partition-fetcher.ts'

export interface RightsProbe {
  /** Never creates it. @throws Failure KAFKA_FORBIDDEN without DESCRIBE, TOPIC_MISSING, or another of Kafka */
  describeTopic(topic: string): Promise<void>
  /** Asks for an offset that no log reaches, so that nothing is read. @throws Failure KAFKA_FORBIDDEN without READ, or another of Kafka */
  readTopic(topic: string, partition: number): Promise<void>
  /** Finds the group's coordinator. @throws Failure KAFKA_FORBIDDEN without DESCRIBE (READ includes it), or another of Kafka */
  describeGroup(): Promise<void>
  /** Sends the heartbeat of a member that the group does not have. @throws Failure KAFKA_FORBIDDEN without READ, or another of Kafka */
  readGroup(): Promise<void>
  close(): Promise<void>
}

type Group = { readonly groupId: string }
/** What is used of kafkajs's insides. */
type Cluster = {
  readonly brokerPool: { findConnectedBroker(): Promise<{ findGroupCoordinator(of: Group): Promise<unknown> }> }
  metadata(of: { readonly topics: readonly string[] }): Promise<unknown>
  findGroupCoordinator(of: Group): Promise<Coordinator>
}
type Coordinator = {
  heartbeat(of: Group & { readonly groupGenerationId: number; readonly memberId: string }): Promise<unknown>
}

const beyondAnyLog = 2n ** 62n
const nothing = { isolation: 'committed', bytesMax: 1, waitMs: 0 } as const
/** What a coordinator says to such a heartbeat once the right is there. */
const strangers = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'GROUP_ID_NOT_FOUND'])

/** @throws Failure of Kafka */
export async function openRightsProbe(kafka: Kafka, groupId: string): Promise<RightsProbe> {
  const fetcher = partitionFetcher(kafka, groupId)
  const made = consumerOf(kafka, { groupId, allowAutoTopicCreation: false })
  const { consumer } = made
  const cluster = made.cluster as Cluster
  const coordinator = () => cluster.findGroupCoordinator({ groupId })
  const close = async () => {
    await Promise.all([fetcher.close(), consumer.disconnect()])
  }
  try {
    await Promise.all([fetcher.connect(), consumer.connect()])
  } catch (error) {
    await close()
    throw kafkaFailure(error, 'connect to Kafka')
  }
  return {
    describeTopic: (topic) => needing(`DESCRIBE on the topic ${topic}`, () => cluster.metadata({ topics: [topic] })),
    readTopic: (topic, partition) =>
      needing(`READ on the topic ${topic}`, () => fetcher.fetch({ topic, partition, offset: beyondAnyLog }, nothing)),
    describeGroup: () =>
      needing(`DESCRIBE on the group ${groupId}`, async () => {
        // kafkajs's own search tries again and then says only that it found none.
        const broker = await cluster.brokerPool.findConnectedBroker()
        await broker.findGroupCoordinator({ groupId }).catch((error: unknown) => {
          const { type = '' } = error as { readonly type?: string }
          if (type === 'GROUP_AUTHORIZATION_FAILED') throw error
        })
        await coordinator()
      }),
    readGroup: () =>
      needing(`READ on the group ${groupId}`, async () => {
        try {
          await (await coordinator()).heartbeat({ groupId, groupGenerationId: -1, memberId: 'firn-check' })
        } catch (error) {
          const { type = '' } = error as { readonly type?: string }
          if (!strangers.has(type)) throw error
        }
      }),
    close,
  }
}

/** @throws Failure KAFKA_FORBIDDEN that names the right, or another of Kafka */
async function needing(right: string, request: () => Promise<unknown>): Promise<void> {
  try {
    await request()
  } catch (error) {
    const failure = kafkaFailure(error, `ask for what needs ${right}`)
    if (failure.code !== 'KAFKA_FORBIDDEN') throw failure
    throw new Failure('KAFKA_FORBIDDEN', `${right} is missing`, { cause: error })
  }
}
