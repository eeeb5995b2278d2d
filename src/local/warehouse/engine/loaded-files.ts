/**
 * What COPY statements have loaded into a table: its load metadata, kept for 64 days. A file is the same one while its
 * path, size and ETag are. What pipes have loaded is not in it, as in Snowflake: theirs is a history of their own.
 */
import type { StagedObject } from '../../../stage/stage.ts'
import type { Core } from './core.ts'
import type { Transaction } from './transaction.ts'

/** A file of a stage, and which content it has. */
export type VersionedFile = {
  readonly key: string
  readonly url: string
  readonly size: number
  readonly modifiedMs: number
  readonly version: string
}

/** Snowflake keeps a table's load metadata so long. */
const keptMs = 64 * 24 * 3600 * 1000

/** A store that tells no ETag has the object's time instead. */
export function versioned(bucket: string, { key, size, lastModified, etag }: StagedObject): VersionedFile {
  const modifiedMs = lastModified.getTime()
  return { key, url: `s3://${bucket}/${key}`, size, modifiedMs, version: etag ?? String(modifiedMs) }
}

export type LoadMetadata = { readonly isLoaded: (file: VersionedFile) => boolean }

export async function loadMetadata(core: Core, transaction: Transaction, tableId: number): Promise<LoadMetadata> {
  const since = core.clock.nowMs() - keptMs
  const { rows } = await transaction.read(
    `SELECT url, size, version FROM _catalog.loaded_files
     WHERE table_id = CAST($id AS BIGINT) AND loaded_ms >= CAST($since AS BIGINT)`,
    { id: String(tableId), since: String(since) },
  )
  const known = new Set(rows.map((row) => JSON.stringify(row)))
  const { rows: firsts } = await transaction.read(
    'SELECT min(first_ms) FROM _catalog.first_loads WHERE table_id = CAST($id AS BIGINT)',
    { id: String(tableId) },
  )
  const first = firsts[0]?.[0] ?? null
  // Nobody can tell any more whether a file was loaded that is as old as that, into a table that is.
  const isForgotten = ({ modifiedMs }: VersionedFile): boolean =>
    first !== null && Number(first) < since && modifiedMs < since
  return {
    isLoaded: (file) => known.has(JSON.stringify([file.url, String(file.size), file.version])) || isForgotten(file),
  }
}

export async function rememberFile(
  core: Core,
  transaction: Transaction,
  tableId: number,
  { url, size, version }: VersionedFile,
): Promise<void> {
  const id = { id: String(tableId), url }
  await transaction.write('DELETE FROM _catalog.loaded_files WHERE table_id = CAST($id AS BIGINT) AND url = $url', id)
  await transaction.write(
    `INSERT INTO _catalog.loaded_files
     VALUES (CAST($id AS BIGINT), $url, CAST($size AS BIGINT), $version, CAST($now AS BIGINT))`,
    { ...id, size: String(size), version, now: String(core.clock.nowMs()) },
  )
}

/** When the first file came into the table, by whatever way. */
export async function noteFirstLoad(core: Core, transaction: Transaction, tableId: number): Promise<void> {
  await transaction.write(
    `INSERT INTO _catalog.first_loads SELECT CAST($id AS BIGINT), CAST($now AS BIGINT)
     WHERE NOT EXISTS (SELECT 1 FROM _catalog.first_loads WHERE table_id = CAST($id AS BIGINT))`,
    { id: String(tableId), now: String(core.clock.nowMs()) },
  )
}

/** A table that is dropped, replaced or truncated has loaded nothing, and no history tells of it. */
export async function forgetTable(transaction: Transaction, tableId: number): Promise<void> {
  for (const table of ['loaded_files', 'first_loads', 'copy_history']) {
    await transaction.write(`DELETE FROM _catalog.${table} WHERE table_id = CAST($id AS BIGINT)`, {
      id: String(tableId),
    })
  }
}

export async function forgetLoadedFiles(core: Core, transaction: Transaction): Promise<void> {
  await transaction.write('DELETE FROM _catalog.loaded_files WHERE loaded_ms < CAST($before AS BIGINT)', {
    before: String(core.clock.nowMs() - keptMs),
  })
}
