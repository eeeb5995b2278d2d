/**
 * Whether a pipe works: what it needs is there, it is not paused, and a pause has not lasted too long to be simply ended.
 */
import { nameText } from '../sql/name-resolution.ts'
import { SqlError } from '../sql/statement.ts'
import type { CatalogObject, Definitions } from './catalog.ts'
import type { Core } from './core.ts'

type Pipe = CatalogObject<'pipe'>

/** Notifications of a paused pipe are kept so long; after that it is stale. */
export const pausedMsMax = 14 * 24 * 3600 * 1000

/** In the words of SYSTEM$PIPE_STATUS, and as a reason. */
export type PipeLack = { readonly state: string; readonly reason: string }

/** What is missing; null where nothing is. What its owner may not use is hindrances.ts's. */
export function pipeLack(core: Core, { definition }: Pipe): PipeLack | null {
  const { table, stage, fileFormat } = definition.copy
  const lack = (state: string, what: string) => ({ state, reason: `${what} does not exist` })
  if (!core.catalog.find('table', table)) return lack('STOPPED_MISSING_TABLE', `Table '${nameText(table)}'`)
  if (!core.catalog.find('stage', stage)) return lack('STOPPED_STAGE_DROPPED', `Stage '${nameText(stage)}'`)
  if (core.catalog.find('file format', fileFormat)) return null
  return lack('STOPPED_FILE_FORMAT_DROPPED', `File format '${nameText(fileFormat)}'`)
}

/** Of pipes that live on notifications alone. */
function isStalePipe(core: Core, { definition: { autoIngest, paused, pausedMs } }: Pipe): boolean {
  return autoIngest && paused && pausedMs !== null && core.clock.nowMs() > pausedMs + pausedMsMax
}

/** The definition after PIPE_EXECUTION_PAUSED is set. @throws SqlError where a stale pipe is to go on just so */
export function pausedAs(core: Core, pipe: Pipe, paused: boolean, force = false): Definitions['pipe'] {
  const { name, definition } = pipe
  if (paused === definition.paused) return definition
  if (!paused && !force && isStalePipe(core, pipe)) {
    const call = `SYSTEM$PIPE_FORCE_RESUME('${nameText(name)}', 'staleness_check_override')`
    const message = `Pipe ${nameText(name.slice(-1))} cannot be resumed as it was paused for more than 14 days and is stale.`
    // Snowflake documents neither code nor words.
    throw new SqlError('001003', '42000', `SQL compilation error:\n${message} To force it, use ${call}.`)
  }
  return { ...definition, paused, pausedMs: paused ? core.clock.nowMs() : null }
}
