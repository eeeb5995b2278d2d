/**
 * The names that a COPY refers to, made whole: its table and columns, its stage and its file format.
 */
import type { SessionState } from '../engine.ts'
import { existing } from '../sql/name-resolution.ts'
import { type CopyInto, SqlError } from '../sql/statement.ts'
import type { Core } from './core.ts'

/** @throws SqlError where one of them is not there */
export function resolveCopy(
  core: Core,
  state: SessionState,
  copy: CopyInto,
): { readonly copy: CopyInto; readonly tableId: number } {
  const table = existing(core.catalog, 'table', copy.table, state)
  const stage = existing(core.catalog, 'stage', copy.stage, state)
  const fileFormat = existing(core.catalog, 'file format', copy.fileFormat, state)
  for (const column of copy.columns) {
    if (table.definition.columns.some(({ name }) => name === column)) continue
    throw new SqlError('000904', '42000', `SQL compilation error:\ninvalid identifier '${column}'`)
  }
  const whole = { ...copy, table: table.name, stage: stage.name, fileFormat: fileFormat.name }
  return { copy: whole, tableId: table.id }
}
