/**
 * The configurations whose SQL is judged: together they choose every mark and fill every template. That they do is seen by
 * `unreached`, not believed.
 */
import type { Template } from '../../src/warehouse/render.ts'
import type { SqlFile } from './sql-file.ts'

export type Configuration = {
  readonly name: string
  readonly warehouse: Readonly<Record<string, unknown>>
  readonly tables: readonly Readonly<Record<string, unknown>>[]
}

const compute = { warehouse: 'FIRN_WH' }
const awsRole = { awsRoleArn: 'arn:aws:iam::123456789012:role/firn-snowflake' }

export const configurations: readonly Configuration[] = [
  {
    name: 'plain',
    warehouse: compute,
    tables: [{ topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'] }],
  },
  {
    name: 'two-on-a-topic',
    warehouse: { ...compute, ...awsRole, schedule: 'triggered' },
    tables: [
      { topic: 'shop.orders', table: 'SHOP.ORDERS', key: ['id', 'line'] },
      { topic: 'shop.orders', table: 'SHOP.ORDERS_SOFT', key: ['id', 'line'], deletes: 'soft', data: 'row' },
    ],
  },
  {
    name: 'quoted-names',
    warehouse: {
      ...awsRole,
      warehouse: 'Loading WH',
      database: 'Mixed Case',
      rolePrefix: 'firn',
      schedule: '5 MINUTES',
    },
    tables: [
      { topic: 'Web-Shop.order', table: 'order.order', key: ['id'], deletes: 'soft' },
      { topic: 'Web-Shop.order', table: 'Mixed Case.Mixed Case', key: ['id'], data: 'row' },
    ],
  },
  {
    name: 'serverless',
    warehouse: {},
    tables: [
      { topic: '1st', table: 'SHOP.FIRST', key: ['id'], deletes: 'soft', data: 'row' },
      { topic: '2nd', table: 'SHOP.SECOND', key: ['id'] },
    ],
  },
  {
    name: 'serverless-triggered',
    warehouse: { ...awsRole, schedule: 'triggered' },
    tables: [{ topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'], data: 'row' }],
  },
]

/** The template that a rendered file was filled from, by its name. */
export function templateOf(name: string): string {
  const [, template] = /^R__\w+?__(\d\d_[a-z]+)(?:__\w+)?\.sql$/.exec(name) ?? []
  return template === undefined ? name : `${template}.sql`
}

/** Templates, and lines with a mark, that none of the files shows: one line of text for each. */
export function unreached(templates: readonly Template[], files: readonly SqlFile[]): readonly string[] {
  const rendered = Map.groupBy(files, ({ name }) => templateOf(name))
  return templates.flatMap(({ file, text }) => {
    const found = rendered.get(file)
    if (!found) return [`${file} is rendered by no configuration`]
    const lines = new Set(found.flatMap((one) => one.text.split('\n')))
    const marked = text.split('\n').flatMap((line) => / *--\[[^\]]*\]$/.exec(line)?.input ?? [])
    return marked.filter((line) => !isAmong(line, lines)).map((line) => `${file}: no configuration chooses: ${line}`)
  })
}

function isAmong(marked: string, lines: ReadonlySet<string>): boolean {
  const parts = marked.replace(/ *--\[[^\]]*\]$/, '').split(/\{\{\w+\}\}/)
  const pattern = new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`)
  return [...lines].some((line) => pattern.test(line))
}
