/**
 * ALTER PIPE ... REFRESH: the files of the last seven days under the pipe's location that it never took.
 */
import type { CatalogObject } from './catalog.ts'
import { type Core, writing } from './core.ts'
import type { Result } from '../engine.ts'
import { listing, textType } from './outcome.ts'
import { loadMetadata, type VersionedFile, versioned } from './loaded-files.ts'
import { takeFiles } from './pipe-files.ts'
import { parseLocation, pipeLocation, stageFailure } from './stage-location.ts'
import type { Row } from './store.ts'
import { missing } from '../sql/name-resolution.ts'
import type { Statement } from '../sql/statement.ts'

/** Snowflake looks no further back. */
const lookBackMs = 7 * 24 * 3600 * 1000

export type Refresh = Pick<
  Extract<Statement, { kind: 'alter pipe refresh' }>,
  /** below the pipe's path */
  | 'prefix'
  /** looks no further back than that */
  | 'modifiedAfterMs'
>

/** Neither what the pipe has taken counts, nor what a COPY statement has loaded into its table. */
export async function refreshPipe(
  core: Core,
  pipe: CatalogObject<'pipe'>,
  { prefix: within, modifiedAfterMs }: Refresh,
): Promise<Result> {
  const { bucket, prefix, stageUrl } = pipeLocation(core.catalog, pipe)
  const table = core.catalog.find('table', pipe.definition.copy.table)
  if (!table) throw missing('table', pipe.definition.copy.table)
  const found: VersionedFile[] = []
  const since = Math.max(core.clock.nowMs() - lookBackMs, modifiedAfterMs ?? 0)
  try {
    for await (const object of core.openBucket(bucket).list(`${prefix}${within ?? ''}`)) {
      if (object.lastModified.getTime() >= since) found.push(versioned(bucket, object))
    }
  } catch (error) {
    throw stageFailure(error)
  }
  const below = parseLocation(stageUrl).prefix.length
  const taken = await writing(core, async (transaction) => {
    const { isLoaded } = await loadMetadata(core, transaction, table.id)
    const fresh = found.filter((file) => !isLoaded(file))
    const files = fresh.map(({ key, size, modifiedMs }) => ({ key, size, stagedMs: modifiedMs }))
    return takeFiles(core, transaction, pipe.id, files)
  })
  const rows = taken.map((key): Row => [key.slice(below), 'SENT'])
  return listing(
    'select',
    [
      ['File', textType],
      ['Status', textType],
    ],
    rows,
  )
}
