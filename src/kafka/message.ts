/**
 * kafkajs's messages in Firn's words: offsets and timestamps exact, headers as a list. What a message means is the envelope's.
 */
import type { KafkaMessage } from 'kafkajs'
import type { Message } from '../change.ts'

/** Key, value and headers stay views of the fetched buffer: who keeps them, copies them. */
export function messageOf(topic: string, partition: number, message: KafkaMessage): Message {
  const { offset, timestamp, key, value, headers } = message
  return {
    topic,
    partition,
    offset: BigInt(offset),
    timestamp: BigInt(timestamp),
    key,
    value,
    headers: headers ? headerList(headers) : [],
  }
}

type Header = Message['headers'][number]

/** kafkajs gives one value, or an array where a name came more than once (and a function beside a name like `constructor`). */
function headerList(headers: NonNullable<KafkaMessage['headers']>): Message['headers'] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    return values.flatMap((one): readonly Header[] => {
      if (typeof one === 'string') return [[name, Buffer.from(one)]]
      if (Buffer.isBuffer(one)) return [[name, one]]
      return one === null || one === undefined ? [[name, null]] : []
    })
  })
}
