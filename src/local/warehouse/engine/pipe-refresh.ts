/**
 * ALTER PIPE ... REFRESH: the files of the last seven days under the pipe's location that it never took.
 */
import type { CatalogObject } from './catalog.ts'
import { type Core, writing } from './core.ts'
import type { Result } from '../engine.ts'
import { listing, textType } from './outcome.ts'
import { type FoundFile, takeFiles } from './pipe-files.ts'
import { parseLocation, pipeLocation } from './stage-location.ts'
import { SqlError } from '../sql/statement.ts'
import type { Row } from './store.ts'

/** Snowflake looks no further back. */
const lookBackMs = 7 * 24 * 3600 * 1000

export async function refreshPipe(core: Core, pipe: CatalogObject<'pipe'>, within: string | null): Promise<Result> {
  const { bucket, prefix, stageUrl } = pipeLocation(core.catalog, pipe)
  const found: FoundFile[] = []
  const since = core.clock.nowMs() - lookBackMs
  try {
    for await (const { key, size, lastModified } of core.openBucket(bucket).list(`${prefix}${within ?? ''}`)) {
      if (lastModified.getTime() >= since) found.push({ key, size, stagedMs: lastModified.getTime() })
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new SqlError('091003', '58030', `Failure using stage area. Cause: [${reason}]`, { cause: error })
  }
  const below = parseLocation(stageUrl).prefix.length
  const taken = await writing(core, (transaction) => takeFiles(core, transaction, pipe.id, found))
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
