/**
 * From a message to its changes: picks the dialect that the table names. What a message means is each dialect's own file.
 */
import type { Message, Origin } from '../change.ts'
import type { TableConfig } from '../config.ts'
import type { Decoded } from './decoded.ts'
import { decodePlain } from './plain.ts'

export type { Decoded } from './decoded.ts'

const dialects: Readonly<
  Record<TableConfig['dialect'], (message: Message, value: Buffer, table: TableConfig, origin: Origin) => Decoded>
> = { plain: decodePlain }

/**
 * Decodes one message. Pure: the same message, settings and origin give the same changes.
 *
 * The bytes in the result are views of the message's: who keeps them, copies them.
 */
export function decode(message: Message, table: TableConfig, origin: Origin = liveOrigin(table)): Decoded {
  if (message.value === null) return { kind: 'tombstone' }
  return dialects[table.dialect](message, message.value, table, origin)
}

/** Of what the live path reads. */
export function liveOrigin({ epoch }: Pick<TableConfig, 'epoch'>): Origin {
  return { epoch, revision: 0, isLogged: true }
}
