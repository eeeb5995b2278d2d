/**
 * What keeps a pipe or a task from running though it is not paused: what it names is gone, or its owner may not use it.
 * Both run with the rights of the role that owns them, whoever started them.
 */
import { Access } from './access.ts'
import type { CatalogObject } from './catalog.ts'
import type { Core } from './core.ts'
import { type PipeLack, pipeLack } from './pipe-state.ts'
import { nameText } from '../sql/name-resolution.ts'
import { SqlError } from '../sql/statement.ts'

/** In the words of SYSTEM$PIPE_STATUS, and as SHOW PIPES gives the reason; null where nothing is in the way. */
export function pipeHindrance(core: Core, pipe: CatalogObject<'pipe'>): PipeLack | null {
  const { catalog } = core
  const { copy } = pipe.definition
  const [table, stage] = [catalog.find('table', copy.table), catalog.find('stage', copy.stage)]
  const fileFormat = catalog.find('file format', copy.fileFormat)
  if (!table || !stage || !fileFormat) return pipeLack(core, pipe)
  const stalled = (reason: string) => ({ state: 'STALLED_COMPILATION_ERROR', reason })
  const { storageIntegration } = stage.definition
  if (!catalog.find('integration', [storageIntegration])) {
    return stalled(`Integration '${storageIntegration}' does not exist`)
  }
  const owner = new Access(core, pipe.owner, { database: null, schema: null })
  const missing = [
    ...(owner.may(table, 'SELECT', 'INSERT') ? [] : [`table '${nameText(copy.table)}'`]),
    ...(owner.may(stage, 'USAGE') ? [] : [`stage '${nameText(copy.stage)}'`]),
    ...(owner.may(fileFormat, 'USAGE') ? [] : [`file format '${nameText(copy.fileFormat)}'`]),
  ]
  return missing.length === 0
    ? null
    : stalled(`Insufficient privileges of role '${pipe.owner}' on ${missing.join(', ')}`)
}

/** Null where nothing is in the way of a run. */
export function taskHindrance(core: Core, { owner, definition }: CatalogObject<'task'>): SqlError | null {
  const access = new Access(core, owner, { database: null, schema: null })
  const { warehouse } = definition
  const needs = warehouse === null ? (['EXECUTE TASK', 'EXECUTE MANAGED TASK'] as const) : (['EXECUTE TASK'] as const)
  const lacking = needs.find((privilege) => !access.mayOnAccount(privilege))
  if (lacking !== undefined) return refusal(`${lacking} privilege`)
  const compute = warehouse === null ? null : core.catalog.find('warehouse', [warehouse])
  if (warehouse === null || (compute && access.may(compute, 'USAGE'))) return null
  return refusal("USAGE privilege on the task's warehouse")
}

function refusal(what: string): SqlError {
  return new SqlError('091089', '23001', `Cannot execute task, ${what} must be granted to owner role`)
}
