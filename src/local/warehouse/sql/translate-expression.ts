/**
 * An expression to DuckDB text and its type. Names are resolved, functions checked against the set, VARIANT and text told
 * apart by type. What would mean something else in DuckDB is refused.
 */
import { as, boolean, cast, comparable, float, isJson, shared, varchar, variant, wrongTypes } from './conversion.ts'
import { constant } from './duck-text.ts'
import { inside, resolve } from './environment.ts'
import type { Environment } from './environment.ts'
import type { BinaryOperator, Expression, Order, Query } from './expression.ts'
import type { Typed } from './scope.ts'
import { duckType } from './sql-type.ts'
import { SqlError } from './statement.ts'
import type { SqlType } from './statement.ts'
import { translateCall } from './translate-call.ts'
import { queryToDuck } from './translate-query.ts'
import { pathText } from './variant-functions.ts'

type Of<K extends Expression['kind']> = Extract<Expression, { readonly kind: K }>

export async function translate(expression: Expression, environment: Environment): Promise<Typed> {
  switch (expression.kind) {
    case 'string':
      return {
        sql: constant(expression.value),
        type: { kind: 'varchar', length: Math.max(1, expression.value.length) },
        constant: expression.value,
      }
    case 'number':
      return numberConstant(expression.value)
    case 'boolean':
      return { sql: expression.value ? 'TRUE' : 'FALSE', type: boolean }
    case 'null':
      return { sql: 'NULL', type: null }
    case 'column':
      return resolve(environment, expression.parts)
    case 'positional':
      throw refused(`$${expression.name} outside a pipe's COPY`)
    case 'bind':
      return environment.scope.bind(expression.name)
    case 'not':
      return { sql: `(NOT ${await condition(expression.operand, environment)})`, type: boolean }
    case 'minus':
      return negative(await translate(expression.operand, environment))
    case 'cast': {
      const value = await translate(expression.operand, environment)
      return { sql: cast(value, expression.type, expression.attempt), type: expression.type }
    }
    case 'path':
      return path(expression, environment)
    case 'call':
      return translateCall(expression, environment)
    case 'binary':
    case 'between':
      return operation(expression, environment)
    case 'is null': {
      const { sql } = await translate(expression.operand, environment)
      return { sql: `(${sql} IS ${expression.negated ? 'NOT ' : ''}NULL)`, type: boolean }
    }
    case 'is distinct':
      return distinct(expression, environment)
    case 'in':
      return membership(expression, environment)
    case 'like':
      return like(expression, environment)
    case 'case':
      return caseOf(expression, environment)
    case 'exists':
      return { sql: `EXISTS (${(await queryInside(expression.query, environment)).sql})`, type: boolean }
    case 'subquery': {
      const { sql, columns } = await queryInside(expression.query, environment)
      if (columns.length !== 1) throw refused('a subquery of several columns as a value')
      return { sql: `(${sql})`, type: columns[0]?.type ?? null }
    }
  }
}

export function refused(what: string): SqlError {
  return new SqlError('001003', '42000', `SQL compilation error:\nThe development warehouse does not know ${what}.`)
}

function queryInside(query: Query, environment: Environment) {
  return queryToDuck(query, inside(environment, {}))
}

function numberConstant(text: string): Typed {
  if (/[eE]/.test(text)) return { sql: `CAST(${text} AS DOUBLE)`, type: float, constant: text }
  const [whole = '', fraction = ''] = text.split('.')
  const digits = whole.replace(/^0+/, '').length
  const precision = Math.max(1, digits + fraction.length)
  if (precision > 38 || fraction.length > 37) throw refused(`a number of more than 38 digits, ${text}`)
  const type: SqlType = { kind: 'number', precision, scale: fraction.length }
  return { sql: `CAST('${text}' AS ${duckType(type)})`, type, constant: text }
}

function negative(value: Typed): Typed {
  const kind = value.type?.kind
  if (kind !== 'number' && kind !== 'float') throw wrongTypes('-', [value.type])
  return { sql: `(-${value.sql})`, type: value.type }
}

/** An expression where a truth value must stand. */
export async function condition(expression: Expression, environment: Environment): Promise<string> {
  const value = await translate(expression, environment)
  if (value.type === null || value.type.kind === 'boolean') return value.sql
  if (value.type.kind === 'variant') return cast(value, boolean)
  throw wrongTypes('a condition', [value.type])
}

/** Members and elements of a VARIANT; a missing one is NULL. */
async function path(expression: Of<'path'>, environment: Environment): Promise<Typed> {
  const value = await translate(expression.operand, environment)
  if (!isJson(value.type)) throw wrongTypes('a path', [value.type])
  return { sql: `firn_variant_get(${value.sql}, ${constant(pathText(expression.steps))})`, type: variant }
}

const comparisons: ReadonlySet<BinaryOperator> = new Set(['=', '<>', '<', '<=', '>', '>='])

async function operation(expression: Of<'binary' | 'between'>, environment: Environment): Promise<Typed> {
  if (expression.kind === 'between') {
    const { operand, low, high } = expression
    const least = await operation({ kind: 'binary', operator: '>=', left: operand, right: low }, environment)
    const most = await operation({ kind: 'binary', operator: '<=', left: operand, right: high }, environment)
    return { sql: `(${expression.negated ? 'NOT ' : ''}(${least.sql} AND ${most.sql}))`, type: boolean }
  }
  const { operator } = expression
  if (operator === 'AND' || operator === 'OR') {
    const left = await condition(expression.left, environment)
    return { sql: `(${left} ${operator} ${await condition(expression.right, environment)})`, type: boolean }
  }
  const left = await translate(expression.left, environment)
  const right = await translate(expression.right, environment)
  if (comparisons.has(operator)) {
    const [a, b] = comparable(operator, left, right, operator !== '=' && operator !== '<>')
    return { sql: `(${a} ${operator} ${b})`, type: boolean }
  }
  return operator === '||' ? joined(left, right) : arithmetic(operator, left, right)
}

function joined(left: Typed, right: Typed): Typed {
  const text = (value: Typed) => (value.type === null ? 'CAST(NULL AS VARCHAR)' : cast(value, varchar))
  return { sql: `(${text(left)} || ${text(right)})`, type: varchar }
}

type Number = Extract<SqlType, { readonly kind: 'number' }>

function arithmetic(operator: BinaryOperator, left: Typed, right: Typed): Typed {
  const a = left.type
  const b = right.type
  const numeric = (type: SqlType | null) => type?.kind === 'number' || type?.kind === 'float'
  if (!numeric(a) || !numeric(b)) throw wrongTypes(operator, [a, b])
  if (a?.kind !== 'number' || b?.kind !== 'number') {
    if (operator === '/' || operator === '%') throw wrongTypes(operator, [a, b])
    return { sql: `(${cast(left, float)} ${operator} ${cast(right, float)})`, type: float }
  }
  if (operator === '*' || operator === '/') return exactly(operator, left.sql, right.sql, a, b)
  const scale = Math.max(a.scale, b.scale)
  const whole = Math.max(a.precision - a.scale, b.precision - b.scale)
  const type: SqlType = { kind: 'number', precision: Math.min(38, whole + scale + 1), scale }
  return { sql: `CAST((${left.sql} ${operator} ${right.sql}) AS ${duckType(type)})`, type }
}

/** Product and quotient with the digits that Snowflake keeps: DuckDB would overflow, or go by way of doubles. */
function exactly(operator: '*' | '/', left: string, right: string, a: Number, b: Number): Typed {
  const scale =
    operator === '*'
      ? Math.min(a.scale + b.scale, Math.max(a.scale, b.scale, 12))
      : Math.max(a.scale, Math.min(a.scale + 6, 12))
  const precision = operator === '*' ? Math.min(38, a.precision + b.precision) : 38
  const type: SqlType = { kind: 'number', precision, scale }
  const call = `firn_arithmetic('${operator}', CAST(${left} AS VARCHAR), CAST(${right} AS VARCHAR), '${scale}')`
  return { sql: `CAST(${call} AS ${duckType(type)})`, type }
}

async function distinct(expression: Of<'is distinct'>, environment: Environment): Promise<Typed> {
  const left = await translate(expression.left, environment)
  const right = await translate(expression.right, environment)
  const [a, b] = comparable('IS DISTINCT FROM', left, right, false)
  return { sql: `(${a} IS ${expression.negated ? 'NOT ' : ''}DISTINCT FROM ${b})`, type: boolean }
}

async function membership(expression: Of<'in'>, environment: Environment): Promise<Typed> {
  const operand = await translate(expression.operand, environment)
  const not = expression.negated ? 'NOT ' : ''
  if (!('length' in expression.among)) {
    const { sql, columns } = await queryInside(expression.among, environment)
    const type = columns[0]?.type ?? null
    if (columns.length !== 1) throw refused('IN with a subquery of several columns')
    const [a, b] = comparable('IN', operand, { sql: '', type }, false)
    if (b !== '') throw wrongTypes('IN', [operand.type, type])
    return { sql: `(${a} ${not}IN (${sql}))`, type: boolean }
  }
  const tests: string[] = []
  for (const one of expression.among) {
    const [a, b] = comparable('IN', operand, await translate(one, environment), false)
    tests.push(`${a} = ${b}`)
  }
  return { sql: `(${not}(${tests.join(' OR ')}))`, type: boolean }
}

async function like(expression: Of<'like'>, environment: Environment): Promise<Typed> {
  const sides: string[] = []
  for (const side of [expression.operand, expression.pattern, expression.escape]) {
    if (side === null) continue
    const value = await translate(side, environment)
    if (value.type !== null && value.type.kind !== 'varchar' && value.type.kind !== 'variant') {
      throw wrongTypes('LIKE', [value.type])
    }
    sides.push(cast(value, varchar))
  }
  const [operand = '', pattern = '', escape] = sides
  const operator = `${expression.negated ? 'NOT ' : ''}${expression.ignoreCase ? 'ILIKE' : 'LIKE'}`
  return { sql: `(${operand} ${operator} ${pattern}${escape === undefined ? '' : ` ESCAPE ${escape}`})`, type: boolean }
}

async function caseOf(expression: Of<'case'>, environment: Environment): Promise<Typed> {
  const operand = expression.operand === null ? null : await translate(expression.operand, environment)
  const whens: string[] = []
  const results: Typed[] = []
  for (const { when, then } of expression.branches) {
    if (operand === null) whens.push(await condition(when, environment))
    else whens.push(comparable('CASE', operand, await translate(when, environment), false).join(' = '))
    results.push(await translate(then, environment))
  }
  if (expression.otherwise !== null) results.push(await translate(expression.otherwise, environment))
  const type = shared(
    'CASE',
    results.map((result) => result.type),
  )
  const branches = whens.map((when, i) => `WHEN ${when} THEN ${as(results[i] ?? { sql: 'NULL', type: null }, type)}`)
  const rest = results[whens.length]
  const otherwise = rest === undefined ? '' : ` ELSE ${as(rest, type)}`
  return { sql: `CASE ${branches.join(' ')}${otherwise} END`, type }
}

/** One term of ORDER BY. Snowflake's place for NULL is said outright, so that no setting of DuckDB matters. */
export function ordering(order: Order, key: Typed): string {
  if (isJson(key.type)) throw wrongTypes('ORDER BY', [key.type])
  const nulls = order.nulls ?? (order.descending ? 'first' : 'last')
  return `${key.sql} ${order.descending ? 'DESC' : 'ASC'} NULLS ${nulls.toUpperCase()}`
}
