/**
 * INFORMATION_SCHEMA of a database: its views TABLES and SCHEMATA, with those of the documented columns that every database
 * has use for. What the development warehouse has no notion of is NULL, never made up. Which objects a role may know of is access.ts's.
 */
import type { CatalogObject } from './catalog.ts'
import type { Relation } from '../sql/scope.ts'
import type { Standing } from './standing.ts'
import { constant, quoted } from '../sql/duck-text.ts'
import { duckType } from '../sql/sql-type.ts'
import { type Name, SqlError, type SqlType } from '../sql/statement.ts'
import { textType, timeType } from './outcome.ts'
import { wholeName } from '../sql/name-resolution.ts'
import { duckTable, timeOf } from './store-text.ts'

const countType: SqlType = { kind: 'number', precision: 38, scale: 0 }

/** A column, its type, and its DuckDB expression for an object; null: known to Snowflake, not to the development warehouse. */
type Column<T> = readonly [name: string, type: SqlType, sql: ((object: T) => string) | null]
type Listed = CatalogObject<'table'> | CatalogObject<'view'>

const part = (index: number) => (object: CatalogObject) => constant(object.name[index] ?? '')
const created = (object: CatalogObject): string => timeOf(`${String(object.createdMs)}::BIGINT`)
const owner = (object: CatalogObject): string => constant(object.owner)
const comment = ({ definition }: CatalogObject): string =>
  definition.comment === null ? 'NULL' : constant(definition.comment)

/** sql-reference/info-schema/tables */
const tableColumns: readonly Column<Listed>[] = [
  ['TABLE_CATALOG', textType, part(0)],
  ['TABLE_SCHEMA', textType, part(1)],
  ['TABLE_NAME', textType, part(2)],
  ['TABLE_OWNER', textType, owner],
  ['TABLE_TYPE', textType, ({ kind }) => (kind === 'table' ? `'BASE TABLE'` : `'VIEW'`)],
  ['ROW_COUNT', countType, ({ kind, id }) => (kind === 'table' ? `(SELECT count(*) FROM ${duckTable(id)})` : 'NULL')],
  ['BYTES', countType, null],
  ['CREATED', timeType, created],
  ['LAST_ALTERED', timeType, null],
  ['COMMENT', textType, comment],
]

/** sql-reference/info-schema/schemata */
const schemaColumns: readonly Column<CatalogObject<'schema'>>[] = [
  ['CATALOG_NAME', textType, part(0)],
  ['SCHEMA_NAME', textType, part(1)],
  ['SCHEMA_OWNER', textType, owner],
  ['CREATED', timeType, created],
  ['LAST_ALTERED', timeType, null],
  ['COMMENT', textType, comment],
]

/** Null where the name is not one of INFORMATION_SCHEMA. @throws SqlError 000002 for a view that is not known here */
export function informationRelation({ core, access }: Standing, name: Name): Relation | null {
  if (name.at(-2) !== 'INFORMATION_SCHEMA') return null
  const [given = ''] = name.length === 3 ? name : wholeName('schema', ['INFORMATION_SCHEMA'], access.place)
  const [database = ''] = access.existing('database', [given], 'USAGE').name
  const shown = <T extends CatalogObject>(objects: readonly T[]): readonly T[] =>
    objects.filter((object) => object.name[0] === database && access.knows(object))
  const view = name.at(-1) ?? ''
  if (view === 'TABLES') {
    return relationOf<Listed>(tableColumns, [...shown(core.catalog.list('table')), ...shown(core.catalog.list('view'))])
  }
  if (view === 'SCHEMATA') return relationOf(schemaColumns, shown(core.catalog.list('schema')))
  throw new SqlError(
    '000002',
    '0A000',
    `Unsupported feature 'INFORMATION_SCHEMA.${view}': the development warehouse knows TABLES and SCHEMATA.`,
  )
}

function relationOf<T>(columns: readonly Column<T>[], objects: readonly T[]): Relation {
  const row = (object: T | null): string => {
    const cells = columns.map(([name, type, sql]) => {
      return `CAST(${sql && object !== null ? sql(object) : 'NULL'} AS ${duckType(type)}) AS ${quoted(name)}`
    })
    return `SELECT ${cells.join(', ')}`
  }
  const sql = objects.length === 0 ? `(${row(null)} WHERE FALSE)` : `(${objects.map(row).join(' UNION ALL ')})`
  return { sql, columns: columns.map(([name, type]) => ({ name, type })) }
}
