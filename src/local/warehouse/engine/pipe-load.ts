/**
 * Loads one file of one pipe: rows, load history and copy history in one transaction. A file that cannot be loaded is
 * skipped whole, as ON_ERROR = SKIP_FILE says, and the history keeps the first error.
 */
import { createHash, randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CatalogObject } from './catalog.ts'
import { type Core, writing } from './core.ts'
import { missing } from '../sql/name-resolution.ts'
import { finishFile, type WaitingFile } from './pipe-files.ts'
import { parseLocation, pipeLocation } from './stage-location.ts'
import { SqlError } from '../sql/statement.ts'
import { constant, quoted } from '../sql/duck-text.ts'
import { duckTable, timeOf } from './store-text.ts'
import type { Transaction } from './transaction.ts'
import { translateCopySelect } from '../sql/translate-copy.ts'

type Pipe = CatalogObject<'pipe'>

/** What came of it: rows loaded, or why not. */
export type LoadOutcome = { readonly rowCount: number } | { readonly error: SqlError }

/** `body` is null where the object is gone. @throws where the engine itself fails; the file waits on then */
export async function loadFile(
  core: Core,
  pipe: Pipe,
  file: WaitingFile,
  body: Uint8Array | null,
): Promise<LoadOutcome> {
  const path = join(core.loadDir, `${randomUUID()}.parquet`)
  try {
    if (!body) {
      const url = `s3://${pipeLocation(core.catalog, pipe).bucket}/${file.key}`
      throw new SqlError('091016', '22000', `Remote file '${url}' was not found.`)
    }
    await writeFile(path, body)
    const rowCount = await writing(core, (transaction) => copyInto(core, transaction, pipe, file, { path, body }))
    return { rowCount }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    await writing(core, (transaction) => recordFailure(core, transaction, pipe, file, error))
    return { error }
  } finally {
    await rm(path, { force: true })
  }
}

async function copyInto(
  core: Core,
  transaction: Transaction,
  pipe: Pipe,
  file: WaitingFile,
  { path, body }: { readonly path: string; readonly body: Uint8Array },
): Promise<number> {
  const { copy } = pipe.definition
  const table = core.catalog.find('table', copy.table)
  if (!table) throw missing('table', copy.table)
  const relation = `read_parquet(${constant(path)}, file_row_number = true)`
  const described = await transaction.read(`DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ${relation}`)
  const select = translateCopySelect(
    copy,
    {
      sql: relation,
      columns: described.rows.map(([name]) => name ?? ''),
      integers: new Set(
        described.rows.flatMap(([name, type]) => (name && /INT$|INTEGER$/.test(type ?? '') ? [name] : [])),
      ),
      fileName: constant(file.key),
      fileRowNumber: 'file_row_number',
      fileLastModified: `make_timestamp(${String(file.stagedMs)} * 1000)`,
      fileContentKey: constant(createHash('md5').update(body).digest('hex')),
      startScanTime: timeOf(`CAST(${String(core.clock.nowMs())} AS BIGINT)`),
    },
    table.definition.columns,
  )
  const columns = copy.columns.map(quoted).join(', ')
  const { rows } = await transaction.write(`INSERT INTO ${duckTable(table.id)} (${columns}) ${select}`)
  const rowCount = Number(rows[0]?.[0])
  await finishFile(core, transaction, file, 'loaded')
  await record(core, transaction, pipe, file, { rowCount, error: null, size: body.length })
  return rowCount
}

async function recordFailure(
  core: Core,
  transaction: Transaction,
  pipe: Pipe,
  file: WaitingFile,
  error: SqlError,
): Promise<void> {
  // The pipe may have been dropped meanwhile; its history went with it.
  if (core.catalog.find('pipe', pipe.name)?.id !== pipe.id) return
  await finishFile(core, transaction, file, 'failed')
  await record(core, transaction, pipe, file, { rowCount: 0, error: error.message, size: file.size })
}

async function record(
  core: Core,
  transaction: Transaction,
  pipe: Pipe,
  file: WaitingFile,
  { rowCount, error, size }: { readonly rowCount: number; readonly error: string | null; readonly size: number | null },
): Promise<void> {
  const table = core.catalog.find('table', pipe.definition.copy.table)
  if (!table) return
  const { stageUrl } = pipeLocation(core.catalog, pipe)
  await transaction.write(
    `INSERT INTO _catalog.copy_history VALUES (
      CAST($table AS BIGINT), CAST($pipe_id AS BIGINT), $pipe, $file_name, $location, CAST($loaded AS BIGINT),
      CAST($rows AS BIGINT), CAST($rows AS BIGINT), CAST($size AS BIGINT), $error, CAST($errors AS BIGINT), $status,
      CAST($received AS BIGINT))`,
    {
      table: String(table.id),
      pipe_id: String(pipe.id),
      pipe: JSON.stringify(pipe.name),
      file_name: file.key.slice(parseLocation(stageUrl).prefix.length),
      location: stageUrl,
      loaded: String(core.clock.nowMs()),
      rows: String(rowCount),
      size: size === null ? null : String(size),
      error,
      errors: error === null ? '0' : '1',
      status: error === null ? 'Loaded' : 'Load failed',
      received: String(file.receivedMs),
    },
  )
}
