/**
 * SYSTEM$PIPE_STATUS: the members of Snowflake's answer that are really known here, under its names; and
 * SYSTEM$PIPE_FORCE_RESUME.
 */
import type { CatalogObject } from './catalog.ts'
import { isWaiting } from './pipe-files.ts'
import { pipeHindrance } from './hindrances.ts'
import { pausedAs, pausedMsMax } from './pipe-state.ts'
import { SqlError } from '../sql/statement.ts'
import { pipeLocation } from './stage-location.ts'
import type { Standing } from './standing.ts'

export async function pipeStatus(
  { core, transaction }: Standing,
  pipe: CatalogObject<'pipe'>,
): Promise<Readonly<Record<string, string | number>>> {
  const of = 'FROM _catalog.pipe_files WHERE pipe_id = CAST($id AS BIGINT)'
  const { autoIngest, paused } = pipe.definition
  // What a paused pipe was told longer ago is lost.
  const since = paused ? core.clock.nowMs() - pausedMsMax : 0
  const waiting = `${of} AND ${isWaiting} AND received_ms >= CAST($since AS BIGINT)`
  const { rows } = await transaction.read(
    `SELECT
      (SELECT count(*) ${waiting}),
      (SELECT max(received_ms) FROM _catalog.event_positions),
      (SELECT max(finished_ms) ${of} AND state IN ('loaded', 'again')),
      (SELECT arg_max(key, finished_ms) ${of} AND state IN ('loaded', 'again')),
      (SELECT arg_min(key, received_ms) ${waiting}),
      (SELECT min(received_ms) ${waiting})`,
    { id: String(pipe.id), since: String(since) },
  )
  const [pending, received, ingested, ingestedKey, oldestKey, oldest] = rows[0] ?? []
  const hindrance = pipeHindrance(core, pipe)
  const stage = core.catalog.find('stage', pipe.definition.copy.stage)
  const prefix = stage ? pipeLocation(core.catalog, pipe).prefix : ''
  const path = (key: string): string => (key.startsWith(prefix) ? key.slice(prefix.length) : key)
  const time = (ms: string): string => new Date(Number(ms)).toISOString()
  const channel = autoIngest ? core.notificationChannel : null
  return {
    executionState: paused ? 'PAUSED' : (hindrance?.state ?? 'RUNNING'),
    pendingFileCount: Number(pending),
    ...(hindrance === null ? {} : { error: hindrance.reason }),
    ...(channel === null ? {} : { notificationChannelName: channel }),
    ...(channel !== null && received ? { lastReceivedMessageTimestamp: time(received) } : {}),
    ...(ingested ? { lastIngestedTimestamp: time(ingested) } : {}),
    ...(ingestedKey ? { lastIngestedFilePath: path(ingestedKey) } : {}),
    ...(oldestKey ? { oldestPendingFilePath: path(oldestKey) } : {}),
    ...(oldest ? { oldestFileTimestamp: time(oldest) } : {}),
  }
}

/**
 * SYSTEM$PIPE_FORCE_RESUME: a stale pipe goes on only where the caller says that it knows; what the pipe was told more than
 * 14 days ago is lost then.
 */
export async function forceResume(
  { core, transaction }: Standing,
  pipe: CatalogObject<'pipe'>,
  options: string,
): Promise<void> {
  const given = options.split(',').map((option) => option.trim().toUpperCase())
  const unknown = given.find((option) => option !== '' && option !== 'STALENESS_CHECK_OVERRIDE')
  if (unknown !== undefined) {
    const message = `The development warehouse does not know the option ${unknown} of SYSTEM$PIPE_FORCE_RESUME.`
    throw new SqlError('001003', '42000', `SQL compilation error:\n${message}`)
  }
  const resumed = pausedAs(core, pipe, false, given.includes('STALENESS_CHECK_OVERRIDE'))
  await transaction.write(
    `DELETE FROM _catalog.pipe_files
     WHERE pipe_id = CAST($id AS BIGINT) AND ${isWaiting} AND received_ms < CAST($before AS BIGINT)`,
    { id: String(pipe.id), before: String(core.clock.nowMs() - pausedMsMax) },
  )
  await core.catalog.change(transaction, pipe, resumed)
  transaction.afterCommit(() => {
    core.wakePipes()
  })
}
