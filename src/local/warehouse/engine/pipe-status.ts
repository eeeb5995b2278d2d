/**
 * SYSTEM$PIPE_STATUS: the members of Snowflake's answer that are really known here, under its names.
 */
import type { CatalogObject } from './catalog.ts'
import { isWaiting } from './pipe-files.ts'
import { pipeHindrance } from './hindrances.ts'
import { pipeLocation } from './stage-location.ts'
import type { Standing } from './standing.ts'

export async function pipeStatus(
  { core, transaction }: Standing,
  pipe: CatalogObject<'pipe'>,
): Promise<Readonly<Record<string, string | number>>> {
  const of = 'FROM _catalog.pipe_files WHERE pipe_id = CAST($id AS BIGINT)'
  const { rows } = await transaction.read(
    `SELECT
      (SELECT count(*) ${of} AND ${isWaiting}),
      (SELECT max(received_ms) ${of}),
      (SELECT max(finished_ms) ${of} AND state IN ('loaded', 'again')),
      (SELECT arg_max(key, finished_ms) ${of} AND state IN ('loaded', 'again')),
      (SELECT arg_min(key, received_ms) ${of} AND ${isWaiting}),
      (SELECT min(received_ms) ${of} AND ${isWaiting}),
      (SELECT max(finished_ms) ${of} AND state = 'failed')`,
    { id: String(pipe.id) },
  )
  const [pending, received, ingested, ingestedKey, oldestKey, oldest, failed] = rows[0] ?? []
  const hindrance = pipeHindrance(core, pipe)
  const { prefix } = pipeLocation(core.catalog, pipe)
  const path = (key: string): string => (key.startsWith(prefix) ? key.slice(prefix.length) : key)
  const time = (ms: string): string => new Date(Number(ms)).toISOString()
  return {
    executionState: pipe.definition.paused ? 'PAUSED' : hindrance === null ? 'RUNNING' : 'STALLED_COMPILATION_ERROR',
    pendingFileCount: Number(pending),
    ...(hindrance === null ? {} : { error: hindrance }),
    ...(received ? { lastReceivedMessageTimestamp: time(received) } : {}),
    ...(ingested ? { lastIngestedTimestamp: time(ingested) } : {}),
    ...(ingestedKey ? { lastIngestedFilePath: path(ingestedKey) } : {}),
    ...(oldestKey ? { oldestPendingFilePath: path(oldestKey) } : {}),
    ...(oldest ? { oldestFileTimestamp: time(oldest) } : {}),
    ...(failed ? { lastPipeErrorTimestamp: time(failed) } : {}),
  }
}
