/**
 * The durable queue of the S3 server's notifications, and how far it was read. The position is kept with the files that
 * were taken from it, never at the broker: so nothing is missed and nothing forgotten.
 */
import type { Connection } from './store.ts'
import type { Transaction } from './transaction.ts'

export type EventFile = {
  readonly bucket: string
  readonly key: string
  readonly size: number | null
  readonly stagedMs: number
}

/** The files of some notifications in a row; `next` is the offset to read on from. */
export type EventBatch = {
  readonly topic: string
  readonly partition: number
  readonly next: bigint
  readonly files: readonly EventFile[]
}

export interface EventQueue {
  /**
   * Gives all notifications from the position on, in the order of each partition; some may come again. Waits for each
   * answer before the next batch of that partition. Where `receive` fails, the same batch comes again.
   */
  start(receive: (batch: EventBatch) => Promise<void>): Promise<void>
  /** Resolves when nothing will be given any more. */
  close(): Promise<void>
}

type Position = Pick<EventBatch, 'topic' | 'partition' | 'next'> & { readonly receivedMs: number }

export async function setPosition(transaction: Transaction, position: Position): Promise<void> {
  const { topic, partition, next, receivedMs } = position
  const parameters = {
    topic,
    partition: String(partition),
    next: next.toString(),
    received: String(receivedMs),
  }
  const { rows } = await transaction.write(
    `UPDATE _catalog.event_positions SET next_offset = CAST($next AS BIGINT), received_ms = CAST($received AS BIGINT)
     WHERE topic = $topic AND partition = CAST($partition AS INTEGER)`,
    parameters,
  )
  if (Number(rows[0]?.[0]) > 0) return
  await transaction.write(
    `INSERT INTO _catalog.event_positions (topic, partition, next_offset, received_ms)
     VALUES ($topic, CAST($partition AS INTEGER), CAST($next AS BIGINT), CAST($received AS BIGINT))`,
    parameters,
  )
}

/** Positions by partition. */
export async function readPositions(connection: Connection, topic: string): Promise<ReadonlyMap<number, bigint>> {
  const { rows } = await connection.run(
    'SELECT partition, next_offset FROM _catalog.event_positions WHERE topic = $topic',
    {
      topic,
    },
  )
  return new Map(rows.map(([partition, next]) => [Number(partition), BigInt(next ?? 0)]))
}

type S3Record = {
  readonly eventName?: unknown
  readonly eventTime?: unknown
  readonly s3?: {
    readonly bucket?: { readonly name?: unknown }
    readonly object?: { readonly key?: unknown; readonly size?: unknown }
  }
}

/** The files that a notification announces; none where it is a test event or of another kind. */
export function readNotification(text: string): readonly EventFile[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // Whoever wrote this, it announces no file.
    return []
  }
  const { Records: records } = (parsed ?? {}) as { readonly Records?: unknown }
  if (!Array.isArray(records)) return []
  return (records as (S3Record | null)[]).flatMap((record) => {
    const bucket = record?.s3?.bucket?.name
    const { key, size } = record?.s3?.object ?? {}
    const created = typeof record?.eventName === 'string' && /^(s3:)?ObjectCreated:/.test(record.eventName)
    if (!created || typeof bucket !== 'string' || typeof key !== 'string') return []
    const stagedMs = Date.parse(String(record.eventTime))
    const file = { bucket, key: decodeKey(key), size: typeof size === 'number' ? size : null }
    return [{ ...file, stagedMs: Number.isNaN(stagedMs) ? 0 : stagedMs }]
  })
}

/** S3 writes keys as in a form; a server that does not may leave a lone `%`. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return key
  }
}
