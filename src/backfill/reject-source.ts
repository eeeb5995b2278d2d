/**
 * Rejects as the source of a replay: messages that landed as such and are open, as they were received. Those that are rejects
 * again are left as they are.
 */
import type { Message } from '../change.ts'
import type { WarehouseConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import type { Session } from '../snowflake/session.ts'
import type { Stage } from '../stage/stage.ts'
import { type OpenReject, readOpenRejects, type RejectFilter } from '../warehouse/reject-rows.ts'
import type { Request } from './request.ts'
import type { Part } from './run-record.ts'
import type { MessageSource, Stretch } from './source.ts'

export type RejectsSetting = {
  readonly session: Session
  readonly warehouse: WarehouseConfig
  readonly topic: string
  /** null: whatever it is */
  readonly code: string | null
}

export type RejectsAsked = Pick<Request, 'partitions' | 'offsets' | 'epoch'>

/** Those that are asked for, by epoch and partition, from the first to the last. @throws Failure of the warehouse */
export async function rejectParts(setting: RejectsSetting, asked: RejectsAsked): Promise<readonly Part[]> {
  const { partitions, offsets, epoch } = asked
  const parts = new Map<string, Part>()
  const filter = { ...filterOf(setting), ...(epoch === null ? {} : { epoch }), ...(offsets ? { offsets } : {}) }
  for await (const page of readOpenRejects(setting.session, setting.warehouse, setting.topic, filter)) {
    for (const { epoch: own, partition, offset } of page) {
      if (partitions && !partitions.includes(partition)) continue
      const place = `${own} ${partition}`
      // They come in the order of their offsets.
      const first = parts.get(place)?.range.first ?? offset
      parts.set(place, { epoch: own, partition, range: { first, last: offset } })
    }
  }
  return [...parts.values()]
}

function filterOf({ code }: Pick<RejectsSetting, 'code'>): RejectFilter {
  return code === null ? {} : { code }
}

/** Where the values lie that were too large for a row. */
export type LargeValues = { readonly stage: Stage; readonly keyOf: (reject: OpenReject) => string }

export function rejectSource(setting: RejectsSetting, values: LargeValues): MessageSource {
  return { read: (part, from) => readPart(part, from, setting, values) }
}

async function* readPart(
  { epoch, partition, range }: Part,
  from: bigint,
  setting: RejectsSetting,
  values: LargeValues,
): AsyncGenerator<Stretch> {
  const { session, warehouse, topic } = setting
  const offsets = { first: from, last: range.last }
  const filter = { ...filterOf(setting), epoch, partition, offsets }
  for await (const page of readOpenRejects(session, warehouse, topic, filter)) {
    let messages: Message[] = []
    for (const reject of page) {
      const next = reject.offset + 1n
      messages.push(await messageOf(reject, topic, values))
      // A value from the stage is large, and comes alone.
      if (reject.raw !== null && reject !== page.at(-1)) continue
      yield { messages, next }
      messages = []
    }
  }
  yield { messages: [], next: range.last + 1n }
}

async function messageOf(reject: OpenReject, topic: string, { stage, keyOf }: LargeValues): Promise<Message> {
  const { partition, offset, timestamp, key, headers } = reject
  const value = reject.raw ?? (await stage.get(keyOf(reject)))
  if (value) return { topic, partition, offset, timestamp, key, headers, value: Buffer.from(value) }
  const place = `${topic}/${partition} at offset ${offset.toString()}`
  throw new Failure('STAGE_FAILED', `${place}: the object ${keyOf(reject)}, which holds its value, is not there`)
}
