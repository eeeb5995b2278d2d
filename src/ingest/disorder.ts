/**
 * Decides whether Kafka's own order is enough for a change. It orders only the messages of one partition, so on a topic of
 * several, a change that may have a neighbour in another partition needs a table that names its order.
 */
import type { Message } from '../change.ts'
import type { TableConfig } from '../config.ts'
import type { Decoded } from '../envelope/envelope.ts'

/** Why this message's changes have no order; null where they have one. */
export function disorderOf(
  message: Pick<Message, 'key'>,
  decoded: Decoded,
  table: Pick<TableConfig, 'order'>,
  partitionCount: number,
): string | null {
  if (table.order !== undefined || partitionCount === 1 || decoded.kind !== 'changes') return null
  if (message.key === null) return 'the message has no key'
  return decoded.changes.length > 1 ? 'the change gives a row another primary key' : null
}
