/**
 * SHOW: one row per object, under Snowflake's lower-case column names. What the development warehouse has no notion of is
 * NULL, never made up.
 */
import type { Access } from './access.ts'
import type { CatalogObject, Definitions } from './catalog.ts'
import type { Core } from './core.ts'
import type { Result } from '../engine.ts'
import { pipeHindrance } from './hindrances.ts'
import { nameText } from '../sql/name-resolution.ts'
import { listing, textType, timeCell, timeType } from './outcome.ts'
import type { MadeKind, Name, ObjectKind, SqlType, Statement } from '../sql/statement.ts'
import type { Cell } from './store.ts'
import { duckTable } from './store-text.ts'

type Show = Extract<Statement, { kind: 'show' }>
/** null: known to Snowflake, not to the development warehouse */
type Value<K extends ObjectKind> = ((object: CatalogObject<K>, context: Context) => Cell | Promise<Cell>) | null
export type Field<K extends ObjectKind> = readonly [name: string, value: Value<K>, type?: SqlType]
type Context = { readonly core: Core; readonly access: Access }

const countType: SqlType = { kind: 'number', precision: 18, scale: 0 }
const createdOn = ['created_on', (object: CatalogObject) => timeCell(object.createdMs), timeType] as const
const ownName = ['name', (object: CatalogObject) => object.name.at(-1) ?? null] as const
const databaseName = ['database_name', (object: CatalogObject) => object.name[0] ?? null] as const
const schemaName = ['schema_name', (object: CatalogObject) => object.name[1] ?? null] as const
const comment = ['comment', (object: CatalogObject) => object.definition.comment ?? ''] as const
const owner = ['owner', (object: CatalogObject) => object.owner] as const
const ownerRoleType = ['owner_role_type', () => 'ROLE'] as const
const head = [createdOn, ownName, databaseName, schemaName] as const

const pipeIdentity: readonly Field<'pipe'>[] = [
  ...head,
  ['definition', ({ definition }) => definition.definition],
  owner,
  ['notification_channel', ({ definition }, { core }) => (definition.autoIngest ? core.notificationChannel : null)],
  comment,
  ['integration', null],
  ['pattern', null],
  ['error_integration', null],
]
const pipeValidity: readonly Field<'pipe'>[] = [
  ['invalid_reason', (pipe, { core }) => pipeHindrance(core, pipe)?.reason ?? null],
  ['kind', () => 'STAGE'],
]

export const streamFields: readonly Field<'stream'>[] = [
  ...head,
  owner,
  comment,
  ['table_name', ({ definition }) => nameText(definition.table)],
  ['source_type', () => 'Table'],
  ['base_tables', ({ definition }) => nameText(definition.table)],
  ['type', () => 'DELTA'],
  [
    'stale',
    ({ id, definition }, { core }) => String(!sameTable(core, definition) || core.commits.freshness.isStale(id)),
  ],
  ['mode', () => 'APPEND_ONLY'],
  ['stale_after', ({ id }, { core }) => timeCell(core.commits.freshness.staleAfterMs(id)), timeType],
  ['invalid_reason', ({ definition }, { core }) => (sameTable(core, definition) ? 'N/A' : 'Base table dropped')],
  ownerRoleType,
]

export const taskFields: readonly Field<'task'>[] = [
  createdOn,
  ownName,
  ['id', ({ id }) => String(id)],
  databaseName,
  schemaName,
  owner,
  comment,
  ['warehouse', ({ definition }) => definition.warehouse],
  ['schedule', ({ definition }) => definition.schedule],
  ['predecessors', () => '[]'],
  ['state', ({ definition }) => definition.state],
  ['definition', ({ definition }) => definition.definition],
  ['condition', ({ definition }) => definition.condition],
  ['allow_overlapping_execution', () => 'false'],
  ['error_integration', null],
  ['last_suspended_reason', ({ definition }) => definition.suspendedReason],
  ['target_completion_interval', ({ definition }) => definition.targetCompletion],
]

const roleFields: readonly Field<'role'>[] = [
  createdOn,
  ownName,
  ['is_default', null],
  ['is_current', ({ name }, { access }) => (name[0] === access.role ? 'Y' : 'N')],
  ['is_inherited', ({ name: [name = ''] }, { access }) => (name !== access.role && access.inherits(name) ? 'Y' : 'N')],
  ['assigned_to_users', (role, { core }) => String(granteesOf(core, role, 'user')), countType],
  ['granted_to_roles', (role, { core }) => String(granteesOf(core, role, 'role')), countType],
  ['granted_roles', ({ name: [name = ''] }, { core }) => String(rolesGrantedTo(core, name)), countType],
  owner,
  comment,
]

const integrationFields: readonly Field<'integration'>[] = [
  ownName,
  ['type', () => 'EXTERNAL_STAGE'],
  ['category', () => 'STORAGE'],
  ['enabled', () => 'true'],
  comment,
  createdOn,
]

const fields: { readonly [K in MadeKind]: readonly Field<K>[] } = {
  database: [
    createdOn,
    ownName,
    ['is_current', ({ name }, { access }) => (name[0] === access.place.database ? 'Y' : 'N')],
    owner,
    comment,
  ],
  schema: [
    createdOn,
    ownName,
    [
      'is_current',
      ({ name }, { access: { place } }) => (name[0] === place.database && name[1] === place.schema ? 'Y' : 'N'),
    ],
    databaseName,
    owner,
    comment,
  ],
  table: [
    ...head,
    ['kind', () => 'TABLE'],
    comment,
    ['rows', (table, { core }) => rowCount(core, table.id), countType],
    owner,
  ],
  view: [createdOn, ownName, databaseName, schemaName, owner, comment, ['text', ({ definition }) => definition.text]],
  'file format': [
    ...head,
    ['type', ({ definition }) => definition.options['TYPE'] ?? 'PARQUET'],
    owner,
    comment,
    ['format_options', ({ definition }) => JSON.stringify(definition.options)],
  ],
  stage: [
    ...head,
    ['url', ({ definition }) => definition.url],
    ['has_credentials', () => 'N'],
    owner,
    comment,
    ['type', () => 'EXTERNAL'],
    ['cloud', () => 'AWS'],
    ['storage_integration', ({ definition }) => definition.storageIntegration],
  ],
  pipe: [...pipeIdentity, ownerRoleType, ...pipeValidity],
  stream: streamFields,
  task: taskFields,
  role: roleFields,
  integration: integrationFields,
}

export const pipeFields: readonly Field<'pipe'>[] = [...pipeIdentity, ...pipeValidity]

/** Lists what the role holds some privilege on. */
export async function show(core: Core, access: Access, { what, like, within }: Show): Promise<Result> {
  const container = containerOf(access, what, within)
  const pattern = like === null ? null : likePattern(like)
  const objects = core.catalog
    .list(what)
    .filter(
      (object) =>
        container.every((part, index) => part === object.name[index]) &&
        (!pattern || pattern.test(object.name.at(-1) ?? '')) &&
        access.knows(object),
    )
  return listFields(fields[what] as readonly Field<ObjectKind>[], objects, { core, access }, 'show')
}

export async function listFields<K extends ObjectKind>(
  columns: readonly Field<K>[],
  objects: readonly CatalogObject<K>[],
  context: Context,
  kind: Result['kind'],
): Promise<Result> {
  const rows: Cell[][] = []
  for (const object of objects) {
    const row: Cell[] = []
    for (const [, value] of columns) row.push(value ? await value(object, context) : null)
    rows.push(row)
  }
  return listing(
    kind,
    columns.map(([name, , type]) => [name, type ?? textType]),
    rows,
  )
}

/** The names that objects begin with: nothing, a database, or a schema. */
function containerOf(access: Access, what: ObjectKind, within: Show['within']): Name {
  if (within === 'account' || what === 'database') return []
  if (within) return access.existing(within.what, within.name).name
  const { database, schema } = access.place
  if (database === null) return []
  return schema === null || what === 'schema' ? [database] : [database, schema]
}

/** LIKE in SHOW does not tell capitals from small letters. */
function likePattern(like: string): RegExp {
  const source = like
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.')
  return new RegExp(`^${source}$`, 'is')
}

function sameTable(core: Core, { table, tableId }: Definitions['stream']): boolean {
  return core.catalog.find('table', table)?.id === tableId
}

function granteesOf({ grants }: Core, role: CatalogObject<'role'>, kind: 'role' | 'user'): number {
  return grants.on(role.id).filter(({ grantee }) => grantee.kind === kind).length
}

function rolesGrantedTo({ catalog, grants }: Core, name: string): number {
  return grants.to({ kind: 'role', name }).filter(({ objectId }) => catalog.get(objectId)?.kind === 'role').length
}

async function rowCount(core: Core, tableId: number): Promise<Cell> {
  const connection = await core.store.connect()
  try {
    const { rows } = await connection.run(`SELECT count(*) FROM ${duckTable(tableId)}`)
    return rows[0]?.[0] ?? null
  } finally {
    connection.close()
  }
}
