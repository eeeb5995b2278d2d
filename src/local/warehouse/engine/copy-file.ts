/**
 * One file of a stage into one table, for pipes and COPY statements alike: its rows, and its line in the copy history.
 * Which files there are, and whether one was loaded before, is decided elsewhere.
 */
import { createHash } from 'node:crypto'
import { missing } from '../sql/name-resolution.ts'
import { constant, quoted } from '../sql/duck-text.ts'
import type { CopyInto } from '../sql/statement.ts'
import { translateCopySelect } from '../sql/translate-copy.ts'
import type { Core } from './core.ts'
import { duckTable, timeOf } from './store-text.ts'
import type { Transaction } from './transaction.ts'

/** An object's bytes, and its own time on the stage. */
export type FetchedFile = { readonly body: Uint8Array; readonly modifiedMs: number }

/** A file that lies beside the store, to be read by it. */
export type LocalFile = {
  readonly key: string
  readonly path: string
  readonly modifiedMs: number
  readonly contentKey: string
}

/** Null where there is no such object. */
export async function fetchFile(core: Core, bucket: string, key: string): Promise<FetchedFile | null> {
  const stage = core.openBucket(bucket)
  const head = await stage.head(key)
  const body = head && (await stage.get(key))
  return body && { body, modifiedMs: head.lastModified.getTime() }
}

export function contentKeyOf(body: Uint8Array): string {
  return createHash('md5').update(body).digest('hex')
}

/** @returns how many rows went in. @throws SqlError where a row, or the file, is at fault */
export async function insertFile(
  core: Core,
  transaction: Transaction,
  copy: CopyInto,
  { key, path, modifiedMs, contentKey }: LocalFile,
): Promise<number> {
  const table = core.catalog.find('table', copy.table)
  if (!table) throw missing('table', copy.table)
  const relation = `read_parquet(${constant(path)}, file_row_number = true)`
  const described = await transaction.read(`DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ${relation}`)
  const isInteger = (type: string | null | undefined): boolean => /INT$|INTEGER$/.test(type ?? '')
  const select = translateCopySelect(
    copy,
    {
      sql: relation,
      columns: described.rows.map(([name]) => name ?? ''),
      integers: new Set(described.rows.flatMap(([name, type]) => (name && isInteger(type) ? [name] : []))),
      fileName: constant(key),
      fileRowNumber: 'file_row_number',
      fileLastModified: `make_timestamp(CAST(${String(modifiedMs)} AS BIGINT) * 1000)`,
      fileContentKey: constant(contentKey),
      startScanTime: timeOf(`CAST(${String(core.clock.nowMs())} AS BIGINT)`),
    },
    table.definition.columns,
  )
  const columns = copy.columns.map(quoted).join(', ')
  const { rows } = await transaction.write(`INSERT INTO ${duckTable(table.id)} (${columns}) ${select}`)
  return Number(rows[0]?.[0])
}

/** A line of COPY_HISTORY. */
export type CopyRecord = {
  readonly tableId: number
  /** null: a COPY statement */
  readonly pipe: { readonly id: number; readonly name: readonly string[]; readonly receivedMs: number } | null
  /** below the stage's URL */
  readonly fileName: string
  readonly stageUrl: string
  readonly rowCount: number
  readonly size: number | null
  readonly error: string | null
}

export async function recordCopy(core: Core, transaction: Transaction, record: CopyRecord): Promise<void> {
  const { tableId, pipe, fileName, stageUrl, rowCount, size, error } = record
  await transaction.write(
    `INSERT INTO _catalog.copy_history VALUES (
      CAST($table AS BIGINT), CAST($pipe_id AS BIGINT), $pipe, $file_name, $location, CAST($loaded AS BIGINT),
      CAST($rows AS BIGINT), CAST($rows AS BIGINT), CAST($size AS BIGINT), $error, CAST($errors AS BIGINT), $status,
      CAST($received AS BIGINT))`,
    {
      table: String(tableId),
      pipe_id: pipe && String(pipe.id),
      pipe: pipe && JSON.stringify(pipe.name),
      file_name: fileName,
      location: stageUrl,
      loaded: String(core.clock.nowMs()),
      rows: String(rowCount),
      size: size === null ? null : String(size),
      error,
      errors: error === null ? '0' : '1',
      status: error === null ? 'Loaded' : 'Load failed',
      received: pipe && String(pipe.receivedMs),
    },
  )
}
