/**
 * From a CREATE statement to what the catalogue keeps, and what must be true for it: the names that it refers to exist.
 */
import type { Access } from './access.ts'
import type { Definitions } from './catalog.ts'
import { resolveCopy } from './copy-names.ts'
import type { Core } from './core.ts'
import type { SessionState } from '../engine.ts'
import { wholeName } from '../sql/name-resolution.ts'
import { checkLocation } from './integrations.ts'
import { openScope } from './session-scope.ts'
import { parseLocation } from './stage-location.ts'
import type { Standing } from './standing.ts'
import type { ObjectKind, Statement } from '../sql/statement.ts'
import { storedColumns } from './table-columns.ts'
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
      return { comment, columns: storedColumns(statement.columns) }
    case 'create view':
      return viewDefinition({ core, access, state, user: '', transaction }, statement)
    case 'create file format':
      return { comment, options: statement.options }
    case 'create stage':
      return stageDefinition(access, statement)
    case 'create pipe':
      return pipeDefinition(core, access, statement)
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
  core: Core,
  access: Access,
  { copy, definition, autoIngest, comment }: Extract<Create, { kind: 'create pipe' }>,
): Definitions['pipe'] {
  const { copy: whole } = resolveCopy({ core, access }, copy)
  return { comment, copy: whole, definition, autoIngest, paused: false, pausedMs: null }
}

function taskDefinition(access: Access, statement: Extract<Create, { kind: 'create task' }>): Definitions['task'] {
  const { warehouse, managedSize, targetCompletion, schedule, everySeconds, cron, triggerSeconds } = statement
  if (warehouse !== null) access.existing('warehouse', [warehouse], 'USAGE')
  const [database = null, schema = null] = wholeName('task', statement.name, access.place)
  const whenStream = statement.whenStream && wholeName('stream', statement.whenStream, { database, schema })
  const compute = { warehouse, managedSize, targetCompletion }
  const timing = { schedule, everySeconds, cron, triggerSeconds, whenStream, condition: statement.condition }
  const { comment, suspendAfterFailures, body, definition } = statement
  const described = { comment, ...compute, ...timing, suspendAfterFailures, body, definition }
  return { ...described, state: 'suspended', resumedMs: null, failures: 0, suspendedReason: null }
}
