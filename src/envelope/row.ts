/**
 * A row of a message, and its columns as text. Which columns make an id is row-id.ts's, which one an order order.ts's.
 */
import type { JsonText, JsonValue } from './json-value.ts'

/** The scanned text, and the row's object in it. */
export type Row = { readonly text: JsonText; readonly value: JsonValue }

/** A string's text, its escapes resolved; anything else as written. */
export type ColumnText = { readonly text: string; readonly isString: boolean }

/** Null where the row does not carry the column, or has it as null. */
export function columnOf({ text, value }: Row, column: string): ColumnText | null {
  const member = text.memberOf(value, column)
  if (member === null || text.isNull(member)) return null
  const string = text.stringOf(member)
  return string === null ? { text: text.textOf(member), isString: false } : { text: string, isString: true }
}

/** Whether both rows, of one text, carry the column, in the same bytes. */
export function isColumnAlike(a: Row, b: Row, column: string): boolean {
  const [one, other] = [a.text.memberOf(a.value, column), a.text.memberOf(b.value, column)]
  return one !== null && other !== null && a.text.isAlike(one, other)
}

/** Exactly the bytes of the row. */
export function bytesOf({ text, value }: Row): Buffer {
  return text.slice(value)
}
