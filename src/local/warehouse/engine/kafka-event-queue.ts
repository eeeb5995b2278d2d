/**
 * The notifications' queue on a Kafka topic. Each start reads in a consumer group of its own from the positions that the
 * store holds: no other member has to be waited for, and what counts is in the store.
 */
import { randomUUID } from 'node:crypto'
import { within } from '../../../deadline.ts'
import { Failure } from '../../../failure.ts'
import { type Consumer, type EachBatchPayload, kafkaClient, kafkaFailure } from '../../../kafka/client.ts'
import type { Logger } from '../../../telemetry.ts'
import { type EventBatch, type EventQueue, readNotification } from './event-queue.ts'

type Options = {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly logger: Logger
  readonly positions: () => Promise<ReadonlyMap<number, bigint>>
}

type Receive = (batch: EventBatch) => Promise<void>

const retryMs = 1000

/** kafkajs waits for its brokers when it leaves, for half a minute where one has just come back. */
const leaveMs = 5_000

export function kafkaEventQueue(options: Options): EventQueue {
  let closing = false
  let loop: Promise<void> = Promise.resolve()
  const leave = Promise.withResolvers<undefined>()
  return {
    start(receive) {
      loop = readForEver(options, receive, leave.promise, () => closing)
      return Promise.resolve()
    },
    async close() {
      closing = true
      leave.resolve(undefined)
      await loop
    },
  }
}

async function readForEver(
  options: Options,
  receive: Receive,
  leave: Promise<void>,
  closing: () => boolean,
): Promise<void> {
  while (!closing()) {
    try {
      await readOnce(options, receive, leave)
    } catch (error) {
      const { code, message } = kafkaFailure(error, `read notifications from ${options.topic}`)
      options.logger.warn({ code, retryMs, err: error }, `notifications wait: ${message}`)
      let timer: NodeJS.Timeout | undefined
      const pause = new Promise((resolve) => (timer = setTimeout(resolve, retryMs)))
      await Promise.race([pause, leave])
      clearTimeout(timer)
    }
  }
}

/** Reads until it is to leave, or until the consumer gives up. */
async function readOnce(
  { brokers, topic, logger, positions }: Options,
  receive: Receive,
  leave: Promise<void>,
): Promise<void> {
  const settings = { brokers: [...brokers], group: 'warehouse-events', clientId: 'warehouse', ssl: false }
  const kafka = kafkaClient(settings, logger)
  const groupId = `${settings.group}-${randomUUID()}`
  const admin = kafka.admin()
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250, allowAutoTopicCreation: false })
  const leaveGroup = async (): Promise<void> => {
    await consumer.disconnect()
    // A group that stays behind is the broker's to forget.
    await admin.deleteGroups([groupId]).catch((error: unknown) => {
      logger.debug({ err: error, groupId }, 'group not deleted')
    })
    await admin.disconnect()
  }
  try {
    await admin.connect()
    const ends = await admin.fetchTopicOffsets(topic)
    if (ends.length === 0) throw new Failure('LEADER_MISSING', `of topic ${topic}`)
    const starts = startOffsets(ends, await positions())
    const read = async (): Promise<void> => {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      // Committed for a rejoin of this group alone: the next start has another one.
      await consumer.run({ eachBatch: (payload) => give(payload, starts, receive) })
      for (const { partition, offset } of starts) consumer.seek({ topic, partition, offset })
      await leave
    }
    await Promise.race([watchCrash(consumer), read()])
  } finally {
    await within(leaveGroup(), leaveMs)
  }
}

type Start = { readonly partition: number; readonly offset: string }

type TopicOffset = { readonly partition: number; readonly low: string; readonly high: string }

/** A position outside of the log belongs to a log that is gone: what there is now is read from its start. */
export function startOffsets(log: readonly TopicOffset[], positions: ReadonlyMap<number, bigint>): readonly Start[] {
  return log.map(({ partition, low, high }) => {
    const position = positions.get(partition)
    const inside = position !== undefined && position >= BigInt(low) && position <= BigInt(high)
    return { partition, offset: inside ? position.toString() : low }
  })
}

/** A fetch that was under way before the seek may bring what was taken before. */
async function give(payload: EachBatchPayload, starts: readonly Start[], receive: Receive): Promise<void> {
  const { batch } = payload
  const start = BigInt(starts.find(({ partition }) => partition === batch.partition)?.offset ?? 0)
  const files = batch.messages.flatMap(({ value }) => (value ? readNotification(value.toString('utf8')) : []))
  const next = BigInt(batch.lastOffset()) + 1n
  if (next > start) await receive({ topic: batch.topic, partition: batch.partition, next, files })
  await payload.heartbeat()
}

/** Rejects when kafkajs gives up on the consumer. */
function watchCrash(consumer: Consumer): Promise<never> {
  return new Promise((_, reject) => {
    consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
      if (!restart) reject(error)
    })
  })
}
