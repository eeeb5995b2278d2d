/**
 * DESC: the columns of tables, views and streams, and the one row that SHOW has for everything else.
 */
import type { StoredColumn } from './catalog.ts'
import type { Core } from './core.ts'
import type { Result, SessionState } from '../engine.ts'
import { existing } from '../sql/name-resolution.ts'
import { listing, textType } from './outcome.ts'
import type { Column } from '../sql/scope.ts'
import { listFields, pipeFields, streamFields, taskFields } from './show.ts'
import { typeText } from '../sql/sql-type.ts'
import type { Statement } from '../sql/statement.ts'
import type { Row } from './store.ts'

export async function describe(
  core: Core,
  state: SessionState,
  { what, name }: Extract<Statement, { kind: 'describe' }>,
): Promise<Result> {
  const { catalog } = core
  const context = { core, state }
  switch (what) {
    case 'table':
      return describeColumns(existing(catalog, 'table', name, state).definition.columns)
    case 'view':
      return describeColumns(existing(catalog, 'view', name, state).definition.columns)
    case 'stream':
      return listFields(streamFields, [existing(catalog, 'stream', name, state)], context, 'show')
    case 'pipe':
      return listFields(pipeFields, [existing(catalog, 'pipe', name, state)], context, 'show')
    case 'task':
      return listFields(taskFields, [existing(catalog, 'task', name, state)], context, 'show')
    case 'file format':
      return properties(Object.entries(existing(catalog, 'file format', name, state).definition.options), null)
    case 'stage': {
      const { url, storageIntegration } = existing(catalog, 'stage', name, state).definition
      return properties(
        [
          ['URL', JSON.stringify([url])],
          ['STORAGE_INTEGRATION', storageIntegration],
        ],
        'STAGE_LOCATION',
      )
    }
  }
}

const columnFields = [
  'name',
  'type',
  'kind',
  'null?',
  'default',
  'primary key',
  'unique key',
  'check',
  'expression',
  'comment',
  'policy name',
]

function describeColumns(columns: readonly (Column & Partial<StoredColumn>)[]): Result {
  const rows = columns.map(({ name, type, nullable = true, comment = null, defaultText = null }): Row => {
    const said = [
      name,
      typeText(type),
      'COLUMN',
      nullable ? 'Y' : 'N',
      defaultText,
      'N',
      'N',
      null,
      null,
      comment,
      null,
    ]
    return said
  })
  return listing(
    'show',
    columnFields.map((name) => [name, textType]),
    rows,
  )
}

/** A stage's rows name the group that a property belongs to, a file format's do not. */
function properties(entries: readonly (readonly [string, string])[], parent: string | null): Result {
  const names = ['property', 'property_type', 'property_value', 'property_default']
  const columns = parent === null ? names : ['parent_property', ...names]
  const rows = entries.map(([property, value]) => {
    const row = [property, 'String', value, null]
    return parent === null ? row : [parent, ...row]
  })
  return listing(
    'show',
    columns.map((name) => [name, textType]),
    rows,
  )
}
