/**
 * Reads single places of a log, outside of any group: what stands at an offset, committed or not.
 * What follows from it is the caller's.
 */
import type { Message } from '../change.ts'
import type { Kafka } from './client.ts'
import { partitionFetcher } from './partition-fetcher.ts'
import { isSound, messagesOf, recordsOf, type RecordSet } from './record-batch.ts'
import type { FetchOptions, FetchPlace } from './single-fetch.ts'

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

/** A broker sends one whole batch however large; more than that is of no use here. */
const oneBatch: FetchOptions = { isolation: 'uncommitted', bytesMax: 1, waitMs: 0 }

export function logReader(kafka: Kafka, groupId: string): LogReader {
  const fetcher = partitionFetcher(kafka, groupId)

  async function readAt<T>(place: FetchPlace, found: (set: RecordSet) => Promise<T>, outside: T): Promise<T> {
    const data = await fetcher.fetch(place, oneBatch)
    return data === null ? outside : await found(data.messages)
  }

  return {
    connect: () => fetcher.connect(),
    entryAt: (topic, partition, offset) => {
      const place = { topic, partition, offset }
      return readAt<LogEntry>(place, (set) => entryIn(set, place), { kind: 'gone' })
    },
    isReadable: (topic, partition, offset) => readAt({ topic, partition, offset }, isSound, true),
    close: () => fetcher.close(),
  }
}

async function entryIn({ batches }: RecordSet, { topic, partition, offset }: FetchPlace): Promise<LogEntry> {
  const batch = batches.find(({ first, last }) => first <= offset && offset <= last)
  const records = batch && (await recordsOf(batch))
  if (!batch || !Buffer.isBuffer(records)) return { kind: 'gone' }
  try {
    for (const message of messagesOf(batch, records, { topic, partition })) {
      if (message.offset === offset) return batch.control ? { kind: 'marker' } : { kind: 'message', message }
    }
  } catch (error) {
    // Records that a producer wrote wrongly.
    if (!(error instanceof RangeError)) throw error
  }
  return { kind: 'gone' }
}
