/**
 * The columns of a table: what CREATE TABLE and ALTER TABLE ... ADD COLUMN make of them in the catalogue and in the store.
 * The hidden column that counts rows is among those of the store alone.
 */
import type { Access } from './access.ts'
import type { CatalogObject, StoredColumn } from './catalog.ts'
import { type Core, writing } from './core.ts'
import type { Result, SessionState } from '../engine.ts'
import { assign } from '../sql/conversion.ts'
import { Cursor } from '../sql/cursor.ts'
import { constant, quoted } from '../sql/duck-text.ts'
import { emptyEnvironment } from '../sql/environment.ts'
import type { Expression } from '../sql/expression.ts'
import { nameText } from '../sql/name-resolution.ts'
import { parseExpression } from '../sql/parse-expression.ts'
import { duckType } from '../sql/sql-type.ts'
import { type ColumnDefinition, SqlError, type Statement } from '../sql/statement.ts'
import { translate } from '../sql/translate-expression.ts'
import { done } from './outcome.ts'
import { sequenceColumn } from './row-sequence.ts'
import { openScope } from './session-scope.ts'
import type { Standing } from './standing.ts'
import { duckTable } from './store-text.ts'
import type { Transaction } from './transaction.ts'

/** How the catalogue keeps the columns. @throws SqlError 002025 where two have one name */
export function storedColumns(
  columns: readonly ColumnDefinition[],
  present: readonly StoredColumn[] = [],
): readonly StoredColumn[] {
  const seen = new Set([sequenceColumn, ...present.map(({ name }) => name.toLowerCase())])
  return columns.map(({ name, type, nullable, comment, defaultTo }) => {
    // DuckDB does not tell columns apart that differ in capitals alone; Snowflake does, for quoted names.
    if (seen.has(name.toLowerCase())) {
      throw new SqlError('002025', '42S21', `SQL compilation error:\nduplicate column name '${name}'`)
    }
    seen.add(name.toLowerCase())
    const text = defaultTo ? { defaultText: new Cursor(defaultTo).textOf(0, defaultTo.length) } : {}
    return { name, type, nullable, comment, ...text }
  })
}

export type DuckColumn = { readonly sql: string; readonly hasDefault: boolean }

/** Columns as CREATE TABLE and ALTER TABLE of the store take them. */
export async function duckColumns(
  standing: Standing,
  columns: readonly ColumnDefinition[],
): Promise<readonly DuckColumn[]> {
  const parts: DuckColumn[] = []
  for (const column of columns) {
    const fallback = await defaultOf(standing, column)
    const clause = fallback === null ? '' : ` DEFAULT ${fallback}`
    const sql = `${quoted(column.name)} ${duckType(column.type)}${clause}${column.nullable ? '' : ' NOT NULL'}`
    parts.push({ sql, hasDefault: fallback !== null })
  }
  return parts
}

/** The value of DEFAULT as a constant of the store; null where there is none. @throws SqlError where it is no constant */
async function defaultOf(standing: Standing, column: ColumnDefinition): Promise<string | null> {
  if (!column.defaultTo) return null
  const expression = parseExpression(new Cursor(column.defaultTo))
  if (!isConstant(expression)) {
    const what = `a DEFAULT of column ${column.name} that is no constant`
    throw new SqlError('000002', '0A000', `Unsupported feature: the development warehouse does not know ${what}.`)
  }
  const value = assign(await translate(expression, emptyEnvironment(openScope(standing, {}))), column)
  const { rows } = await standing.transaction.read(`SELECT CAST(${value} AS VARCHAR)`)
  const text = rows[0]?.[0] ?? null
  return text === null ? null : `CAST(${constant(text)} AS ${duckType(column.type)})`
}

function isConstant(expression: Expression): boolean {
  if (expression.kind === 'cast' || expression.kind === 'minus') return isConstant(expression.operand)
  return ['string', 'number', 'boolean', 'null'].includes(expression.kind)
}

/** ALTER TABLE ... ADD COLUMN: the table stays the same object, so that its streams, views and pipes go on. */
export function addColumns(
  core: Core,
  access: Access,
  state: SessionState,
  { name, ifExists, columns }: Extract<Statement, { kind: 'alter table add' }>,
): Promise<Result> {
  return writing(core, async (transaction) => {
    if (ifExists && !access.find('table', name)) return done
    const table = access.existing('table', name, 'OWNERSHIP')
    const there = (column: string): boolean => table.definition.columns.some((one) => one.name === column)
    const taken = columns.find(({ column, keep }) => !keep && there(column.name))
    if (taken) {
      throw new SqlError('001430', '42601', `SQL compilation error:\ncolumn '${taken.column.name}' already exists`)
    }
    const added = columns.map(({ column }) => column).filter((column) => !there(column.name))
    if (added.length === 0) return done
    const stored = storedColumns(added, table.definition.columns)
    const standing = { core, access, state, user: '', transaction }
    await addToStore(transaction, table, added, await duckColumns(standing, added))
    const definition = { ...table.definition, columns: [...table.definition.columns, ...stored] }
    await core.catalog.change(transaction, table, definition)
    return done
  })
}

async function addToStore(
  transaction: Transaction,
  table: CatalogObject<'table'>,
  added: readonly ColumnDefinition[],
  duck: readonly DuckColumn[],
): Promise<void> {
  const name = duckTable(table.id)
  const bare = added.find(({ nullable }, index) => !nullable && duck[index]?.hasDefault !== true)
  if (bare && (await transaction.read(`SELECT 1 FROM ${name} LIMIT 1`)).rows.length > 0) {
    const message = `Non-nullable column '${bare.name}' cannot be added to non-empty table '${nameText(table.name.slice(-1))}'`
    // The words are Snowflake's; its code is not known.
    throw new SqlError('001003', '42000', `SQL compilation error: ${message} unless it has a non-null default value.`)
  }
  await rebuild(transaction, name, duck)
}

/**
 * The rows move to a new table, each with its number. DuckDB adds no NOT NULL column; and what it adds to a table with a
 * sequence as default it cannot read back from its log after a kill.
 */
async function rebuild(transaction: Transaction, name: string, duck: readonly DuckColumn[]): Promise<void> {
  const { rows } = await transaction.read(
    `SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns
     WHERE table_schema || '.' || table_name = $name ORDER BY ordinal_position`,
    { name },
  )
  const columns = rows.map(([column, type, nullable, fallback]) => {
    const clause = fallback === null || fallback === undefined ? '' : ` DEFAULT ${fallback}`
    return `${quoted(column ?? '')} ${type ?? ''}${clause}${nullable === 'NO' ? ' NOT NULL' : ''}`
  })
  const list = rows.map(([column]) => quoted(column ?? '')).join(', ')
  const short = name.slice(name.indexOf('.') + 1)
  await transaction.write(`CREATE TABLE ${name}_wider (${[...columns, ...duck.map(({ sql }) => sql)].join(', ')})`)
  await transaction.write(`INSERT INTO ${name}_wider (${list}) SELECT ${list} FROM ${name}`)
  await transaction.write(`DROP TABLE ${name}`)
  await transaction.write(`ALTER TABLE ${name}_wider RENAME TO ${short}`)
}
