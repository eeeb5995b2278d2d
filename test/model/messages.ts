/**
 * The messages of the small world's logs, their anchors, and what a log holds at an offset.
 */
import type { Message } from '../../src/change.ts'
import { anchorOf } from '../../src/ingest/anchor.ts'
import type { LogEntry } from '../../src/kafka/log-reader.ts'
import type { Anchor } from '../../src/landing.ts'
import type { Kind, LogId, Row } from './world.ts'

const offsetsMax = 8

const messages: readonly (readonly Message[])[] = ([0, 1] as const).map((log) =>
  Array.from({ length: offsetsMax }, (_, offset) => ({
    topic: 't',
    partition: 0,
    offset: BigInt(offset),
    timestamp: 0n,
    key: null,
    value: Buffer.from(`log ${log}, message ${offset}`),
    headers: [],
  })),
)
const anchors = messages.map((log) => log.map((message) => anchorOf(message)))
const rows = new Map<string, Row>(
  anchors.flatMap((log, id) => log.map(({ hash }, offset) => [hash, { log: id as LogId, offset }] as const)),
)

export function anchorAt({ log, offset }: Row): Anchor {
  const anchor = anchors[log]?.[offset]
  if (!anchor) throw new RangeError(`no message ${offset}`)
  return anchor
}

/** Whose anchor it is. */
export function rowAt({ hash }: Anchor): Row | null {
  return rows.get(hash) ?? null
}

export function entryAt(log: LogId, kinds: readonly Kind[], offset: number): LogEntry {
  const message = messages[log]?.[offset]
  if (kinds[offset] === undefined || !message) return { kind: 'gone' }
  return kinds[offset] === 'm' ? { kind: 'message', message } : { kind: 'marker' }
}
