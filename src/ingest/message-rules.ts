/**
 * Decides what a message is to the partition that takes it: what its dialect makes of it, a reject where its value is too
 * large, or a halt where nothing orders it. Pure.
 */
import type { Message, Origin } from '../change.ts'
import type { IngestConfig, TableConfig } from '../config.ts'
import { type Decoded, reject } from '../envelope/decoded.ts'
import { decode } from '../envelope/envelope.ts'
import { Failure } from '../failure.ts'
import { valueKey } from '../landing.ts'
import { disorderOf } from './disorder.ts'

export type MessageRules = {
  readonly table: TableConfig
  readonly limits: Pick<IngestConfig, 'maxValueBytes'>
  readonly prefix: string
  readonly stage: { readonly bucket: string }
  /** of a replay */
  readonly replay?: {
    readonly origin: Origin
    /** where a value is kept that is too large for a row */
    readonly valueKey: (message: Message) => string
  }
}

/** @throws Failure UNORDERED */
export function decodeByRules(message: Message, rules: MessageRules, partitionCount: number): Decoded {
  const { table, replay } = rules
  const decoded = tooLarge(message, rules) ?? decode(message, table, replay?.origin)
  const disorder = disorderOf(message, decoded, table, partitionCount)
  if (disorder === null) return decoded
  const place = `${message.topic}/${message.partition} at offset ${message.offset.toString()}`
  throw new Failure('UNORDERED', `${place}: ${disorder}, on a topic of ${partitionCount} partitions`)
}

function tooLarge(message: Message, { table, limits, prefix, stage, replay }: MessageRules) {
  const { topic, partition, offset, value } = message
  if (value === null || value.length <= limits.maxValueBytes) return null
  const key = replay?.valueKey(message) ?? valueKey(prefix, topic, table.epoch, partition, offset)
  return reject('VALUE_TOO_LARGE', `${value.length} bytes, kept in s3://${stage.bucket}/${key}`)
}
