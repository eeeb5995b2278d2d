/**
 * The notifications' queue on a Kafka topic. Each start reads in a consumer group of its own, set to the positions that the
 * store holds: no other member has to be waited for, and no commit at the broker counts.
 */
import { randomUUID } from 'node:crypto'
import { type Consumer, type EachBatchPayload, kafkaClient, kafkaFailure } from '../../kafka/client.ts'
import type { Logger } from '../../telemetry.ts'
import { type EventBatch, type EventQueue, readNotification } from './event-queue.ts'

type Options = {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly logger: Logger
  readonly positions: () => Promise<ReadonlyMap<number, bigint>>
}

type Receive = (batch: EventBatch) => Promise<void>

const retryMs = 1000

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
  try {
    await admin.connect()
    await admin.setOffsets({
      groupId,
      topic,
      partitions: startOffsets(await admin.fetchTopicOffsets(topic), await positions()),
    })
    const crashed = watchCrash(consumer)
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatch: (payload) => give(payload, receive) })
    await Promise.race([leave, crashed])
  } finally {
    await consumer.disconnect()
    // A group that stays behind is the broker's to forget.
    await admin.deleteGroups([groupId]).catch((error: unknown) => {
      logger.debug({ err: error, groupId }, 'group not deleted')
    })
    await admin.disconnect()
  }
}

type TopicOffset = { readonly partition: number; readonly low: string; readonly high: string }

/** A position outside of the log belongs to a log that is gone: what there is now is read from its start. */
export function startOffsets(
  log: readonly TopicOffset[],
  positions: ReadonlyMap<number, bigint>,
): { partition: number; offset: string }[] {
  return log.map(({ partition, low, high }) => {
    const position = positions.get(partition)
    const inside = position !== undefined && position >= BigInt(low) && position <= BigInt(high)
    return { partition, offset: inside ? position.toString() : low }
  })
}

async function give(payload: EachBatchPayload, receive: Receive): Promise<void> {
  const { batch } = payload
  const files = batch.messages.flatMap(({ value }) => (value ? readNotification(value.toString('utf8')) : []))
  const next = BigInt(batch.lastOffset()) + 1n
  await receive({ topic: batch.topic, partition: batch.partition, next, files })
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
