/**
 * The demo's source side: one pretended table per topic, and the producer that sends its changes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { configSchema } from '../../config.ts'
import { CompressionTypes, kafkaClient, Partitioners, type Producer } from '../../kafka/client.ts'
import { createLogger } from '../../telemetry.ts'
import type { Endpoints } from '../endpoints.ts'
import { openSource, type Source, type SourceMessage, type SourceTable } from '../workload.ts'

export interface Sender {
  /** Sends one chosen change; resolves with the times before and after Kafka's answer, ms since 1970. */
  change(table: SourceTable, operation: 'INSERT' | 'UPDATE' | 'DELETE', id: number): Promise<Sent>
  /** Sends `total` random changes over both tables as fast as Kafka takes them. */
  flood(total: number, onProgress: (sent: number) => void): Promise<void>
  /** Sends random changes at about this rate until the returned function is called; it resolves when all are sent. */
  trickle(perSecond: number): () => Promise<void>
  /** messages so far */
  sent(): number
  rows(table: SourceTable): ReadonlyMap<string, string>
  close(): Promise<void>
}

export type Sent = {
  readonly sentAt: number
  readonly answeredAt: number
  readonly partition: number
  readonly offset: bigint
}

type Table = { readonly name: SourceTable; readonly topic: string }

const batchRows = 1_000
const ticksPerSecond = 10

/** Creates the topics. */
export async function openSender(endpoints: Endpoints, tables: readonly Table[]): Promise<Sender> {
  const producer = await openProducer(endpoints, tables)
  const sources = new Map(
    tables.map(({ name, topic }, index) => [
      name,
      { topic, table: openSource({ table: name, keys: 5_000, seed: index + 1 }) },
    ]),
  )
  const sourceOf = (name: SourceTable): { readonly topic: string; readonly table: Source } => {
    const source = sources.get(name)
    if (!source) throw new RangeError(`the demo has no table ${name}`)
    return source
  }
  let total = 0

  const send = async (
    topic: string,
    messages: readonly SourceMessage[],
  ): Promise<Omit<Sent, 'sentAt' | 'answeredAt'>> => {
    const [answer] = await producer.send({ topic, messages: [...messages], compression: CompressionTypes.LZ4 })
    total += messages.length
    return { partition: answer?.partition ?? 0, offset: BigInt(answer?.baseOffset ?? -1) }
  }
  const sendRandom = async (changes: number): Promise<void> => {
    const each = Math.ceil(changes / sources.size)
    const sending = [...sources.values()].map(({ topic, table }) =>
      send(
        topic,
        Array.from({ length: each }, () => table.next()),
      ),
    )
    await Promise.all(sending)
  }

  return {
    async change(name, operation, id) {
      const { topic, table } = sourceOf(name)
      const message = table.change(operation, id)
      const sentAt = Date.now()
      const where = await send(topic, [message])
      return { sentAt, answeredAt: Date.now(), ...where }
    },
    async flood(changes, onProgress) {
      for (let sent = 0; sent < changes; sent += batchRows) {
        await sendRandom(Math.min(batchRows, changes - sent))
        onProgress(Math.min(sent + batchRows, changes))
      }
    },
    trickle(perSecond) {
      const stop = new AbortController()
      const done = (async () => {
        while (!stop.signal.aborted) {
          await sendRandom(perSecond / ticksPerSecond)
          await sleep(1000 / ticksPerSecond)
        }
      })()
      return async () => {
        stop.abort()
        await done
      }
    },
    sent: () => total,
    rows: (name) => sourceOf(name).table.rows(),
    close: () => producer.disconnect(),
  }
}

async function openProducer(endpoints: Endpoints, tables: readonly Table[]): Promise<Producer> {
  const { brokers } = endpoints.kafka
  const config = { brokers: [...brokers], group: 'firn-demo-source', clientId: 'firn-demo-source' }
  const kafka = kafkaClient(configSchema.shape.kafka.parse(config), createLogger({ level: 'error' }))
  const admin = kafka.admin()
  await admin.connect()
  const topics = tables.map(({ topic }) => ({ topic, numPartitions: 4, replicationFactor: 1 }))
  await admin.createTopics({ topics, waitForLeaders: false })
  const known = async (): Promise<boolean> => {
    const listed = await admin.listTopics()
    return topics.every(({ topic }) => listed.includes(topic))
  }
  while (!(await known())) await sleep(50)
  await admin.disconnect()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  return producer
}
