/**
 * The demo's source side: one pretended table per topic, and the producer that sends its changes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { CompressionTypes, kafkaClient, Partitioners } from '../../kafka/client.ts'
import { createLogger } from '../../telemetry.ts'
import type { Endpoints } from '../endpoints.ts'
import { openSource, type SourceMessage, type SourceTable } from '../workload.ts'

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

export async function openSender(endpoints: Endpoints, tables: readonly Table[]): Promise<Sender> {
  const kafka = kafkaClient(
    { brokers: [...endpoints.kafka.brokers], group: 'unused', clientId: 'firn-demo-source', ssl: false },
    createLogger({ level: 'error' }),
  )
  const admin = kafka.admin()
  await admin.connect()
  const topics = tables.map(({ topic }) => ({ topic, numPartitions: 4, replicationFactor: 1 }))
  await admin.createTopics({ topics, waitForLeaders: false })
  for (
    let known: readonly string[] = [];
    !topics.every(({ topic }) => known.includes(topic));
    known = await admin.listTopics()
  )
    await sleep(50)
  await admin.disconnect()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()

  const sources = new Map(
    tables.map(({ name }, index) => [name, openSource({ table: name, keys: 5_000, seed: index + 1 })]),
  )
  const sourceOf = (table: SourceTable): ReturnType<typeof openSource> => {
    const source = sources.get(table)
    if (!source) throw new RangeError(`the demo has no table ${table}`)
    return source
  }
  const topicOf = (table: SourceTable): string => tables.find(({ name }) => name === table)?.topic ?? ''
  let total = 0

  const send = async (
    table: SourceTable,
    messages: readonly SourceMessage[],
  ): Promise<{ partition: number; offset: bigint }> => {
    const [answer] = await producer.send({
      topic: topicOf(table),
      messages: [...messages],
      compression: CompressionTypes.LZ4,
    })
    total += messages.length
    return { partition: answer?.partition ?? 0, offset: BigInt(answer?.baseOffset ?? -1) }
  }
  const sendRandom = async (rows: number): Promise<void> => {
    const each = Math.ceil(rows / tables.length)
    await Promise.all(
      tables.map(async ({ name }) => {
        await send(
          name,
          Array.from({ length: each }, () => sourceOf(name).next()),
        )
      }),
    )
  }

  return {
    async change(table, operation, id) {
      const message = sourceOf(table).change(operation, id)
      const sentAt = Date.now()
      const where = await send(table, [message])
      return { sentAt, answeredAt: Date.now(), ...where }
    },
    async flood(rows, onProgress) {
      for (let sent = 0; sent < rows; sent += batchRows) {
        await sendRandom(Math.min(batchRows, rows - sent))
        onProgress(Math.min(sent + batchRows, rows))
      }
    },
    trickle(perSecond) {
      let going = true
      const done = (async () => {
        while (going) {
          await sendRandom(perSecond / 10)
          await sleep(100)
        }
      })()
      return async () => {
        going = false
        await done
      }
    },
    sent: () => total,
    rows: (table) => sourceOf(table).rows(),
    close: () => producer.disconnect(),
  }
}
