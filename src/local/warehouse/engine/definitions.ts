/**
 * From a CREATE statement to what the catalogue keeps, and what must be true for it: the names that it refers to exist.
 */
import type { Definitions } from './catalog.ts'
import { resolveCopy } from './copy-names.ts'
import type { Core } from './core.ts'
import type { SessionState } from '../engine.ts'
import { existing, missing, wholeName } from '../sql/name-resolution.ts'
import { openScope } from './session-scope.ts'
import { parseLocation } from './stage-location.ts'
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
  transaction: Transaction,
  state: SessionState,
  statement: Create,
): Promise<Definitions[ObjectKind]> {
  const { comment } = statement
  switch (statement.kind) {
    case 'create database':
    case 'create schema':
      return { comment }
    case 'create table':
      return { comment, columns: storedColumns(statement.columns) }
    case 'create view':
      return viewDefinition(core, transaction, state, statement)
    case 'create file format':
      return { comment, options: statement.options }
    case 'create stage':
      return stageDefinition(core, state, statement)
    case 'create pipe':
      return pipeDefinition(core, state, statement)
    case 'create stream': {
      const table = existing(core.catalog, 'table', statement.table, state)
      return { comment, table: table.name, tableId: table.id }
    }
    case 'create task':
      return taskDefinition(core, state, statement)
  }
}

async function viewDefinition(
  core: Core,
  transaction: Transaction,
  state: SessionState,
  { query, text, comment }: Extract<Create, { kind: 'create view' }>,
): Promise<Definitions['view']> {
  const scope = openScope({ core, state, user: '', transaction }, {})
  const { sql, columns } = await translateQuery(query, scope)
  await transaction.read(`SELECT * FROM (${sql}) LIMIT 0`)
  return { comment, query, text, columns, within: { database: state.database, schema: state.schema } }
}

function stageDefinition(
  core: Core,
  state: SessionState,
  { url, storageIntegration, fileFormat, comment }: Extract<Create, { kind: 'create stage' }>,
): Definitions['stage'] {
  parseLocation(url)
  if (!core.storageIntegrations.has(storageIntegration)) throw missing('integration', [storageIntegration])
  const format = fileFormat ? existing(core.catalog, 'file format', fileFormat, state).name : null
  return { comment, url, storageIntegration, fileFormat: format }
}

function pipeDefinition(
  core: Core,
  state: SessionState,
  { copy, definition, autoIngest, comment }: Extract<Create, { kind: 'create pipe' }>,
): Definitions['pipe'] {
  const { copy: whole } = resolveCopy(core, state, copy)
  return { comment, copy: whole, definition, autoIngest, paused: false, pausedMs: null }
}

function taskDefinition(
  core: Core,
  state: SessionState,
  statement: Extract<Create, { kind: 'create task' }>,
): Definitions['task'] {
  const { warehouse, managedSize, targetCompletion, schedule, everySeconds, cron, triggerSeconds } = statement
  if (warehouse !== null && !core.warehouses.has(warehouse)) throw missing('warehouse', [warehouse])
  const [database = null, schema = null] = wholeName('task', statement.name, state)
  const whenStream = statement.whenStream && wholeName('stream', statement.whenStream, { database, schema })
  const compute = { warehouse, managedSize, targetCompletion }
  const timing = { schedule, everySeconds, cron, triggerSeconds, whenStream, condition: statement.condition }
  const { comment, suspendAfterFailures, body, definition } = statement
  const described = { comment, ...compute, ...timing, suspendAfterFailures, body, definition }
  return { ...described, state: 'suspended', resumedMs: null, failures: 0, suspendedReason: null }
}
