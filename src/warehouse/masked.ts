/**
 * Takes values out of what Snowflake says of an error: its messages quote the text that would not fit or parse, and a row's
 * values belong neither into a log nor into what anybody may ask. Names of objects stay.
 */

/** What stands before a name in Snowflake's messages, never before a value. */
const nouns =
  'table|view|stage|pipe|stream|task|schema|database|object|identifier|function|role|integration|warehouse|column|file|format|name'

const quotes = new RegExp(`(\\b(?:${nouns})\\s+)?'(?:[^']|'')*'`, 'gi')

/** `String 'abc' is too long` → `String '...' is too long` */
export function masked(text: string): string {
  return text.replace(quotes, (found, noun: string | undefined) => (noun === undefined ? "'...'" : found))
}
