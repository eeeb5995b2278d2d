/**
 * COPY INTO as a statement: which files it loads, what becomes of a bad one, and what it answers. All files of a statement
 * go in with one transaction; without SKIP_FILE one bad file keeps all of them out.
 */
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Result } from '../engine.ts'
import { constant } from '../sql/duck-text.ts'
import { type CopyInto, SqlError, type SqlType, type Statement } from '../sql/statement.ts'
import { contentKeyOf, insertFile, type LocalFile, recordCopy } from './copy-file.ts'
import { resolveCopy } from './copy-names.ts'
import type { Core } from './core.ts'
import {
  type LoadMetadata,
  loadMetadata,
  noteFirstLoad,
  rememberFile,
  type VersionedFile,
  versioned,
} from './loaded-files.ts'
import { listing, textType } from './outcome.ts'
import { copyLocation, type CopyLocation, parseLocation, stageFailure } from './stage-location.ts'
import type { Standing } from './standing.ts'
import type { Row } from './store.ts'
import type { Transaction } from './transaction.ts'

type Copy = Extract<Statement, { kind: 'copy' }>

/** Looked at, or fetched, at once. */
const filesAtOnce = 8

export async function executeCopy(standing: Standing, statement: Copy): Promise<Result> {
  const { core, transaction } = standing
  const { copy, tableId } = resolveCopy(standing, statement.copy)
  const location = copyLocation(core.catalog, copy)
  const { found, missing } = await findFiles(core, location, statement.files)
  const [first] = missing
  if (first !== undefined && !statement.skipFile) throw notFound(first)
  const none: LoadMetadata = { isLoaded: () => false }
  const metadata = async (): Promise<LoadMetadata> =>
    statement.force ? none : await loadMetadata(core, transaction, tableId)
  const before = await metadata()
  // Fetched before any other writer has to wait for it.
  const local = await fetchAll(
    core,
    transaction,
    location.bucket,
    found.filter((file) => !before.isLoaded(file)),
  )
  const rows = await transaction.whole(async () => {
    await transaction.prepareToWrite()
    const now = await metadata()
    const answers: Row[] = []
    for (const file of found) {
      const there = now.isLoaded(file) ? null : (local.get(file.key) ?? null)
      if (there)
        answers.push(await loadOne(standing, { copy, tableId, skipFile: statement.skipFile, location }, file, there))
      else if (statement.files) answers.push(answerOf(file.url, 'LOAD_SKIPPED', 0, 0, 'File was loaded before.'))
    }
    return answers
  })
  return answer([...rows, ...missing.map((url) => answerOf(url, 'LOAD_FAILED', 0, 0, notFound(url).message))])
}

/** FILES names each one below the path; without it all count that the path is a prefix of. */
async function findFiles(
  core: Core,
  { bucket, prefix }: CopyLocation,
  names: readonly string[] | null,
): Promise<{ readonly found: readonly VersionedFile[]; readonly missing: readonly string[] }> {
  const stage = core.openBucket(bucket)
  const found: VersionedFile[] = []
  const missing: string[] = []
  try {
    if (names === null) {
      for await (const object of stage.list(prefix)) found.push(versioned(bucket, object))
      return { found, missing }
    }
    const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`
    const heads = await inTurns(names, async (name) => await stage.head(`${folder}${name}`))
    for (const [index, head] of heads.entries()) {
      if (head) found.push(versioned(bucket, head))
      else missing.push(`s3://${bucket}/${folder}${names[index] ?? ''}`)
    }
    return { found, missing }
  } catch (error) {
    throw stageFailure(error)
  }
}

/** Files beside the store, by key; they stay until the transaction ends, which may have to read them again. */
async function fetchAll(
  core: Core,
  transaction: Transaction,
  bucket: string,
  files: readonly VersionedFile[],
): Promise<ReadonlyMap<string, LocalFile | 'gone'>> {
  const stage = core.openBucket(bucket)
  const fetched = await inTurns(files, async ({ key, modifiedMs }) => {
    const body = await stage.get(key).catch((error: unknown) => {
      throw stageFailure(error)
    })
    if (!body) return [key, 'gone'] as const
    const path = join(core.loadDir, `${randomUUID()}.parquet`)
    transaction.atEnd(() => {
      rmSync(path, { force: true })
    })
    await writeFile(path, body)
    return [key, { key, path, modifiedMs, contentKey: contentKeyOf(body) }] as const
  })
  return new Map<string, LocalFile | 'gone'>(fetched)
}

type Into = {
  readonly copy: CopyInto
  readonly tableId: number
  readonly skipFile: boolean
  readonly location: CopyLocation
}

async function loadOne(
  { core, transaction }: Standing,
  { copy, tableId, skipFile, location: { stageUrl } }: Into,
  file: VersionedFile,
  local: LocalFile | 'gone',
): Promise<Row> {
  const fileName = file.key.slice(parseLocation(stageUrl).prefix.length)
  const about = { tableId, pipe: null, fileName, stageUrl, size: file.size }
  let parsed = 0
  try {
    if (local === 'gone') throw notFound(file.url)
    const { rows } = await transaction.read(`SELECT count(*) FROM read_parquet(${constant(local.path)})`)
    parsed = Number(rows[0]?.[0])
    const rowCount = await insertFile(core, transaction, copy, local)
    await rememberFile(core, transaction, tableId, file)
    await noteFirstLoad(core, transaction, tableId)
    await recordCopy(core, transaction, { ...about, rowCount, error: null })
    return answerOf(file.url, 'LOADED', parsed, rowCount, null)
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    if (!skipFile)
      throw new SqlError(error.code, error.sqlState, `${error.message}\n  File '${file.url}'`, { cause: error })
    await recordCopy(core, transaction, { ...about, rowCount: 0, error: error.message })
    return answerOf(file.url, 'LOAD_FAILED', parsed, 0, error.message)
  }
}

function notFound(url: string): SqlError {
  return new SqlError('091016', '22000', `Remote file '${url}' was not found.`)
}

const countType: SqlType = { kind: 'number', precision: 18, scale: 0 }

const columns: readonly (readonly [string, SqlType])[] = [
  ['file', textType],
  ['status', textType],
  ['rows_parsed', countType],
  ['rows_loaded', countType],
  ['error_limit', countType],
  ['errors_seen', countType],
  ['first_error', textType],
  ['first_error_line', countType],
  ['first_error_character', countType],
  ['first_error_column_name', textType],
]

/** Which row is at fault, and how many are, is not known here: the first error ends the file. */
function answerOf(url: string, status: string, parsed: number, loaded: number, error: string | null): Row {
  const seen = status === 'LOAD_FAILED' ? '1' : '0'
  return [url, status, String(parsed), String(loaded), '1', seen, error, null, null, null]
}

function answer(rows: readonly Row[]): Result {
  if (rows.length > 0) return listing('select', columns, rows)
  return listing('select', [['status', textType]], [['Copy executed with 0 files processed.']])
}

/** The results in the order of the items, so many at once. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += filesAtOnce) {
    results.push(...(await Promise.all(items.slice(start, start + filesAtOnce).map(work))))
  }
  return results
}
