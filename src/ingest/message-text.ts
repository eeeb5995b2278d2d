/**
 * The parts of a message as texts of a landing column: how its headers are written, and what is too long for any column.
 */
import { isUtf8 } from 'node:buffer'
import type { Message } from '../change.ts'
import { ackGapCommand, Failure } from '../failure.ts'
import { textBytesMax } from './columns.ts'

/** Longest part of a message that a column takes in any form: as base64 it grows by a third. */
const partBytesMax = Math.floor((textBytesMax / 4) * 3)

/** `headers` as headersText gives them. @throws Failure TEXT_TOO_LONG, with the command that gives the message up */
export function refuseLong({ topic, partition, offset, key, value }: Message, headers: string | null): void {
  const longest = Math.max(key?.length ?? 0, value?.length ?? 0)
  if (longest <= partBytesMax && Buffer.byteLength(headers ?? '') <= textBytesMax) return
  const at = offset.toString()
  const reason = `${topic}/${partition} at offset ${at}: a text of ${textBytesMax} bytes would not hold it`
  throw new Failure('TEXT_TOO_LONG', reason, { command: ackGapCommand(topic, partition, at, true) })
}

/** `[["name", "text"], ["name", {"base64": "..."}], ["name", null]]`, in the order of arrival. */
export function headersText(headers: Message['headers']): string {
  return JSON.stringify(
    headers.map(([name, value]) => [
      name,
      value === null ? null : isUtf8(value) ? value.toString() : { base64: value.toString('base64') },
    ]),
  )
}
