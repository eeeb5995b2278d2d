/**
 * A scope over a DuckDB in memory, for tests of the translation: tables as they are declared in Snowflake's words, in one
 * schema, and the functions that translated text calls.
 */
import { DuckDBInstance, DuckDBScalarFunction, VARCHAR } from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBDataChunk, Json } from '@duckdb/node-api'
import { quoted } from '../../../../src/local/warehouse/sql/duck-text.ts'
import { parseStatement } from '../../../../src/local/warehouse/sql/parse-statement.ts'
import { readRaised } from '../../../../src/local/warehouse/sql/raised-error.ts'
import type { Column, Scope } from '../../../../src/local/warehouse/sql/scope.ts'
import { duckType } from '../../../../src/local/warehouse/sql/sql-type.ts'
import { SqlError } from '../../../../src/local/warehouse/sql/statement.ts'
import type { Dml, Name } from '../../../../src/local/warehouse/sql/statement.ts'
import { translateDml } from '../../../../src/local/warehouse/sql/translate-dml.ts'
import { translateQuery } from '../../../../src/local/warehouse/sql/translate-query.ts'
import { variantFunctions } from '../../../../src/local/warehouse/sql/variant-functions.ts'

export type TestWarehouse = {
  readonly connection: DuckDBConnection
  readonly scope: Scope
  /** runs CREATE TABLE, ALTER TABLE ... ADD COLUMN, a DML or a query; answers the rows of a query */
  run(sql: string): Promise<readonly (readonly Json[])[]>
  /** names and types of a query's columns */
  columns(sql: string): Promise<readonly Column[]>
  close(): void
}

function register(connection: DuckDBConnection): void {
  for (const { name, parameterCount, run } of variantFunctions) {
    const mainFunction = (
      _info: unknown,
      input: DuckDBDataChunk,
      output: { setItem(row: number, value: string | null): void; flush(): void },
    ) => {
      const vectors = Array.from({ length: parameterCount }, (_, i) => input.getColumnVector(i))
      for (let row = 0; row < input.rowCount; row += 1) {
        output.setItem(row, run(...vectors.map((vector) => vector.getItem(row) as string | null)))
      }
      output.flush()
    }
    const parameterTypes = Array.from({ length: parameterCount }, () => VARCHAR)
    connection.registerScalarFunction(
      DuckDBScalarFunction.create({ name, mainFunction, returnType: VARCHAR, parameterTypes, specialHandling: true }),
    )
  }
}

const missing = (name: Name) => new SqlError('002003', '02000', `Object '${name.join('.')}' does not exist.`)

function scopeOf(tables: ReadonlyMap<string, readonly Column[]>): Scope {
  const find = (name: Name) => {
    const columns = tables.get(name.at(-1) ?? '')
    if (columns === undefined) throw missing(name)
    return { table: quoted(name.at(-1) ?? ''), columns }
  }
  return {
    relation: (name) => {
      const { table, columns } = find(name)
      return { sql: `(SELECT ${columns.map((column) => quoted(column.name)).join(', ')} FROM ${table})`, columns }
    },
    target: find,
    systemFunction: (name, args) => {
      if (name === 'SYSTEM$STREAM_HAS_DATA') return { sql: String(args[0] === 'S'), type: { kind: 'boolean' } }
      throw missing([name])
    },
    tableFunction: (name, args) => {
      const [first] = Object.values(args)
      if (first === undefined) throw missing(name)
      return {
        sql: `(SELECT ${first.sql} AS "ARGUMENT")`,
        columns: [{ name: 'ARGUMENT', type: { kind: 'varchar', length: 10 } }],
      }
    },
    bind: (name) => ({ sql: `'${name}'`, type: { kind: 'varchar', length: 10 }, constant: name }),
  }
}

export async function openTestWarehouse(): Promise<TestWarehouse> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  register(connection)
  const tables = new Map<string, readonly Column[]>()
  const scope = scopeOf(tables)
  const rows = async (sql: string) => {
    try {
      return (await connection.runAndReadAll(sql)).getRowsJson()
    } catch (error) {
      throw error instanceof Error ? (readRaised(error.message, error) ?? error) : error
    }
  }
  const run = async (sql: string) => {
    const statement = parseStatement(sql)
    if (statement.kind === 'create table') {
      const name = statement.name.at(-1) ?? ''
      tables.set(name, statement.columns)
      const list = statement.columns.map((column) => `${quoted(column.name)} ${duckType(column.type)}`)
      return rows(`CREATE TABLE ${quoted(name)} (${list.join(', ')})`)
    }
    if (statement.kind === 'alter table add') {
      const name = statement.name.at(-1) ?? ''
      const added = statement.columns.map(({ column }) => column)
      tables.set(name, [...(tables.get(name) ?? []), ...added])
      for (const { name: column, type } of added) {
        await rows(`ALTER TABLE ${quoted(name)} ADD COLUMN ${quoted(column)} ${duckType(type)}`)
      }
      return []
    }
    if (statement.kind === 'select') return rows((await translateQuery(statement.query, scope)).sql)
    const dml = ['insert', 'update', 'delete', 'truncate', 'merge']
    if (!dml.includes(statement.kind)) throw new Error(`${statement.kind} has no place in this test`)
    const translated = await translateDml(statement as Dml, scope)
    if (translated.check !== null && (await rows(translated.check)).length > 0) {
      throw new SqlError('100090', '42P18', 'Duplicate row detected during DML action')
    }
    return rows(translated.sql)
  }
  const columns = async (sql: string) => {
    const statement = parseStatement(sql)
    if (statement.kind !== 'select') throw new Error('not a query')
    return (await translateQuery(statement.query, scope)).columns
  }
  const close = () => {
    connection.closeSync()
    instance.closeSync()
  }
  return { connection, scope, run, columns, close }
}
