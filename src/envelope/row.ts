/**
 * A row of a message, and its columns as text. Which columns make an id is row-id.ts's, which one an order order.ts's.
 */
import { type JsonValue, isNull, memberOf, stringOf } from './json-value.ts'

/** The bytes, and the place of the row's object in them. */
export type Row = { readonly bytes: Buffer; readonly value: JsonValue }

/** A string's text, its escapes resolved; anything else as written. */
export type ColumnText = { readonly text: string; readonly isString: boolean }

/** Null where the row does not carry the column, or has it as null. */
export function columnOf({ bytes, value }: Row, column: string): ColumnText | null {
  const member = memberOf(bytes, value, column)
  if (!member || isNull(bytes, member)) return null
  const text = stringOf(bytes, member)
  return text === null
    ? { text: bytes.toString('utf8', member.start, member.end), isString: false }
    : { text, isString: true }
}

/** Exactly the bytes of the row. */
export function bytesOf({ bytes, value }: Row): Buffer {
  return bytes.subarray(value.start, value.end)
}
