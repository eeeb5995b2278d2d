/**
 * DESC: the columns of tables, views and streams, and the one row that SHOW has for everything else.
 */
import type { Access } from './access.ts'
import type { StoredColumn } from './catalog.ts'
import type { Core } from './core.ts'
import type { Result } from '../engine.ts'
import { describeIntegration } from './integrations.ts'
import { listing, textType } from './outcome.ts'
import type { Column } from '../sql/scope.ts'
import { listFields, pipeFields, streamFields, taskFields } from './show.ts'
import { typeText } from '../sql/sql-type.ts'
import type { Statement } from '../sql/statement.ts'
import type { Row } from './store.ts'

export async function describe(
  core: Core,
  access: Access,
  { what, name }: Extract<Statement, { kind: 'describe' }>,
): Promise<Result> {
  const context = { core, access }
  switch (what) {
    case 'integration':
      return describeIntegration(access.existing(what, name))
    case 'table':
      return describeColumns(access.existing('table', name).definition.columns)
    case 'view':
      return describeColumns(access.existing('view', name).definition.columns)
    case 'stream':
      return listFields(streamFields, [access.existing('stream', name)], context, 'show')
    case 'pipe':
      return listFields(pipeFields, [access.existing('pipe', name)], context, 'show')
    case 'task':
      return listFields(taskFields, [access.existing('task', name)], context, 'show')
    case 'file format':
      return properties(Object.entries(access.existing('file format', name).definition.options), null)
    case 'stage': {
      const { url, storageIntegration } = access.existing('stage', name).definition
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
