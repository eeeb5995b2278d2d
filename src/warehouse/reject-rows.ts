/**
 * Reads rejects that are open, page by page and in the order of their places: messages that landed as such, whole, so that
 * they can be decoded anew, and changes that a merge has refused. What is open is said in open-rejects.ts.
 */
import type { Message } from '../change.ts'
import type { TableConfig, WarehouseConfig } from '../config.ts'
import type { Bind, Cell, Row, Session } from '../snowflake/session.ts'
import { headersOf, keyOf, rawOf, type Rejection, rejectionOf } from './message-columns.ts'
import { sharedNames, topicNames } from './names.ts'
import { openInLanding, openInMerge, type RejectPlaces } from './open-rejects.ts'
import { needing } from './rights.ts'

/** `code`: those alone whose newest rejection has it. */
export type RejectFilter = RejectPlaces & { readonly code?: string }

/** A message that landed as a reject. */
export type OpenReject = Rejection & {
  readonly epoch: number
  readonly partition: number
  readonly offset: bigint
  /** ms since 1970; -1 where the producer gave none */
  readonly timestamp: bigint
  /** one that is not UTF-8 is its base64, as it landed */
  readonly key: Buffer | null
  readonly headers: Message['headers']
  /** the value; null for VALUE_TOO_LARGE, whose bytes lie on the stage */
  readonly raw: Buffer | null
  /** as METADATA$FILENAME gave it, of the newest file that holds it */
  readonly fileName: string
  readonly firstSeenAt: Date
}

/** A change that a merge could not apply. `before` and `after` are text as landed. */
export type MergeReject = Rejection & {
  readonly epoch: number
  readonly partition: number
  readonly offset: bigint
  readonly rowIndex: number
  readonly op: string
  readonly id: string | null
  readonly position: string | null
  readonly before: string | null
  readonly after: string | null
  readonly fileName: string
  readonly firstSeenAt: Date
}

const pageRowsMax = 1_000

/** Characters of one page, but for its last row: a value of 16 MiB is 22 million characters of base64. */
const pageTextMax = 32 * 2 ** 20

/**
 * Pages of at most 1,000, ordered by epoch, partition, offset. What is resolved or rejected while they are read may be seen or
 * not. Rows of a file that is not named as Firn names one have no place, and are left out. Takes SELECT on the landing table.
 *
 * @throws Failure as Session.query, RIGHT_MISSING
 */
export async function* readOpenRejects(
  session: Session,
  warehouse: WarehouseConfig,
  topic: string,
  { code, ...places }: RejectFilter = {},
): AsyncGenerator<readonly OpenReject[]> {
  const { landing } = topicNames(warehouse, topic)
  const pages = readPages(session, {
    from: openInLanding(warehouse, topic, places),
    binds: [],
    order: ['epoch', 'kafka_partition', 'kafka_offset'],
    columns: ['kafka_timestamp', 'kafka_key', 'headers', 'raw', 'error', 'file_name', 'first_seen'],
    texts: ['kafka_key', 'headers', 'raw'],
    code,
    ask: (work) => needing(warehouse, `SELECT ON TABLE ${landing.sql}`, work),
  })
  for await (const rows of pages) yield rows.map(openReject)
}

/** The same of what the merges into a table have refused. Takes SELECT on MERGE_REJECTS too. @throws as readOpenRejects */
export async function* readMergeRejects(
  session: Session,
  warehouse: WarehouseConfig,
  { topic, table }: Pick<TableConfig, 'topic' | 'table'>,
  { code, ...places }: RejectFilter = {},
): AsyncGenerator<readonly MergeReject[]> {
  const pages = readPages(session, {
    from: openInMerge(warehouse, topic, places),
    binds: [table],
    order: ['epoch', 'kafka_partition', 'kafka_offset', 'row_index'],
    columns: ['op', 'id', 'position', 'before', 'after', 'error', 'file_name', 'first_seen'],
    texts: ['before', 'after'],
    code,
    ask: (work) => needing(warehouse, `SELECT ON TABLE ${sharedNames(warehouse).mergeRejects}`, work),
  })
  for await (const rows of pages) yield rows.map(mergeReject)
}

type Paged = {
  /** a relation, whose binds come first */
  readonly from: string
  readonly binds: readonly Bind[]
  /** whole numbers that together name a row */
  readonly order: readonly string[]
  readonly columns: readonly string[]
  /** columns that may be long */
  readonly texts: readonly string[]
  readonly code: string | undefined
  readonly ask: (work: () => Promise<readonly Row[]>) => Promise<readonly Row[]>
}

/** Each page begins behind the last row of the one before, so that no row comes twice, whatever lands meanwhile. */
async function* readPages(session: Session, paged: Paged): AsyncGenerator<readonly Row[]> {
  const { from, binds, order, columns, texts, code, ask } = paged
  const by = order.map((column) => `r.${column}`).join(', ')
  const length = texts.map((column) => `COALESCE(LENGTH(r.${column}), 0)`).join(' + ')
  const before = `SUM(${length}) OVER (ORDER BY ${by} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`
  let last: readonly bigint[] | null = null
  for (;;) {
    const where = ['r.epoch IS NOT NULL']
    if (code !== undefined) where.push('r.code = ?')
    if (last) where.push(behind(order, last))
    const sql = `SELECT ${[...order, ...columns].map((column) => `r.${column}`).join(', ')}
      FROM ${from} r
      WHERE ${where.join(' AND ')}
      QUALIFY ROW_NUMBER() OVER (ORDER BY ${by}) <= ${pageRowsMax} AND COALESCE(${before}, 0) <= ${pageTextMax}
      ORDER BY ${by}`
    const rows = await ask(() => session.query(sql, code === undefined ? binds : [...binds, code]))
    const newest = rows.at(-1)
    if (!newest) return
    yield rows
    last = order.map((column) => BigInt(String(newest[column.toUpperCase()])))
  }
}

/** `(a, b) > (1, 2)`, as every warehouse reads it. */
function behind(order: readonly string[], last: readonly bigint[]): string {
  const terms = order.map((column, at) => {
    const equal = order.slice(0, at).map((earlier, place) => `r.${earlier} = ${String(last[place])}`)
    return [...equal, `r.${column} > ${String(last[at])}`].join(' AND ')
  })
  return `(${terms.map((term) => `(${term})`).join(' OR ')})`
}

function openReject(row: Row): OpenReject {
  const timestamp = textOf(row['KAFKA_TIMESTAMP'])
  return {
    ...placeOf(row),
    ...rejectionOf(textOf(row['ERROR'])),
    timestamp: timestamp === null ? -1n : BigInt(timestamp),
    key: keyOf(textOf(row['KAFKA_KEY'])),
    headers: headersOf(textOf(row['HEADERS'])),
    raw: rawOf(textOf(row['RAW'])),
  }
}

function mergeReject(row: Row): MergeReject {
  return {
    ...placeOf(row),
    ...rejectionOf(textOf(row['ERROR'])),
    rowIndex: Number(row['ROW_INDEX']),
    op: String(row['OP']),
    id: textOf(row['ID']),
    position: textOf(row['POSITION']),
    before: textOf(row['BEFORE']),
    after: textOf(row['AFTER']),
  }
}

function placeOf(row: Row) {
  const seen = row['FIRST_SEEN']
  return {
    epoch: Number(row['EPOCH']),
    partition: Number(row['KAFKA_PARTITION']),
    offset: BigInt(String(row['KAFKA_OFFSET'])),
    fileName: String(row['FILE_NAME']),
    firstSeenAt: seen instanceof Date ? seen : new Date(0),
  }
}

function textOf(cell: Cell | undefined): string | null {
  return typeof cell === 'string' ? cell : null
}
