/**
 * The plain dialect: `{"operation": "INSERT|UPDATE|DELETE", "before": {..}|null, "after": {..}|null}`. Members beyond these
 * go into `meta`. Rows are sliced out of the message byte for byte; how an id and an order are read is row-id.ts's and
 * order.ts's.
 */
import { isUtf8 } from 'node:buffer'
import type { Change, Message, Op, Origin } from '../change.ts'
import type { TableConfig } from '../config.ts'
import { type Decoded, type Reject, reject } from './decoded.ts'
import { JsonError, JsonText, type JsonValue, root } from './json-value.ts'
import { orderOf } from './order.ts'
import { type Row, bytesOf } from './row.ts'
import { idOf, isKeyAlike } from './row-id.ts'

/** The dialect's own members. */
const own = ['operation', 'before', 'after'] as const

const openBrace = 0x7b
const comma = 0x2c
const closeBrace = 0x7d

const operations = ['UPDATE', 'INSERT', 'DELETE'] as const
type Operation = (typeof operations)[number]

type Envelope = {
  readonly operation: Operation
  readonly before: Row | null
  readonly after: Row | null
  readonly meta: Buffer | null
}

/** A row's change of one id, without what the whole message gives. */
type Part = { readonly op: Op; readonly id: string; readonly row: Row; readonly after: Row | null }

/** Used for one message after the other, and let go of it once it is decoded. */
const valueText = new JsonText()
const keyText = new JsonText()
const members: (JsonValue | null)[] = []

export function decodePlain(message: Message, value: Buffer, table: TableConfig, origin: Origin): Decoded {
  try {
    return changesOf(message, value, table, origin)
  } finally {
    valueText.release()
    keyText.release()
  }
}

function changesOf(message: Message, value: Buffer, table: TableConfig, origin: Origin): Decoded {
  const envelope = envelopeOf(value)
  if ('code' in envelope) return envelope
  const parts = partsOf(envelope, message, table)
  if ('code' in parts) return parts

  // Made as long as it will be: pushed to, it would have room for 17.
  const changes = new Array<Change>(parts.length)
  const { offset, partition } = message
  const { epoch, revision, isLogged } = origin
  let rowIndex = 0
  const before = envelope.before && bytesOf(envelope.before)
  for (const { op, id, row, after } of parts) {
    const order = orderOf(table, message, { row, fallback: envelope.after, isDelete: op === 'd' })
    if ('code' in order) return order
    changes[rowIndex] = {
      rowIndex,
      op,
      id,
      position: { epoch, revision, isLogged, order: order.order, rank: order.rank, offset, partition, rowIndex },
      sourceTable: null,
      sourceTs: null,
      before,
      after: after && bytesOf(after),
      meta: envelope.meta,
    }
    rowIndex++
  }
  return { kind: 'changes', changes }
}

function envelopeOf(bytes: Buffer): Envelope | Reject {
  const text = valueText
  const unreadable = scanned(text, bytes)
  if (unreadable) return unreadable
  if (!text.isObject(root)) return reject('NOT_AN_ENVELOPE', 'the message is no JSON object')

  const hasOthers = text.pick(root, own, members)
  const [operationMember = null, beforeMember = null, afterMember = null] = members
  const operation = operationOf(text, operationMember)
  if (typeof operation !== 'string') return operation
  const before = rowOf(text, 'before', beforeMember)
  if (before && 'code' in before) return before
  const after = rowOf(text, 'after', afterMember)
  if (after && 'code' in after) return after
  return { operation, before, after, meta: hasOthers ? metaOf(text) : null }
}

/** Null where the text was scanned. */
function scanned(text: JsonText, bytes: Buffer): Reject | null {
  try {
    text.scan(bytes)
    return null
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    if (!isUtf8(bytes)) return reject('NOT_UTF8', 'the message value is not UTF-8')
    return reject('NOT_JSON', error.message)
  }
}

function operationOf(text: JsonText, member: JsonValue | null): Operation | Reject {
  if (member === null || text.isNull(member))
    return reject('OPERATION_MISSING', 'member "operation" is missing or null')
  for (const operation of operations) if (text.isString(member, operation)) return operation
  return reject('OPERATION_UNKNOWN', 'member "operation" is none of INSERT, UPDATE, DELETE (in capitals)')
}

/** Null where the member is missing or null. */
function rowOf(text: JsonText, name: 'before' | 'after', member: JsonValue | null): Row | Reject | null {
  if (member === null || text.isNull(member)) return null
  if (!text.isObject(member)) return reject('NOT_AN_ENVELOPE', `member "${name}" is neither an object nor null`)
  return { text, value: member }
}

/** The members beyond the dialect's own, as they stand. */
function metaOf(text: JsonText): Buffer {
  // Into one buffer: a message may have millions of members, and an object for each would be more than a process has room for.
  const meta = Buffer.allocUnsafe(text.bytes.length + 1)
  let end = 0
  for (const member of text.membersOf(root)) {
    if (text.isNamed(member, own)) continue
    meta[end] = end === 0 ? openBrace : comma
    end += 1 + text.sliceWithName(member).copy(meta, end + 1)
  }
  meta[end] = closeBrace
  return meta.subarray(0, end + 1)
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

  if (isKeyAlike(before, after, table.key)) return [upsert]
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
  return scanned(keyText, key) || !keyText.isObject(root) ? null : { text: keyText, value: root }
}
