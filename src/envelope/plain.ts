/**
 * The plain dialect: `{"operation": "INSERT|UPDATE|DELETE", "before": {..}|null, "after": {..}|null}`. Members beyond these
 * go into `meta`. Rows are sliced out of the message byte for byte; how an id and an order are read is row-id.ts's and
 * order.ts's.
 */
import { isUtf8 } from 'node:buffer'
import { type Change, type Message, type Op, type Origin, positionOf } from '../change.ts'
import type { TableConfig } from '../config.ts'
import { type Decoded, type Reject, reject } from './decoded.ts'
import { JsonError, type JsonValue, isNull, memberOf, nameIs, scanJson, stringOf } from './json-value.ts'
import { orderOf } from './order.ts'
import { type Row, bytesOf } from './row.ts'
import { idOf } from './row-id.ts'

type Operation = 'INSERT' | 'UPDATE' | 'DELETE'

type Envelope = {
  readonly operation: Operation
  readonly before: Row | null
  readonly after: Row | null
  readonly meta: Buffer | null
}

/** A row's change of one id, without what the whole message gives. */
type Part = { readonly op: Op; readonly id: string; readonly row: Row; readonly after: Row | null }

export function decodePlain(message: Message, value: Buffer, table: TableConfig, origin: Origin): Decoded {
  const envelope = envelopeOf(value)
  if ('code' in envelope) return envelope
  const parts = partsOf(envelope, message, table)
  if ('code' in parts) return parts

  const changes: Change[] = []
  for (const [rowIndex, { op, id, row, after }] of parts.entries()) {
    const order = orderOf(table, message, { row, fallback: envelope.after, isDelete: op === 'd' })
    if ('code' in order) return order
    const { offset, partition } = message
    changes.push({
      rowIndex,
      op,
      id,
      position: positionOf({ ...origin, ...order, offset, partition, rowIndex }),
      sourceTable: null,
      sourceTs: null,
      before: envelope.before && bytesOf(envelope.before),
      after: after && bytesOf(after),
      meta: envelope.meta,
    })
  }
  return { kind: 'changes', changes }
}

function envelopeOf(bytes: Buffer): Envelope | Reject {
  const root = rootOf(bytes)
  if ('code' in root) return root
  if (!root.members) return reject('NOT_AN_ENVELOPE', 'the message is no JSON object')

  const operation = operationOf(bytes, root)
  if (typeof operation !== 'string') return operation
  const before = rowOf(bytes, root, 'before')
  if (before && 'code' in before) return before
  const after = rowOf(bytes, root, 'after')
  if (after && 'code' in after) return after
  return { operation, before, after, meta: metaOf(bytes, root.members) }
}

function rootOf(bytes: Buffer): JsonValue | Reject {
  if (!isUtf8(bytes)) return reject('NOT_UTF8', 'the message value is not UTF-8')
  try {
    return scanJson(bytes)
  } catch (error) {
    if (error instanceof JsonError) return reject('NOT_JSON', error.message)
    throw error
  }
}

function operationOf(bytes: Buffer, root: JsonValue): Operation | Reject {
  const member = memberOf(bytes, root, 'operation')
  if (!member || isNull(bytes, member)) return reject('OPERATION_MISSING', 'member "operation" is missing or null')
  const text = stringOf(bytes, member)
  if (text === 'INSERT' || text === 'UPDATE' || text === 'DELETE') return text
  return reject('OPERATION_UNKNOWN', 'member "operation" is none of INSERT, UPDATE, DELETE (in capitals)')
}

/** Null where the member is missing or null. */
function rowOf(bytes: Buffer, root: JsonValue, name: 'before' | 'after'): Row | Reject | null {
  const member = memberOf(bytes, root, name)
  if (!member || isNull(bytes, member)) return null
  if (!member.members) return reject('NOT_AN_ENVELOPE', `member "${name}" is neither an object nor null`)
  return { bytes, value: member }
}

/** The members beyond the dialect's own, as they stand; null where there are none. */
function metaOf(bytes: Buffer, members: readonly JsonValue[]): Buffer | null {
  const extra = members.filter(
    (member) =>
      !nameIs(bytes, member, 'operation') && !nameIs(bytes, member, 'before') && !nameIs(bytes, member, 'after'),
  )
  if (extra.length === 0) return null
  const pieces = extra.map(({ nameStart, end }) => bytes.subarray(nameStart - 1, end))
  const texts = pieces.flatMap((piece, index) => (index === 0 ? [piece] : [Buffer.from(','), piece]))
  return Buffer.concat([Buffer.from('{'), ...texts, Buffer.from('}')])
}

/** One part; two where an update changes the id: the old one's delete, then the new one's upsert. */
function partsOf(envelope: Envelope, message: Message, table: TableConfig): readonly Part[] | Reject {
  const { operation, before, after } = envelope
  if (operation === 'DELETE') return deleteOf(envelope, message, table)
  if (!after) return reject('ROW_MISSING', `${operation} needs "after"`)
  const id = idOf(after, table.key)
  if (typeof id !== 'string') return id
  const upsert: Part = { op: operation === 'INSERT' ? 'c' : 'u', id, row: after, after }
  if (operation === 'INSERT' || !before) return [upsert]

  // A key column that before does not carry has not changed: some sources send changed columns only.
  const oldId = idOf(before, table.key, after)
  if (typeof oldId !== 'string') return oldId
  return oldId === id ? [upsert] : [{ op: 'd', id: oldId, row: before, after: null }, upsert]
}

function deleteOf({ before, after }: Envelope, message: Message, table: TableConfig): readonly Part[] | Reject {
  const row = before ?? keyRowOf(message)
  if (!row) return reject('ROW_MISSING', 'DELETE needs "before", or a message key that is a JSON object')
  const id = idOf(row, table.key)
  return typeof id === 'string' ? [{ op: 'd', id, row, after }] : id
}

/** The message's key where it is a JSON object. */
function keyRowOf({ key }: Message): Row | null {
  if (!key) return null
  const value = rootOf(key)
  return 'code' in value || !value.members ? null : { bytes: key, value }
}
