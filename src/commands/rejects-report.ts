/**
 * How rejects of one place are told: to people, with long values cut, and as JSON, whole.
 */
import { isUtf8 } from 'node:buffer'
import type { MergeReject, OpenReject } from '../warehouse/reject-rows.ts'
import { rejectHint } from './rejects-hint.ts'
import { cut, printable } from './shown-text.ts'

export type Shown = {
  readonly topic: string
  /** `object`: where the value lies on the stage; null where it is in the row */
  readonly landed: readonly (OpenReject & { readonly object: string | null })[]
  readonly refused: readonly (MergeReject & { readonly table: string })[]
}

/** Characters of a value that are shown. */
const shownMax = 4_096

export function textOf({ topic, landed, refused }: Shown): string {
  const parts = [
    ...landed.map((reject) => landedText(topic, reject)),
    ...refused.map((reject) => refusedText(topic, reject)),
  ]
  return `${parts.join('\n\n')}\n`
}

function landedText(topic: string, reject: Shown['landed'][number]): string {
  const { epoch, partition, offset, code, reason, timestamp, key, headers, raw, object } = reject
  const lines = [
    `${topic}/${partition} offset ${offset}, epoch ${epoch}: ${code}: ${reason}`,
    `  ${rejectHint(code)}`,
    ...originLines(reject),
    `  timestamp   ${timestamp < 0n ? 'none' : timeText(Number(timestamp))}`,
    `  key         ${key === null ? 'none' : shownText(key)}`,
    ...headers.map(
      ([name, value]) => `  header      ${printable(name)}: ${value === null ? 'null' : shownText(value)}`,
    ),
  ]
  if (raw === null) return [...lines, `  value       ${object ?? ''}`].join('\n')
  const kind = isUtf8(raw) ? 'as text' : 'not UTF-8, as base64'
  return [...lines, `  value       ${raw.length} bytes, ${kind}:`, shownText(raw)].join('\n')
}

function refusedText(topic: string, reject: Shown['refused'][number]): string {
  const { epoch, partition, offset, table, code, reason, rowIndex, op, id, position, before, after } = reject
  return [
    `${topic}/${partition} offset ${offset}, epoch ${epoch}: refused by the merge into ${table}: ${code}: ${reason}`,
    `  ${rejectHint(code)}`,
    ...originLines(reject),
    `  change      ${rowIndex} of the message, op ${op}, id ${printable(id ?? 'none')}`,
    `  position    ${position ?? 'none'}`,
    `  before      ${before === null ? 'none' : short(printable(before))}`,
    `  after       ${after === null ? 'none' : short(printable(after))}`,
  ].join('\n')
}

function originLines({ fileName, firstSeenAt }: OpenReject | MergeReject): readonly string[] {
  return [`  file        ${fileName}`, `  first seen  ${firstSeenAt.toISOString()}`]
}

function timeText(ms: number): string {
  const time = new Date(ms)
  return Number.isNaN(time.getTime()) ? `${ms} ms since 1970` : time.toISOString()
}

function shownText(bytes: Buffer): string {
  return short(isUtf8(bytes) ? printable(bytes.toString()) : bytes.toString('base64'))
}

const short = (text: string): string => cut(text, shownMax, '--bytes writes the whole value, --json all there is')

export function jsonOf({ topic, landed, refused }: Shown): string {
  const messages = landed.map(({ offset, timestamp, key, headers, raw, object, ...reject }) => ({
    ...reject,
    offset: offset.toString(),
    timestamp: timestamp < 0n ? null : timestamp.toString(),
    key: key && valueJson(key),
    headers: headers.map(([name, value]) => [name, value && valueJson(value)]),
    value: raw === null ? { object } : valueJson(raw),
    hint: rejectHint(reject.code),
  }))
  const changes = refused.map(({ offset, ...reject }) => ({
    ...reject,
    offset: offset.toString(),
    hint: rejectHint(reject.code),
  }))
  return `${JSON.stringify({ topic, messages, changes })}\n`
}

function valueJson(bytes: Buffer) {
  return isUtf8(bytes) ? { text: bytes.toString() } : { base64: bytes.toString('base64') }
}
