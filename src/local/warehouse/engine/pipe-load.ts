/**
 * Loads one file of one pipe: rows, load history and copy history in one transaction. A file that cannot be loaded is
 * skipped whole, as ON_ERROR = SKIP_FILE says, and the history keeps the first error.
 */
import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CatalogObject } from './catalog.ts'
import { contentKeyOf, type FetchedFile, insertFile, recordCopy } from './copy-file.ts'
import { type Core, writing } from './core.ts'
import { noteFirstLoad } from './loaded-files.ts'
import { finishFile, type WaitingFile } from './pipe-files.ts'
import { parseLocation, pipeLocation } from './stage-location.ts'
import { SqlError } from '../sql/statement.ts'
import type { Transaction } from './transaction.ts'

type Pipe = CatalogObject<'pipe'>

/** What came of it: rows loaded, or why not. */
export type LoadOutcome = { readonly rowCount: number } | { readonly error: SqlError }

/** What the knobs have in store for a file; `reload`: it comes once more. */
export type Fate = 'once' | 'reload' | 'fail'

/** `fetched` is null where the object is gone. @throws where the engine itself fails; the file waits on then */
export async function loadFile(
  core: Core,
  pipe: Pipe,
  file: WaitingFile,
  fetched: FetchedFile | null,
  fate: Fate,
): Promise<LoadOutcome> {
  const path = join(core.loadDir, `${randomUUID()}.parquet`)
  try {
    if (!fetched) {
      const url = `s3://${pipeLocation(core.catalog, pipe).bucket}/${file.key}`
      throw new SqlError('091016', '22000', `Remote file '${url}' was not found.`)
    }
    if (fate === 'fail')
      throw new SqlError('100016', '22000', `Error parsing the file '${file.key}', as it was told to.`)
    const { body, modifiedMs } = fetched
    await writeFile(path, body)
    const local = { key: file.key, path, modifiedMs, contentKey: contentKeyOf(body) }
    const rowCount = await writing(core, async (transaction) => {
      const inserted = await insertFile(core, transaction, pipe.definition.copy, local)
      await finishFile(core, transaction, file, fate === 'reload' && !file.again ? 'again' : 'loaded')
      const table = core.catalog.find('table', pipe.definition.copy.table)
      if (table) await noteFirstLoad(core, transaction, table.id)
      await record(core, transaction, pipe, file, { rowCount: inserted, error: null, size: body.length })
      return inserted
    })
    return { rowCount }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    await writing(core, (transaction) => recordFailure(core, transaction, pipe, file, error))
    return { error }
  } finally {
    await rm(path, { force: true })
  }
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
  await recordCopy(core, transaction, {
    tableId: table.id,
    pipe: { id: pipe.id, name: pipe.name, receivedMs: file.receivedMs },
    fileName: file.key.slice(parseLocation(stageUrl).prefix.length),
    stageUrl,
    rowCount,
    size,
    error,
  })
}
