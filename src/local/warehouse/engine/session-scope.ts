/**
 * What a translation may know: the catalogue as one statement of one session sees it, inside its transaction.
 * Remembers which streams the statement reads, for the session to advance them.
 */
import type { Access } from './access.ts'
import { translateQuery } from '../sql/translate-query.ts'
import type { CatalogObject } from './catalog.ts'
import { quoted } from '../sql/duck-text.ts'
import { duckTable } from './store-text.ts'
import type { Bind } from '../engine.ts'
import { historyRelation } from './history-functions.ts'
import { informationRelation } from './information-schema.ts'
import { missing, nameText } from '../sql/name-resolution.ts'
import type { Relation, Scope, Target, TargetPrivilege, Typed } from '../sql/scope.ts'
import { type Name, SqlError, type SqlType } from '../sql/statement.ts'
import { streamRelation } from './streams.ts'
import { type Standing, streamTable } from './standing.ts'
import { systemFunction } from './system-functions.ts'
import type { Cell } from './store.ts'

export type SessionScope = Scope & {
  /** values of the binds that the translation used */
  readonly parameters: Record<string, Cell>
  /** ids of the streams that it reads */
  readonly streams: Set<number>
}

/** A view that leads back to itself has no end. */
const viewDepthMax = 32

export function openScope(standing: Standing, binds: Readonly<Record<string, Bind>>): SessionScope {
  const parameters: Record<string, Cell> = {}
  const streams = new Set<number>()
  return { ...scopeAt(standing, binds, { parameters, streams }, 0), parameters, streams }
}

type Found = { readonly parameters: Record<string, Cell>; readonly streams: Set<number> }

function scopeAt(standing: Standing, binds: Readonly<Record<string, Bind>>, found: Found, depth: number): Scope {
  const { access } = standing
  const scope: Scope = {
    relation: async (name) => {
      const information = informationRelation(standing, name)
      if (information) return information
      const object = access.relation(name, 'SELECT')
      if (object.kind === 'table') return tableRelation(object.id, object.definition.columns)
      if (object.kind === 'stream') return readStream(standing, found, object.name)
      if (depth >= viewDepthMax)
        throw new SqlError('002003', '02000', `View ${nameText(object.name)} refers to itself.`)
      const asOwner = { ...standing, access: access.as(object.owner, object.definition.within) }
      const inner = scopeAt(asOwner, {}, found, depth + 1)
      const { sql, columns } = await translateQuery(object.definition.query, inner)
      checkColumns(object, columns.length)
      return { sql: `(${sql})`, columns }
    },
    target: (name, needs) => targetOf(access, name, needs),
    systemFunction: (name, args) => systemFunction(standing, name, args),
    tableFunction: (name, args) => historyRelation(standing, name, args, found.parameters),
    bind: (name) => bindOf(name, binds, found.parameters),
  }
  return scope
}

/** `SELECT *` means what the table had when the view was made; Snowflake refuses the view once it has more. */
function checkColumns({ name, definition }: CatalogObject<'view'>, found: number): void {
  const declared = definition.columns.length
  if (found === declared) return
  const message = `View definition for '${nameText(name)}' declared ${String(declared)} column(s), but view query produces ${String(found)} column(s).`
  throw new SqlError('002057', '42601', `SQL compilation error:\n${message}`)
}

function tableRelation(tableId: number, columns: Relation['columns']): Relation {
  const visible = columns.map(({ name }) => quoted(name)).join(', ')
  return { sql: `(SELECT ${visible} FROM ${duckTable(tableId)})`, columns }
}

/** Takes SELECT on the stream's table too. */
async function readStream({ core, access, transaction }: Standing, found: Found, name: Name): Promise<Relation> {
  const stream = core.catalog.find('stream', name)
  if (!stream) throw missing('stream', name)
  const table = streamTable(core, stream)
  access.check(table, 'SELECT')
  const range = await transaction.streamRange(stream.id)
  found.streams.add(stream.id)
  return streamRelation(table.id, table.definition.columns, range)
}

function targetOf(access: Access, name: Name, needs: readonly TargetPrivilege[]): Target {
  const object = access.relation(name)
  if (object.kind !== 'table') {
    throw new SqlError(
      '002003',
      '02000',
      `SQL compilation error:\n'${nameText(object.name)}' is a ${object.kind}, not a table.`,
    )
  }
  access.check(object, ...needs)
  return { table: duckTable(object.id), columns: object.definition.columns }
}

/** The protocol's bind types as Snowflake's; null: the place where it stands gives the type. */
const bindTypes: Readonly<Record<string, { readonly duck: string; readonly type: SqlType | null }>> = {
  TEXT: { duck: 'VARCHAR', type: { kind: 'varchar', length: 16_777_216 } },
  FIXED: { duck: 'DECIMAL(38, 0)', type: { kind: 'number', precision: 38, scale: 0 } },
  REAL: { duck: 'DOUBLE', type: { kind: 'float' } },
  BOOLEAN: { duck: 'BOOLEAN', type: { kind: 'boolean' } },
}

function bindOf(name: string, binds: Readonly<Record<string, Bind>>, parameters: Record<string, Cell>): Typed {
  const bind = Object.hasOwn(binds, name) ? binds[name] : undefined
  if (!bind) throw new SqlError('002049', '42601', `SQL compilation error:\nBind variable ${name} not set.`)
  if (typeof bind.value === 'object' && bind.value !== null) {
    throw new SqlError('002049', '42601', `SQL compilation error:\nBind variable ${name} is a column of values here.`)
  }
  const known = bindTypes[bind.type]
  if (!known) {
    throw new SqlError(
      '000002',
      '0A000',
      `Unsupported feature: the development warehouse does not know binds of type ${bind.type}.`,
    )
  }
  if (bind.value === null) return { sql: 'NULL', type: null }
  const parameter = `bind${name}`
  parameters[parameter] = bind.value
  return { sql: `CAST($${parameter} AS ${known.duck})`, type: known.type, constant: bind.value }
}
