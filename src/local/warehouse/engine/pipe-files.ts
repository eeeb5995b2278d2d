/**
 * Which files a pipe has taken: each name once, whether it loaded or failed, remembered for 14 days.
 */
import type { Core } from './core.ts'
import { forgetLoadedFiles } from './loaded-files.ts'
import type { Transaction } from './transaction.ts'

/** A file that may be new to a pipe. */
export type FoundFile = { readonly key: string; readonly size: number | null; readonly stagedMs: number }

/** A file that waits to be loaded. */
export type WaitingFile = FoundFile & {
  readonly pipeId: number
  readonly receivedMs: number
  /** it was loaded already and is to come once more */
  readonly again: boolean
}

/** States of a file that waits; `again` is one that the knob `reload` sends twice. */
export const isWaiting = `state IN ('waiting', 'again')`

/** Snowpipe remembers names so long. */
const rememberedMs = 14 * 24 * 3600 * 1000

/** @returns the keys that the pipe had not taken before */
export async function takeFiles(
  core: Core,
  transaction: Transaction,
  pipeId: number,
  files: readonly FoundFile[],
): Promise<readonly string[]> {
  const { rows } = await transaction.write(
    `INSERT INTO _catalog.pipe_files
     SELECT CAST($id AS BIGINT), key, size, staged_ms, CAST($now AS BIGINT), 'waiting', NULL FROM (
       SELECT DISTINCT ON (key) key, size, staged_ms
       FROM (SELECT unnest(CAST(CAST($files AS JSON) AS STRUCT(key VARCHAR, size BIGINT, staged_ms BIGINT)[]), recursive := true))
     ) found
     WHERE NOT EXISTS (
       SELECT 1 FROM _catalog.pipe_files taken WHERE taken.pipe_id = CAST($id AS BIGINT) AND taken.key = found.key
     )
     RETURNING key`,
    {
      id: String(pipeId),
      files: JSON.stringify(files.map(({ key, size, stagedMs }) => ({ key, size, staged_ms: stagedMs }))),
      now: String(core.clock.nowMs()),
    },
  )
  return rows.map(([key]) => key ?? '')
}

export async function waitingFiles(
  transaction: Transaction,
  pipeIds: readonly number[],
  { shuffle, receivedBeforeMs, countMax }: { shuffle: boolean; receivedBeforeMs: number; countMax: number },
): Promise<readonly WaitingFile[]> {
  if (pipeIds.length === 0) return []
  const { rows } = await transaction.read(
    `SELECT pipe_id, key, size, staged_ms, received_ms, state FROM _catalog.pipe_files
     WHERE ${isWaiting} AND pipe_id IN (${pipeIds.join(', ')}) AND received_ms <= CAST($before AS BIGINT)
     ORDER BY ${shuffle ? 'random()' : 'state DESC, received_ms, key'} LIMIT ${String(countMax)}`,
    { before: String(receivedBeforeMs) },
  )
  return rows.map(([pipeId, key, size, stagedMs, receivedMs, state]) => ({
    pipeId: Number(pipeId),
    key: key ?? '',
    size: size === null || size === undefined ? null : Number(size),
    stagedMs: Number(stagedMs),
    receivedMs: Number(receivedMs),
    again: state === 'again',
  }))
}

export async function finishFile(
  core: Core,
  transaction: Transaction,
  { pipeId, key }: WaitingFile,
  state: 'loaded' | 'failed' | 'again',
): Promise<void> {
  await transaction.write(
    `UPDATE _catalog.pipe_files SET state = $state, finished_ms = CAST($now AS BIGINT)
     WHERE pipe_id = CAST($id AS BIGINT) AND key = $key`,
    { state, now: String(core.clock.nowMs()), id: String(pipeId), key },
  )
}

/** Forgets what Snowpipe would have forgotten. */
export async function forgetFiles(core: Core, transaction: Transaction): Promise<void> {
  const before = { before: String(core.clock.nowMs() - rememberedMs) }
  await transaction.write('DELETE FROM _catalog.pipe_files WHERE finished_ms < CAST($before AS BIGINT)', before)
  await forgetLoadedFiles(core, transaction)
  await transaction.write('DELETE FROM _catalog.copy_history WHERE loaded_ms < CAST($before AS BIGINT)', before)
}
