/**
 * Messages that a laboratory sends while faults happen: changes of a few rows, now and then something that is no JSON, and,
 * where told, transactions of which some are aborted. Sent straight to the brokers: the producer is not under test.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../../src/deadline.ts'
import {
  type Admin,
  CompressionTypes,
  kafkaClient,
  Partitioners,
  type ProducedMessage,
} from '../../src/kafka/client.ts'
import { createLogger } from '../../src/telemetry.ts'
import { highWatermarks } from '../support/java-kafka.ts'
import { until } from '../support/until.ts'

export type Workload = {
  /** how many messages were sent, those of aborted transactions included */
  readonly sent: () => number
  /**
   * Ends it. Resolves when no transaction of the topic is open: behind an open one Kafka shows nobody what is there, so that a group
   * would seem to have read all of it.
   */
  stop(): Promise<void>
}

export type WorkloadOptions = {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly messagesPerSecond: number
  /** gives numbers from 0 to 1 */
  readonly random: () => number
  readonly transactions?: boolean
  /** Each request is compressed by another codec, or not, and some rows are large: fetches of all kinds, in several pieces. */
  readonly mixed?: boolean
  /** bytes of each row that no codec makes smaller by much; without it, words */
  readonly noiseBytes?: number
}

const stepMs = 100

const { None, GZIP, Snappy, LZ4, ZSTD } = CompressionTypes
const codecs = [None, GZIP, Snappy, LZ4, ZSTD]

/** Of `mixed` rows: how many are large, and their most bytes. */
const large = { share: 0.03, bytes: 60_000 }

/** A transaction whose producer met with an error stays open for so long. */
const transactionMs = 10_000

/** A generous end for requests that are under way, each of which Kafka may answer late. */
const stopMs = 300_000

export async function startWorkload(options: WorkloadOptions): Promise<Workload> {
  const { brokers, topic, messagesPerSecond, random } = options
  const silent = createLogger({ level: 'silent' })
  const kafka = kafkaClient({ brokers: [...brokers], group: 'x', clientId: 'workload', ssl: false }, silent)
  const settings = { createPartitioner: Partitioners.DefaultPartitioner, retry: { retries: 20, maxRetryTime: 1_000 } }
  const producer = kafka.producer(settings)
  await producer.connect()
  const ending = new AbortController()
  let sent = 0
  let next = 0
  const codec = () => (options.mixed === true ? (codecs[Math.floor(random() * codecs.length)] ?? None) : None)
  const batch = (): ProducedMessage[] =>
    Array.from({ length: Math.ceil((messagesPerSecond * stepMs) / 1_000) }, () => messageOf(next++, options))

  const plain = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const messages = batch()
      // What a retry sends twice is in the topic twice, and so it lands.
      await producer.send({ topic, messages, acks: -1, compression: codec() }).then(
        () => (sent += messages.length),
        () => undefined,
      )
      await sleep(stepMs)
    }
  }

  const transactional = async (): Promise<void> => {
    let turn = 0
    const goesOn = () => !ending.signal.aborted
    while (goesOn()) {
      const one = kafka.producer({
        ...settings,
        transactionalId: `lab-${turn++}-${topic}`,
        transactionTimeout: transactionMs,
        idempotent: true,
        maxInFlightRequests: 1,
      })
      try {
        await one.connect()
        for (let round = 0; round < 20 && goesOn(); round++) {
          const transaction = await one.transaction()
          await transaction.send({ topic, messages: batch().slice(0, 5), compression: codec() })
          sent += 5
          await (random() < 0.4 ? transaction.abort() : transaction.commit())
          await sleep(stepMs)
        }
      } catch {
        // A broker went away in the middle: another producer begins anew, and the coordinator aborts what was open.
        await sleep(stepMs)
      } finally {
        await one.disconnect().catch(() => undefined)
      }
    }
  }

  const loops = [plain(), ...(options.transactions === true ? [transactional()] : [])]
  return {
    sent: () => sent,
    stop: async () => {
      ending.abort()
      if (!(await within(Promise.all(loops), stopMs))) throw new Error(`the workload of ${topic} sends for ever`)
      await producer.disconnect()
      const admin = kafka.admin({ retry: settings.retry })
      await admin.connect()
      await noneOpen(admin, options).finally(() => admin.disconnect())
    },
  }
}

/** Waits until each partition of a topic has a leader and no open transaction. @throws Error naming those that have not */
export async function noneOpen(
  admin: Admin,
  { brokers, topic, partitions }: Pick<WorkloadOptions, 'brokers' | 'topic' | 'partitions'>,
): Promise<void> {
  const hidden = async (): Promise<readonly string[]> => {
    const highs = await highWatermarks(brokers, topic)
    const stable = new Map(
      (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, BigInt(high)]),
    )
    const numbers = Array.from({ length: partitions }, (_, partition) => partition)
    const late = numbers.filter((partition) => !highs.has(partition) || stable.get(partition) !== highs.get(partition))
    return late.map((partition) => `${partition}: ${stable.get(partition)} of ${highs.get(partition)}`)
  }
  // A broker that is away may be the one that is asked.
  const look = () => hidden().catch((error: unknown) => [String(error)])
  await until(`the end of all transactions in ${topic}`, look, ({ length }) => length === 0, stopMs)
}

function messageOf(number: number, options: WorkloadOptions): ProducedMessage {
  const { partitions, random } = options
  const id = Math.floor(random() * 500)
  const partition = id % partitions
  const row = `{"id":${id},"n":${number},"text":"${textOf(options)}"}`
  const dice = random()
  const value =
    dice < 0.02
      ? `no JSON ${number}`
      : dice < 0.15
        ? `{"operation":"DELETE","before":${row},"after":null}`
        : dice < 0.5
          ? `{"operation":"INSERT","before":null,"after":${row}}`
          : `{"operation":"UPDATE","before":{"id":${id}},"after":${row}}`
  return { key: String(id), value, partition }
}

function textOf({ random, noiseBytes, mixed = false }: WorkloadOptions): string {
  if (noiseBytes !== undefined) return noise(noiseBytes)
  if (mixed && random() < large.share) return noise(random() * large.bytes)
  return 'firn '.repeat(Math.floor(random() * 40))
}

/** What no codec makes smaller by much. */
function noise(bytes: number): string {
  return randomBytes(Math.floor((bytes * 3) / 4)).toString('base64')
}
