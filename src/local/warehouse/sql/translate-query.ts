/**
 * A query to DuckDB, with the names and types of its result columns. `*` is written out, result columns that have no
 * alias get the name that Snowflake gives them, and NULLs are ordered as there.
 */
import { Cursor } from './cursor.ts'
import { as, shared, varchar } from './conversion.ts'
import { quoted } from './duck-text.ts'
import { emptyEnvironment, inside, isSource } from './environment.ts'
import type { Environment, NamedSource } from './environment.ts'
import type { Body, Expression, Item, Join, Order, Query, Select, Source } from './expression.ts'
import { parseQuery } from './parse-query.ts'
import type { Column, Relation, Scope, Typed } from './scope.ts'
import { SqlError } from './statement.ts'
import type { Fragment } from './statement.ts'
import { condition, ordering, refused, translate } from './translate-expression.ts'

/** `sql` is a whole DuckDB query without parentheses; `columns` are its result columns, named and typed as Snowflake does. */
export async function translateQuery(query: Fragment, scope: Scope): Promise<Relation> {
  return queryToDuck(parseQuery(new Cursor(query.tokens)), emptyEnvironment(scope))
}

/** The same for a query that was parsed; `environment` is where it stands, without sources of its own. */
export async function queryToDuck(query: Query, environment: Environment): Promise<TranslatedQuery> {
  const ctes = new Map(environment.ctes)
  const heads: string[] = []
  for (const { name, columns, query: inner } of query.with) {
    const translated = await queryToDuck(inner, inside(environment, { ctes: new Map(ctes) }))
    const renamed = rename(translated.columns, columns)
    heads.push(`${quoted(name)}(${renamed.map((column) => quoted(column.name)).join(', ')}) AS (${translated.sql})`)
    ctes.set(name, { sql: quoted(name), columns: renamed })
  }
  const body = await bodyToDuck(query.body, { ...environment, ctes })
  const parts = [heads.length === 0 ? '' : `WITH ${heads.join(', ')} `, body.sql]
  if (query.orderBy.length > 0) parts.push(` ORDER BY ${await orderTerms(query.orderBy, body)}`)
  if (query.limit !== null) parts.push(` LIMIT ${await count(query.limit, environment)}`)
  if (query.offset !== null) parts.push(` OFFSET ${await count(query.offset, environment)}`)
  return { sql: parts.join(''), columns: body.columns, untyped: body.untyped }
}

function rename(columns: readonly Column[], names: readonly string[] | null): readonly Column[] {
  if (names === null) return columns
  if (names.length !== columns.length) throw refused(`${names.length} names for ${columns.length} columns`)
  return columns.map(({ type }, i) => ({ name: names[i] ?? '', type }))
}

async function count(expression: Expression, environment: Environment): Promise<string> {
  if (expression.kind === 'number') return expression.value
  return `CAST(${(await translate(expression, environment)).sql} AS BIGINT)`
}

type TranslatedQuery = Relation & {
  /** columns that are NULL throughout, and take the type of whatever they meet */
  readonly untyped: ReadonlySet<number>
}

type TranslatedBody = TranslatedQuery & {
  /** where ORDER BY looks names up; null after a set operation, which has result columns alone */
  readonly environment: Environment | null
}

async function orderTerms(orders: readonly Order[], body: TranslatedBody): Promise<string> {
  const terms: string[] = []
  for (const order of orders) terms.push(await orderTerm(order, body))
  return terms.join(', ')
}

/** A number means a result column, and so does a name that one has. */
async function orderTerm(order: Order, { columns, environment }: TranslatedBody): Promise<string> {
  const { expression } = order
  const place = expression.kind === 'number' ? Number(expression.value) - 1 : -1
  const named = expression.kind === 'column' && expression.parts.length === 1 ? expression.parts[0] : undefined
  const column = columns[place] ?? columns.find(({ name }) => name === named)
  if (column !== undefined) {
    const sql = expression.kind === 'number' ? expression.value : quoted(column.name)
    return ordering(order, { sql, type: column.type })
  }
  if (expression.kind === 'number' || environment === null) throw refused('this ORDER BY')
  return ordering(order, await translate(expression, environment))
}

async function bodyToDuck(body: Body, environment: Environment): Promise<TranslatedBody> {
  switch (body.kind) {
    case 'select':
      return selectToDuck(body, environment)
    case 'nested': {
      const query = await queryToDuck(body.query, environment)
      return { ...query, sql: `(${query.sql})`, environment: null }
    }
    case 'values':
      return valuesToDuck(body.rows, environment)
    case 'set':
      return setToDuck(body, environment)
  }
}

async function setToDuck(body: Extract<Body, { kind: 'set' }>, environment: Environment): Promise<TranslatedBody> {
  const left = await bodyToDuck(body.left, environment)
  const right = await bodyToDuck(body.right, environment)
  if (left.columns.length !== right.columns.length) {
    const text = 'invalid number of result columns for set operator input branches'
    throw new SqlError('001789', '42601', `SQL compilation error:\n${text}`)
  }
  const typeOf = (side: TranslatedBody, i: number) => (side.untyped.has(i) ? null : (side.columns[i]?.type ?? null))
  const types = left.columns.map((_, i) => shared(body.operator, [typeOf(left, i), typeOf(right, i)]))
  const columns = left.columns.map(({ name }, i) => ({ name, type: types[i] ?? varchar }))
  const untyped = new Set(types.flatMap((type, i) => (type === null ? [i] : [])))
  return { sql: `(${left.sql}) ${body.operator} (${right.sql})`, columns, environment: null, untyped }
}

/** One type per column, as in a table. */
async function valuesToDuck(
  rows: readonly (readonly Expression[])[],
  environment: Environment,
): Promise<TranslatedBody> {
  const values: Typed[][] = []
  for (const row of rows) {
    const cells: Typed[] = []
    for (const cell of row) cells.push(await translate(cell, environment))
    values.push(cells)
  }
  const width = values[0]?.length ?? 0
  if (values.some((row) => row.length !== width)) throw refused('VALUES with rows of different length')
  const types = Array.from({ length: width }, (_, i) =>
    shared(
      'VALUES',
      values.map((row) => row[i]?.type ?? null),
    ),
  )
  const texts = values.map((row) => `(${row.map((cell, i) => as(cell, types[i] ?? null)).join(', ')})`)
  const columns = types.map((type, i) => ({ name: `COLUMN${i + 1}`, type: type ?? varchar }))
  const names = columns.map(({ name }) => quoted(name)).join(', ')
  const untyped = new Set(types.flatMap((type, i) => (type === null ? [i] : [])))
  return { sql: `SELECT * FROM (VALUES ${texts.join(', ')}) AS "_V"(${names})`, columns, environment: null, untyped }
}

async function selectToDuck(select: Select, outer: Environment): Promise<TranslatedBody> {
  const from = select.from === null ? null : await fromToDuck(select.from, outer)
  const environment = inside(outer, { sources: from?.sources ?? [] })
  const items: { readonly sql: string; readonly column: Column }[] = []
  const untyped = new Set<number>()
  for (const item of select.items) {
    for (const { name, value } of await itemValues(item, environment)) {
      if (value.type === null) untyped.add(items.length)
      items.push({ sql: `${value.sql} AS ${quoted(name)}`, column: { name, type: value.type ?? varchar } })
      if (!environment.aliases.has(name)) environment.aliases.set(name, value.type)
    }
  }
  const parts = [`SELECT ${select.distinct ? 'DISTINCT ' : ''}${items.map((item) => item.sql).join(', ')}`]
  if (from !== null) parts.push(`FROM ${from.sql}`)
  if (select.where !== null) parts.push(`WHERE ${await condition(select.where, environment)}`)
  if (select.groupBy !== null) parts.push(`GROUP BY ${await groups(select.groupBy, environment)}`)
  if (select.having !== null) parts.push(`HAVING ${await condition(select.having, environment)}`)
  if (select.qualify !== null) parts.push(`QUALIFY ${await condition(select.qualify, environment)}`)
  return { sql: parts.join(' '), columns: items.map((item) => item.column), environment, untyped }
}

async function groups(groupBy: NonNullable<Select['groupBy']>, environment: Environment): Promise<string> {
  if (groupBy === 'all') return 'ALL'
  const terms: string[] = []
  for (const expression of groupBy) {
    terms.push(expression.kind === 'number' ? expression.value : (await translate(expression, environment)).sql)
  }
  return terms.join(', ')
}

type NamedValue = { readonly name: string; readonly value: Typed }

async function itemValues(item: Item, environment: Environment): Promise<readonly NamedValue[]> {
  if (item.kind === 'star') return star(item.qualifier, environment)
  const value = await translate(item.value, environment)
  const column = item.value.kind === 'column' ? item.value.parts.at(-1) : undefined
  return [{ name: item.alias ?? column ?? item.text.toUpperCase(), value }]
}

function star(qualifier: string | null, environment: Environment): readonly NamedValue[] {
  const sources = environment.sources.filter((source) => isSource(source, qualifier === null ? [] : [qualifier]))
  if (sources.length === 0) throw refused(`${qualifier === null ? '' : `${qualifier}.`}* without a source`)
  return sources.flatMap((source) =>
    source.columns.map(({ name, type }) => ({ name, value: { sql: `${quoted(source.alias)}.${quoted(name)}`, type } })),
  )
}

type TranslatedFrom = { readonly sql: string; readonly sources: readonly NamedSource[] }

async function fromToDuck(from: NonNullable<Select['from']>, environment: Environment): Promise<TranslatedFrom> {
  const first = await sourceToDuck(from.first, environment, 0)
  const sources = [first.source]
  const parts = [first.sql]
  for (const join of from.joins) {
    const next = await sourceToDuck(join.source, environment, sources.length)
    sources.push(next.source)
    parts.push(await joinToDuck(join, next.sql, inside(environment, { sources: [...sources] })))
  }
  return { sql: parts.join(' '), sources }
}

async function joinToDuck(join: Join, source: string, environment: Environment): Promise<string> {
  const on = join.on === null ? '' : ` ON ${await condition(join.on, environment)}`
  return `${join.kind} JOIN ${source}${on}`
}

/** One source of FROM, with the alias that its columns are written with. */
export async function sourceToDuck(
  source: Source,
  environment: Environment,
  place: number,
): Promise<{ readonly sql: string; readonly source: NamedSource }> {
  const relation = await relationOf(source.what, environment)
  const name = source.what.kind === 'name' && source.alias === null ? source.what.name : []
  const alias = source.alias ?? name.at(-1) ?? `_Q${place}`
  const columns = rename(relation.columns, source.columns)
  const names = source.columns === null ? '' : `(${columns.map((column) => quoted(column.name)).join(', ')})`
  return { sql: `${relation.sql} AS ${quoted(alias)}${names}`, source: { alias, name, columns } }
}

async function relationOf(what: Source['what'], environment: Environment): Promise<Relation> {
  if (what.kind === 'query') {
    // What stands in FROM does not see its neighbours, only the query around.
    const { sql, columns } = await queryToDuck(what.query, inside(environment, {}))
    return { sql: `(${sql})`, columns }
  }
  if (what.kind === 'name') {
    const cte = what.name.length === 1 ? environment.ctes.get(what.name[0] ?? '') : undefined
    return cte ?? environment.scope.relation(what.name)
  }
  const args: Record<string, Typed> = {}
  for (const [i, { name, value }] of what.args.entries()) {
    args[name ?? String(i + 1)] = await translate(value, inside(environment, {}))
  }
  return environment.scope.tableFunction(what.name, args)
}
