/**
 * Reads a stretch of one partition's log from its beginning to its end, outside of any group, as a reader that sees
 * committed transactions alone may see it. What becomes of the messages is the caller's.
 */
import { type Message, type OffsetRange, rangeText } from '../change.ts'
import { Failure } from '../failure.ts'
import { FetchedBatch, type Stretch } from './fetched-batch.ts'
import { MarkerScan } from './marker-scan.ts'
import type { PartitionFetcher } from './partition-fetcher.ts'
import { unreadableFailure } from './record-batch.ts'
import type { FetchOptions } from './single-fetch.ts'

/** 1 MiB, as kafkajs has it: more costs memory and gains nothing. A consumer at the end of a log waits half a second. */
const options: FetchOptions = { isolation: 'committed', bytesMax: 2 ** 20, waitMs: 500 }

/** A record batch that cannot be read is fetched this often before it is given up. */
const readsMax = 5

export type Scan = {
  readonly topic: string
  readonly partition: number
  readonly range: OffsetRange
  /** Repeats an attempt for as long as Kafka may come back. @throws what it gives up on */
  readonly patiently: <T>(attempt: () => Promise<T>) => Promise<T>
}

/**
 * The next fetch is under way while one is being taken.
 *
 * @throws Failure RANGE_GONE where the log no longer has the offsets, RECORD_UNREADABLE, and of Kafka
 */
export async function* scanLog(
  fetcher: PartitionFetcher,
  scan: Scan,
): AsyncGenerator<Pick<Stretch, 'messages' | 'next'>, undefined> {
  const end = scan.range.last + 1n
  const markers = new MarkerScan((place, asked) => scan.patiently(() => fetcher.fetch(place, asked)))
  const fetchAt = async (offset: bigint): Promise<FetchedBatch> => {
    const batch = await fetchedAt(fetcher, scan, offset)
    // Time may run out for a member's sake alone: here nobody waits for a heartbeat.
    while ((await markers.settle([batch])).length === 0);
    return batch
  }
  let ahead: Promise<FetchedBatch> | null = null
  try {
    for (let offset = scan.range.first; offset < end;) {
      const fetched: FetchedBatch = await (ahead ?? fetchAt(offset))
      const isOn = fetched.next < end && fetched.next > offset
      ahead = isOn ? fetchAt(fetched.next) : null
      // Whoever stops taking leaves it behind.
      ahead?.catch(() => undefined)
      let reached = offset
      for await (const stretch of fetched.stretches()) {
        const next = stretch.next < end ? stretch.next : end
        if (next > reached) yield { messages: until(stretch.messages, next), next }
        else if (stretch.unreadable) await readAgain(fetcher, scan, reached)
        reached = next
        if (reached === end) break
      }
      if (reached !== fetched.next) {
        await ahead?.catch(() => undefined)
        ahead = null
      }
      offset = reached
    }
  } finally {
    await ahead?.catch(() => undefined)
  }
  return
}

async function fetchedAt(fetcher: PartitionFetcher, scan: Scan, offset: bigint): Promise<FetchedBatch> {
  const { topic, partition, range, patiently } = scan
  const data = await patiently(() => fetcher.fetch({ topic, partition, offset }, options))
  if (data === null) {
    const left = { first: offset, last: range.last }
    throw new Failure('RANGE_GONE', `${topic}/${partition}: the log no longer has all of offsets ${rangeText(left)}`)
  }
  return new FetchedBatch(topic, offset.toString(), data)
}

/** Another replica, or another attempt, may have it whole. */
async function readAgain(fetcher: PartitionFetcher, scan: Scan, offset: bigint): Promise<void> {
  for (let read = 1; ; read++) {
    const fetched = await fetchedAt(fetcher, scan, offset)
    const { value: first } = await fetched.stretches().next()
    if (!first?.unreadable || first.next > offset) return
    if (read === readsMax) throw unreadableFailure(scan, offset, first.unreadable)
  }
}

function* until(messages: Iterable<Message>, end: bigint): Generator<Message, undefined> {
  for (const message of messages) {
    if (message.offset >= end) return
    yield message
  }
  return
}
