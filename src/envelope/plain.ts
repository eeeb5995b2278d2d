/**
 * The plain dialect: `{"operation": "INSERT|UPDATE|DELETE", "before": {..}|null, "after": {..}|null}`.
 */
import type { Message } from '../change.ts'
import type { TableConfig } from '../config.ts'
import { type Decoded, reject } from './decoded.ts'

export function decodePlain(message: Message, value: Buffer, table: TableConfig): Decoded {
  return reject('NOT_AN_ENVELOPE', `${table.topic} ${message.offset.toString()} ${value.length}`)
}
