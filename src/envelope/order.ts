/**
 * The `order` and `rank` of a change, by what the table names. How they stand in a position is change.ts's.
 */
import { fixed, type Message } from '../change.ts'
import type { TableConfig } from '../config.ts'
import { type Reject, reject } from './decoded.ts'
import { type Row, columnOf } from './row.ts'

export type Order = { readonly order: string; readonly rank: 0 | 1 }

const kafkasOwn: Order = { order: '', rank: 0 }

/** A positive 64-bit number has at most 19 digits. */
const timestampWidth = 19

/**
 * Reads the order.
 *
 * An order column holds a whole number, as a JSON number or as digits in a string, which is padded with zeros to the width;
 * or a string of hexadecimal digits of exactly the width (the log sequence numbers of SQL Server), put in lower case. So all
 * orders of a table have one length and one alphabet, and text order is their order.
 *
 * Rank 1 puts a delete after its row's last upsert where both carry one order: a delete repeats the column of the row that
 * it removes. Equal timestamps say nothing of the kind (a row may be deleted and inserted again within a millisecond), so
 * there Kafka's own order decides.
 *
 * @param row where the column is read: after, or before for a delete
 * @param fallback gives the column where `row` does not carry it
 */
export function orderOf(
  table: TableConfig,
  message: Message,
  { row, fallback, isDelete }: { readonly row: Row; readonly fallback: Row | null; readonly isDelete: boolean },
): Order | Reject {
  if (table.order === undefined) return kafkasOwn
  if (table.order === 'kafka-timestamp') {
    if (message.timestamp < 0n) return reject('ORDER_INVALID', 'the message has no timestamp')
    return { order: fixed(message.timestamp, timestampWidth), rank: 0 }
  }
  const { column, width } = table.order
  const found = columnOf(row, column) ?? (fallback && columnOf(fallback, column))
  if (!found) return reject('ORDER_INVALID', `order column ${column} is missing or null`)
  const { text, isString } = found
  const rank = isDelete ? 1 : 0
  if (text.length <= width && /^[0-9]+$/.test(text)) return { order: text.padStart(width, '0'), rank }
  if (isString && text.length === width && /^[0-9A-Fa-f]+$/.test(text)) return { order: text.toLowerCase(), rank }
  return reject(
    'ORDER_INVALID',
    `order column ${column} is neither a whole number of at most ${width} digits nor ${width} hexadecimal digits`,
  )
}
