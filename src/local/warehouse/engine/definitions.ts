/**
 * From a CREATE statement to what the catalogue keeps, and what must be true for it: the names that it refers to exist.
 */
import type { Access } from './access.ts'
import type { Definitions } from './catalog.ts'
import type { Core } from './core.ts'
import type { SessionState } from '../engine.ts'
import { wholeName } from '../sql/name-resolution.ts'
import { checkLocation } from './integrations.ts'
import { openScope } from './session-scope.ts'
import { parseLocation } from './stage-location.ts'
import type { Standing } from './standing.ts'
import { type ColumnDefinition, type ObjectKind, SqlError, type Statement } from '../sql/statement.ts'
import { sequenceColumn } from './row-sequence.ts'
import type { Transaction } from './transaction.ts'
import { translateQuery } from '../sql/translate-query.ts'

export type Create = Extract<Statement, { readonly existing: unknown }>

export function kindOf(statement: Create): ObjectKind {
  return statement.kind.slice('create '.length) as ObjectKind
}

/** @throws SqlError */
export async function definitionOf(
  core: Core,
  access: Access,
  transaction: Transaction,
  state: SessionState,
  statement: Create,
): Promise<Definitions[ObjectKind]> {
  const { comment } = statement
  switch (statement.kind) {
    case 'create database':
    case 'create schema':
    case 'create role':
      return { comment }
    case 'create table':
      return { comment, columns: tableColumns(statement.columns) }
    case 'create view':
      return viewDefinition({ core, access, state, user: '', transaction }, statement)
    case 'create file format':
      return { comment, options: statement.options }
    case 'create stage':
      return stageDefinition(access, statement)
    case 'create pipe':
      return pipeDefinition(access, statement)
    case 'create stream': {
      const table = access.existing('table', statement.table, 'SELECT')
      return { comment, table: table.name, tableId: table.id }
    }
    case 'create integration':
      return { comment, roleArn: statement.roleArn, allowedLocations: statement.allowedLocations }
    case 'create task':
      return taskDefinition(access, statement)
  }
}

function tableColumns(columns: readonly ColumnDefinition[]): Definitions['table']['columns'] {
  const seen = new Set([sequenceColumn])
  return columns.map(({ name, type, nullable, comment, defaultTo }) => {
    // DuckDB does not tell columns apart that differ in capitals alone; Snowflake does, for quoted names.
    if (seen.has(name.toLowerCase())) {
      throw new SqlError('002025', '42S21', `SQL compilation error:\nduplicate column name '${name}'`)
    }
    seen.add(name.toLowerCase())
    if (defaultTo) {
      const what = `DEFAULT of column ${name}`
      throw new SqlError('000002', '0A000', `Unsupported feature: the development warehouse does not know ${what}.`)
    }
    return { name, type, nullable, comment }
  })
}

async function viewDefinition(
  standing: Standing,
  { query, text, comment }: Extract<Create, { kind: 'create view' }>,
): Promise<Definitions['view']> {
  const { state, transaction } = standing
  const scope = openScope(standing, {})
  const { sql, columns } = await translateQuery(query, scope)
  await transaction.read(`SELECT * FROM (${sql}) LIMIT 0`)
  return { comment, query, text, columns, within: { database: state.database, schema: state.schema } }
}

function stageDefinition(
  access: Access,
  { url, storageIntegration, fileFormat, comment }: Extract<Create, { kind: 'create stage' }>,
): Definitions['stage'] {
  parseLocation(url)
  checkLocation(access.existing('integration', [storageIntegration], 'USAGE'), url)
  const format = fileFormat ? access.existing('file format', fileFormat, 'USAGE').name : null
  return { comment, url, storageIntegration, fileFormat: format }
}

function pipeDefinition(
  access: Access,
  { copy, definition, autoIngest, comment }: Extract<Create, { kind: 'create pipe' }>,
): Definitions['pipe'] {
  const table = access.existing('table', copy.table, 'SELECT', 'INSERT')
  const stage = access.existing('stage', copy.stage, 'USAGE')
  const fileFormat = access.existing('file format', copy.fileFormat, 'USAGE')
  for (const column of copy.columns) {
    if (table.definition.columns.some(({ name }) => name === column)) continue
    throw new SqlError('000904', '42000', `SQL compilation error:\ninvalid identifier '${column}'`)
  }
  const columns = copy.columns.length > 0 ? copy.columns : table.definition.columns.map(({ name }) => name)
  if (columns.length !== copy.expressions.length) {
    const found = `expected ${String(columns.length)} but got ${String(copy.expressions.length)}`
    throw new SqlError(
      '002020',
      '21S01',
      `SQL compilation error:\nInsert value list does not match column list ${found}`,
    )
  }
  const whole = { ...copy, columns, table: table.name, stage: stage.name, fileFormat: fileFormat.name }
  return { comment, copy: whole, definition, autoIngest, paused: false }
}

function taskDefinition(access: Access, statement: Extract<Create, { kind: 'create task' }>): Definitions['task'] {
  const { warehouse, managedSize, schedule, everySeconds, suspendAfterFailures, condition, body, definition } =
    statement
  if (warehouse !== null) access.existing('warehouse', [warehouse], 'USAGE')
  const [database = null, schema = null] = wholeName('task', statement.name, access.place)
  const whenStream = statement.whenStream && wholeName('stream', statement.whenStream, { database, schema })
  const { comment } = statement
  const described = {
    comment,
    warehouse,
    managedSize,
    schedule,
    everySeconds,
    suspendAfterFailures,
    condition,
    body,
    definition,
  }
  return { ...described, whenStream, state: 'suspended', resumedMs: null, failures: 0, suspendedReason: null }
}
