/**
 * The vocabulary that both halves share: what a change is, how its position is written, and what an offset range is.
 * Decoding belongs to envelope/, naming and columns to landing.ts.
 */

/** `c` create, `u` update, `d` delete, `r` snapshot read, `t` truncate. A reject lands with op `x` and is no change. */
export type Op = 'c' | 'u' | 'd' | 'r' | 't'

/** One message as Kafka delivered it. Buffers may be views of what was fetched: who keeps one, copies it. */
export type Message = {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** ms since 1970; -1 where the producer gave none */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** in the order of arrival; a name may come more than once */
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[]
}

/** One decoded row change. Text members are UTF-8 bytes, sliced out of the message, never printed anew. */
export type Change = {
  /** 0, 1, ... where one message carries several changes */
  readonly rowIndex: number
  readonly op: Op
  readonly id: string
  readonly position: Position
  readonly sourceTable: string | null
  /** commit at the source, ms since 1970 */
  readonly sourceTs: bigint | null
  readonly before: Buffer | null
  readonly after: Buffer | null
  readonly meta: Buffer | null
}

/** Offsets `first..last`, both included. */
export type OffsetRange = {
  readonly first: bigint
  readonly last: bigint
}

/** As people write it: `7`, or `7-9`. */
export function rangeText({ first, last }: OffsetRange): string {
  return first === last ? first.toString() : `${first.toString()}-${last.toString()}`
}

/** Reads it back; null where the text is no range of offsets. */
export function parseRange(text: string): OffsetRange | null {
  const [, first = '', last = first] = /^(\d{1,19})(?:-(\d{1,19}))?$/.exec(text) ?? []
  if (first === '' || BigInt(first) > BigInt(last)) return null
  return { first: BigInt(first), last: BigInt(last) }
}

/** Where messages come from, as far as the positions of their changes tell. */
export type Origin = {
  readonly epoch: number
  /** 0 in the live path; a change that is decoded again carries a higher one, and beats its former self alone */
  readonly revision: number
  /** false where `offset` counts the messages of a file that is no log */
  readonly isLogged: boolean
}

/** What decides which of two changes of a row is the newer one, part by part. */
export type Position = Origin & {
  /** already of fixed width within a table; empty where the table names no order */
  readonly order: string
  /** 1 puts a delete after an upsert of equal order; 0 everywhere where the order is Kafka's own or its timestamp */
  readonly rank: 0 | 1
  readonly offset: bigint
  readonly partition: number
  readonly rowIndex: number
}

/**
 * A position as text: `<epoch>.<order>.<rank>.<offset>.<partition>.<row index>.<revision>`.
 *
 * Invariant: each part has a fixed width (5, the order's own, 1, 20, 5, 6, 5), so that the order of the strings is the
 * order of the parts, and no two changes of a topic share one. The offset of a message that is of no log begins with `-`,
 * which sorts before every digit: of equal order, what a log says wins.
 *
 * @throws RangeError where a part is negative or wider than its place
 */
export function positionOf({ epoch, order, rank, offset, isLogged, partition, rowIndex, revision }: Position): string {
  const place = isLogged ? fixed(offset, 20) : `-${fixed(offset, 19)}`
  return `${fixed(epoch, 5)}.${order}.${rank}.${place}.${fixed(partition, 5)}.${fixed(rowIndex, 6)}.${fixed(revision, 5)}`
}

/** `padStart` makes its zeros anew. */
const zeros = Array.from({ length: 21 }, (_, count) => '0'.repeat(count))

/** A whole number in decimal, padded with zeros to `width` digits, so that text order is number order. */
export function fixed(value: number | bigint, width: number): string {
  const digits = value.toString()
  const isWhole = value >= 0 && (typeof value === 'bigint' || Number.isSafeInteger(value))
  if (!isWhole || digits.length > width) {
    throw new RangeError(`${digits} does not fit ${String(width)} digits`)
  }
  return (zeros[width - digits.length] ?? '0'.repeat(width - digits.length)) + digits
}
