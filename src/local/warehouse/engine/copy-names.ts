/**
 * The names that a COPY refers to, made whole: its table and columns, its stage and its file format.
 */
import { type CopyInto, SqlError } from '../sql/statement.ts'
import { missing } from '../sql/name-resolution.ts'
import type { Standing } from './standing.ts'

/**
 * Takes SELECT and INSERT on the table, as CREATE PIPE documents it; the page of the COPY statement is silent.
 *
 * @throws SqlError where one of them is not there, or may not be used
 */
export function resolveCopy(
  { core, access }: Pick<Standing, 'core' | 'access'>,
  copy: CopyInto,
): { readonly copy: CopyInto; readonly tableId: number } {
  const table = access.existing('table', copy.table, 'SELECT', 'INSERT')
  const stage = access.existing('stage', copy.stage, 'USAGE')
  const { storageIntegration } = stage.definition
  // Whoever may use the stage uses its integration along with it.
  if (!core.catalog.find('integration', [storageIntegration])) throw missing('integration', [storageIntegration])
  const fileFormat = access.existing('file format', copy.fileFormat, 'USAGE')
  for (const column of copy.columns) {
    if (table.definition.columns.some(({ name }) => name === column)) continue
    throw new SqlError('000904', '42000', `SQL compilation error:\ninvalid identifier '${column}'`)
  }
  const whole = { ...copy, table: table.name, stage: stage.name, fileFormat: fileFormat.name }
  return { copy: whole, tableId: table.id }
}
