/**
 * SHOW: one row per object, under Snowflake's lower-case column names. What the development warehouse has no notion of is
 * NULL, never made up.
 */
import type { CatalogObject, Definitions } from './catalog.ts'
import type { Core } from './core.ts'
import type { Result, SessionState } from '../engine.ts'
import { existing, nameText, wholeName } from '../sql/name-resolution.ts'
import { listing, textType, timeCell, timeType } from './outcome.ts'
import { pipeLack } from './pipe-state.ts'
import type { Name, ObjectKind, SqlType, Statement } from '../sql/statement.ts'
import type { Cell } from './store.ts'
import { duckTable } from './store-text.ts'

type Show = Extract<Statement, { kind: 'show' }>
/** null: known to Snowflake, not to the development warehouse */
type Value<K extends ObjectKind> = ((object: CatalogObject<K>, context: Context) => Cell | Promise<Cell>) | null
export type Field<K extends ObjectKind> = readonly [name: string, value: Value<K>, type?: SqlType]
type Context = { readonly core: Core; readonly state: SessionState }

const createdOn = ['created_on', (object: CatalogObject) => timeCell(object.createdMs), timeType] as const
const ownName = ['name', (object: CatalogObject) => object.name.at(-1) ?? null] as const
const databaseName = ['database_name', (object: CatalogObject) => object.name[0] ?? null] as const
const schemaName = ['schema_name', (object: CatalogObject) => object.name[1] ?? null] as const
const comment = ['comment', (object: CatalogObject) => object.definition.comment ?? ''] as const
const head = [createdOn, ownName, databaseName, schemaName] as const

const pipeIdentity: readonly Field<'pipe'>[] = [
  ...head,
  ['definition', ({ definition }) => definition.definition],
  ['owner', null],
  ['notification_channel', ({ definition }, { core }) => (definition.autoIngest ? core.notificationChannel : null)],
  comment,
  ['integration', null],
  ['pattern', null],
  ['error_integration', null],
]
const pipeValidity: readonly Field<'pipe'>[] = [
  ['invalid_reason', (pipe, { core }) => pipeLack(core, pipe)?.reason ?? null],
  ['kind', () => 'STAGE'],
]

export const streamFields: readonly Field<'stream'>[] = [
  ...head,
  ['owner', null],
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
  ['owner_role_type', null],
]

export const taskFields: readonly Field<'task'>[] = [
  createdOn,
  ownName,
  ['id', ({ id }) => String(id)],
  databaseName,
  schemaName,
  ['owner', null],
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

const fields: { readonly [K in ObjectKind]: readonly Field<K>[] } = {
  database: [
    createdOn,
    ownName,
    ['is_current', ({ name }, { state }) => (name[0] === state.database ? 'Y' : 'N')],
    ['owner', null],
    comment,
  ],
  schema: [
    createdOn,
    ownName,
    ['is_current', ({ name }, { state }) => (name[0] === state.database && name[1] === state.schema ? 'Y' : 'N')],
    databaseName,
    ['owner', null],
    comment,
  ],
  table: [
    ...head,
    ['kind', () => 'TABLE'],
    comment,
    ['rows', (table, { core }) => rowCount(core, table.id), { kind: 'number', precision: 18, scale: 0 }],
    ['owner', null],
  ],
  view: [
    createdOn,
    ownName,
    databaseName,
    schemaName,
    ['owner', null],
    comment,
    ['text', ({ definition }) => definition.text],
  ],
  'file format': [
    ...head,
    ['type', ({ definition }) => definition.options['TYPE'] ?? 'PARQUET'],
    ['owner', null],
    comment,
    ['format_options', ({ definition }) => JSON.stringify(definition.options)],
  ],
  stage: [
    ...head,
    ['url', ({ definition }) => definition.url],
    ['has_credentials', () => 'N'],
    ['owner', null],
    comment,
    ['type', () => 'EXTERNAL'],
    ['cloud', () => 'AWS'],
    ['storage_integration', ({ definition }) => definition.storageIntegration],
  ],
  pipe: [...pipeIdentity, ['owner_role_type', null], ...pipeValidity],
  stream: streamFields,
  task: taskFields,
}

export const pipeFields: readonly Field<'pipe'>[] = [...pipeIdentity, ...pipeValidity]

export async function show(core: Core, state: SessionState, { what, like, within }: Show): Promise<Result> {
  const container = containerOf(core, state, what, within)
  const pattern = like === null ? null : likePattern(like)
  const objects = core.catalog
    .list(what)
    .filter(
      ({ name }) =>
        container.every((part, index) => part === name[index]) && (!pattern || pattern.test(name.at(-1) ?? '')),
    )
  return listFields(fields[what] as readonly Field<ObjectKind>[], objects, { core, state }, 'show')
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
function containerOf(core: Core, state: SessionState, what: ObjectKind, within: Show['within']): Name {
  if (within === 'account' || what === 'database') return []
  if (within) return existing(core.catalog, within.what, wholeName(within.what, within.name, state), state).name
  if (state.database === null) return []
  return state.schema === null || what === 'schema' ? [state.database] : [state.database, state.schema]
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

async function rowCount(core: Core, tableId: number): Promise<Cell> {
  const connection = await core.store.connect()
  try {
    const { rows } = await connection.run(`SELECT count(*) FROM ${duckTable(tableId)}`)
    return rows[0]?.[0] ?? null
  } finally {
    connection.close()
  }
}
