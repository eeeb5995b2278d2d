/**
 * DML to DuckDB. Values are converted to their column's type as Snowflake stores them, lengths are checked. A MERGE comes
 * with a query that finds target rows which it would touch twice.
 */
import { Cursor } from './cursor.ts'
import { assign } from './conversion.ts'
import { quoted } from './duck-text.ts'
import { emptyEnvironment, inside } from './environment.ts'
import type { Environment, NamedSource } from './environment.ts'
import type { Expression } from './expression.ts'
import { checkCount } from './parse-dml.ts'
import { parseExpression } from './parse-expression.ts'
import { parseQuery } from './parse-query.ts'
import type { Column, Scope, Target, TargetPrivilege } from './scope.ts'
import { SqlError } from './statement.ts'
import type { Dml, Fragment, MergeClause, Name } from './statement.ts'
import { condition, refused, translate } from './translate-expression.ts'
import { queryToDuck, sourceToDuck } from './translate-query.ts'

export type TranslatedDml = {
  readonly sql: string
  /** a query that returns a row where the MERGE would touch a target row twice; run it first; null where there is nothing to check */
  readonly check: string | null
}

type Of<K extends Dml['kind']> = Extract<Dml, { readonly kind: K }>

export async function translateDml(dml: Dml, scope: Scope): Promise<TranslatedDml> {
  const target = await scope.target(dml.target, needsOf(dml))
  switch (dml.kind) {
    case 'insert':
      return { sql: await insert(dml, target, scope), check: null }
    case 'update':
      return { sql: await update(dml, target, scope), check: null }
    case 'delete': {
      const environment = inside(emptyEnvironment(scope), { sources: [sourceOf(dml.target, null, target)] })
      return {
        sql: `DELETE FROM ${aliased(dml.target, null, target)}${await where(dml.where, environment)}`,
        check: null,
      }
    }
    case 'truncate':
      return { sql: `DELETE FROM ${target.table}`, check: null }
    case 'merge':
      return merge(dml, target, scope)
  }
}

/** What the statement takes of its target. */
function needsOf(dml: Dml): readonly TargetPrivilege[] {
  const named = { insert: 'INSERT', update: 'UPDATE', delete: 'DELETE', truncate: 'TRUNCATE' } as const
  if (dml.kind !== 'merge') return [named[dml.kind]]
  return [...new Set(dml.clauses.map(({ action }) => named[action.kind]))]
}

const parsed = (fragment: Fragment): Expression => parseExpression(new Cursor(fragment.tokens))

function sourceOf(name: Name, alias: string | null, target: Target): NamedSource {
  return { alias: alias ?? name.at(-1) ?? '', name: alias === null ? name : [], columns: target.columns }
}

function aliased(name: Name, alias: string | null, target: Target): string {
  return `${target.table} AS ${quoted(sourceOf(name, alias, target).alias)}`
}

function columnOf(target: Target, name: string): Column {
  const column = target.columns.find((one) => one.name === name)
  if (column !== undefined) return column
  throw new SqlError('000904', '42000', `SQL compilation error:\ninvalid identifier '${name}'`)
}

function columnsOf(target: Target, names: readonly string[]): readonly Column[] {
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined)
    throw new SqlError('002025', '42S21', `SQL compilation error:\nduplicate column name '${twice}'`)
  return names.map((name) => columnOf(target, name))
}

async function where(fragment: Fragment | null, environment: Environment): Promise<string> {
  return fragment === null ? '' : ` WHERE ${await condition(parsed(fragment), environment)}`
}

/** Snowflake takes only simple expressions in a VALUES list. */
const notInValues = ['PARSE_JSON', 'TRY_PARSE_JSON', 'OBJECT_CONSTRUCT', 'OBJECT_CONSTRUCT_KEEP_NULL', 'TO_VARIANT']

async function insert(dml: Of<'insert'>, target: Target, scope: Scope): Promise<string> {
  const columns = dml.columns === null ? target.columns : columnsOf(target, dml.columns)
  const [first] = dml.query.tokens
  const unfit = dml.query.tokens.find((token) => token.kind === 'word' && notInValues.includes(token.value))
  if (first?.kind === 'word' && first.value === 'VALUES' && unfit !== undefined) {
    const text = `Invalid expression [${unfit.value}] in VALUES clause`
    throw new SqlError('002014', '22000', `SQL compilation error:\n${text}`)
  }
  const query = await queryToDuck(parseQuery(new Cursor(dml.query.tokens)), emptyEnvironment(scope))
  checkCount(columns.length, query.columns.length)
  const names = columns.map((_, i) => `"_${i + 1}"`)
  const values = columns.map((column, i) =>
    assign({ sql: names[i] ?? '', type: query.untyped.has(i) ? null : (query.columns[i]?.type ?? null) }, column),
  )
  const list = columns.map((column) => quoted(column.name)).join(', ')
  return `INSERT INTO ${target.table} (${list}) SELECT ${values.join(', ')} FROM (${query.sql}) AS "_S"(${names.join(', ')})`
}

type Assignments = readonly { readonly column: string; readonly to: Fragment }[]

async function settings(set: Assignments, target: Target, environment: Environment): Promise<string> {
  const columns = columnsOf(
    target,
    set.map(({ column }) => column),
  )
  const parts: string[] = []
  for (const [i, column] of columns.entries()) {
    const to = set[i]?.to
    if (to === undefined) continue
    parts.push(`${quoted(column.name)} = ${assign(await translate(parsed(to), environment), column)}`)
  }
  return parts.join(', ')
}

async function update(dml: Of<'update'>, target: Target, scope: Scope): Promise<string> {
  const environment = inside(emptyEnvironment(scope), { sources: [sourceOf(dml.target, null, target)] })
  const set = await settings(dml.set, target, environment)
  return `UPDATE ${aliased(dml.target, null, target)} SET ${set}${await where(dml.where, environment)}`
}

type Sides = {
  readonly target: Target
  /** both sides; what ON and WHEN MATCHED see */
  readonly both: Environment
  /** the source alone; what WHEN NOT MATCHED sees */
  readonly source: Environment
}

async function merge(dml: Of<'merge'>, target: Target, scope: Scope): Promise<TranslatedDml> {
  const root = emptyEnvironment(scope)
  const what =
    'tokens' in dml.source
      ? ({ kind: 'query', query: parseQuery(new Cursor(dml.source.tokens)) } as const)
      : ({ kind: 'name', name: dml.source } as const)
  const source = await sourceToDuck({ what, alias: dml.sourceAlias, columns: null }, root, 1)
  const written = sourceOf(dml.target, dml.targetAlias, target)
  const sides: Sides = {
    target,
    both: inside(root, { sources: [written, source.source] }),
    source: inside(root, { sources: [source.source] }),
  }
  const into = aliased(dml.target, dml.targetAlias, target)
  const on = await condition(parsed(dml.on), sides.both)
  const clauses: string[] = []
  const matches: Match[] = []
  for (const clause of dml.clauses) {
    const when =
      clause.condition === null
        ? null
        : await condition(parsed(clause.condition), sides[clause.matched ? 'both' : 'source'])
    if (clause.matched) matches.push({ when, updates: clause.action.kind === 'update' })
    const head = `WHEN ${clause.matched ? '' : 'NOT '}MATCHED${when === null ? '' : ` AND ${when}`}`
    clauses.push(`${head} THEN ${await action(clause.action, sides)}`)
  }
  return {
    sql: `MERGE INTO ${into} USING ${source.sql} ON ${on} ${clauses.join(' ')}`,
    check: duplicateCheck(`${into} JOIN ${source.sql} ON ${on}`, quoted(written.alias), matches),
  }
}

async function action(what: MergeClause['action'], sides: Sides): Promise<string> {
  switch (what.kind) {
    case 'delete':
      return 'DELETE'
    case 'update':
      return `UPDATE SET ${await settings(what.set, sides.target, sides.both)}`
    case 'insert': {
      const columns = columnsOf(sides.target, what.columns)
      const values: string[] = []
      for (const [i, value] of what.values.entries()) {
        const column = columns[i]
        if (column === undefined) throw refused('a value without a column')
        values.push(assign(await translate(parsed(value), sides.source), column))
      }
      return `INSERT (${columns.map((column) => quoted(column.name)).join(', ')}) VALUES (${values.join(', ')})`
    }
  }
}

type Match = { readonly when: string | null; readonly updates: boolean }

/**
 * Several source rows for one target row are an error where one of them updates it; where all delete it the outcome is
 * the same. Each source row counts for the first clause whose condition it meets.
 */
function duplicateCheck(joined: string, target: string, matches: readonly Match[]): string | null {
  if (!matches.some((match) => match.updates)) return null
  const branches = matches.map(({ when, updates }) => `WHEN ${when ?? 'TRUE'} THEN '${updates ? 'u' : 'd'}'`)
  const found = `SELECT ${target}.rowid AS "_R", CASE ${branches.join(' ')} END AS "_A" FROM ${joined}`
  return `SELECT 1 FROM (${found}) WHERE "_A" IS NOT NULL GROUP BY "_R" HAVING count(*) > 1 AND bool_or("_A" = 'u') LIMIT 1`
}
