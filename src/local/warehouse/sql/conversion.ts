/**
 * Casts between Snowflake's types in DuckDB text, explicit and implicit, and the type that several values share.
 * A conversion that would answer otherwise than Snowflake is refused, with the advice to write a cast.
 */
import { constant } from './duck-text.ts'
import { raise } from './raised-error.ts'
import type { Typed } from './scope.ts'
import { duckType, typeText } from './sql-type.ts'
import { SqlError } from './statement.ts'
import type { SqlType } from './statement.ts'

type Kind = SqlType['kind']

export const boolean: SqlType = { kind: 'boolean' }
export const variant: SqlType = { kind: 'variant' }
export const float: SqlType = { kind: 'float' }
export const varchar: SqlType = { kind: 'varchar', length: 134_217_728 }
export const integer = (precision: number): SqlType => ({ kind: 'number', precision, scale: 0 })

export const isJson = (type: SqlType | null): boolean => ['variant', 'object', 'array'].includes(type?.kind ?? '')
const isTemporal = (kind: Kind): boolean => kind === 'date' || kind.startsWith('timestamp')

export function describe(type: SqlType | null): string {
  return type === null ? 'NULL' : typeText(type)
}

export function wrongTypes(what: string, types: readonly (SqlType | null)[]): SqlError {
  const list = types.map(describe).join(', ')
  const text = `Invalid argument types for '${what}': (${list}). The development warehouse needs a cast here.`
  return new SqlError('001044', '42P13', `SQL compilation error:\n${text}`)
}

/** Text that is longer than its type fails instead of being cut: with a cast too, where Snowflake is not known to. */
function checkedLength(sql: string, type: SqlType): string {
  if (type.kind !== 'varchar') return sql
  const message = `'String ''' || left(${sql}, 100) || ''' is too long and would be truncated'`
  return `CASE WHEN length(${sql}) > ${type.length} THEN ${raise('100078', '22000', message)} ELSE ${sql} END`
}

function toText(value: Typed): string {
  const { sql, type } = value
  switch (type?.kind) {
    case 'variant':
    case 'object':
    case 'array':
      return `firn_variant_text(${sql})`
    case 'float':
      return `firn_double_text(CAST(${sql} AS VARCHAR))`
    case 'date':
      return `strftime(${sql}, '%Y-%m-%d')`
    case 'timestamp_ntz':
      return `strftime(${sql}, '%Y-%m-%d %H:%M:%S.%g')`
    case 'timestamp_ltz':
    case 'timestamp_tz':
      return `(strftime(${sql}, '%Y-%m-%d %H:%M:%S.%g') || ' +0000')`
    case 'varchar':
      return sql
    case 'number':
    case 'boolean':
    case 'time':
    case undefined:
      return `CAST(${sql} AS VARCHAR)`
  }
}

/** The value as normal JSON text. */
export function toVariant(value: Typed): string {
  const { sql, type } = value
  switch (type?.kind) {
    case undefined:
      return 'CAST(NULL AS VARCHAR)'
    case 'variant':
    case 'object':
    case 'array':
      return sql
    case 'boolean':
      return `CAST(${sql} AS VARCHAR)`
    case 'number':
      return `firn_from_number(CAST(${sql} AS VARCHAR))`
    case 'float':
      return `firn_from_double(CAST(${sql} AS VARCHAR))`
    case 'varchar':
    case 'date':
    case 'time':
    case 'timestamp_ntz':
    case 'timestamp_ltz':
    case 'timestamp_tz':
      return `firn_from_text(${toText(value)})`
  }
}

/** Which kinds a value may be cast to, beside its own, text and VARIANT. */
const castable: Readonly<Partial<Record<Kind, readonly Kind[]>>> = {
  varchar: ['number', 'float', 'boolean', 'date', 'time', 'timestamp_ntz', 'timestamp_ltz'],
  variant: ['number', 'float', 'boolean', 'date', 'timestamp_ntz', 'timestamp_ltz'],
  number: ['float', 'boolean'],
  float: ['number', 'boolean'],
  boolean: ['number'],
  date: ['timestamp_ntz', 'timestamp_ltz'],
  timestamp_ntz: ['date', 'time', 'timestamp_ltz'],
  timestamp_ltz: ['date', 'time', 'timestamp_ntz'],
  timestamp_tz: ['timestamp_ntz'],
}

/** `value::type`. With `attempt` a text that cannot be read gives NULL; Snowflake has that for text alone. */
export function cast(value: Typed, to: SqlType, attempt = false): string {
  const from = value.type
  const target = duckType(to)
  if (from === null) return `CAST(${value.sql} AS ${target})`
  if (attempt && from.kind !== 'varchar') {
    const text = `Function TRY_CAST cannot be used with arguments of types ${typeText(from)} and ${typeText(to)}`
    throw new SqlError('001065', '22023', `SQL compilation error:\n${text}`)
  }
  if (to.kind === 'varchar') {
    const text = toText(value)
    return from.kind === 'varchar' && from.length <= to.length ? text : checkedLength(text, to)
  }
  if (to.kind === 'variant') return toVariant(value)
  if (from.kind === to.kind && to.kind !== 'number') return value.sql
  if (from.kind !== to.kind && !castable[from.kind]?.includes(to.kind)) throw wrongTypes('CAST', [from, to])
  if (from.kind === 'variant') return fromVariant(value.sql, to)
  if (from.kind === 'boolean') return `CAST(CAST(${value.sql} AS INTEGER) AS ${target})`
  return `${attempt ? 'TRY_CAST' : 'CAST'}(${value.sql} AS ${target})`
}

function fromVariant(sql: string, to: SqlType): string {
  const what = to.kind === 'number' ? 'FIXED' : to.kind === 'float' ? 'REAL' : typeText(to)
  return `CAST(firn_variant_scalar(${sql}, ${constant(what)}) AS ${duckType(to)})`
}

/** What Snowflake converts by itself when a value is stored: the target's kinds by the value's. */
function isAssignable(from: Kind, to: Kind): boolean {
  if (from === to) return true
  if (to === 'variant') return from !== 'varchar'
  if (to === 'object' || to === 'array') return false
  if (from === 'variant' || from === 'varchar' || to === 'varchar') return from !== 'object' && from !== 'array'
  return (
    (isTemporal(from) && isTemporal(to)) ||
    (from === 'number' && to === 'float') ||
    (from === 'float' && to === 'number')
  )
}

/** The value as a column stores it. @throws SqlError 002023 where the types do not fit */
export function assign(value: Typed, column: { readonly name: string; readonly type: SqlType }): string {
  if (value.type !== null && !isAssignable(value.type.kind, column.type.kind)) {
    const text = `expecting ${typeText(column.type)} but got ${typeText(value.type)} for column ${column.name}`
    throw new SqlError(
      '002023',
      '22000',
      `SQL compilation error:\nExpression type does not match column data type, ${text}`,
    )
  }
  return checkedBytes(cast(value, column.type), column.type)
}

/** Bytes of one value: Snowflake's data type reference. */
const valueBytesMax = 134_217_728

/** Characters of up to four bytes fit into shorter columns in any case. */
function checkedBytes(sql: string, type: SqlType): string {
  if (!isJson(type) && !(type.kind === 'varchar' && type.length * 4 > valueBytesMax)) return sql
  const message = `'Max LOB size (${valueBytesMax}) exceeded, actual size of parsed column is ' || strlen(${sql})`
  return `CASE WHEN strlen(${sql}) > ${valueBytesMax} THEN ${raise('100082', '22000', message)} ELSE ${sql} END`
}

function widest(types: readonly Extract<SqlType, { kind: 'number' }>[]): SqlType {
  const scale = Math.max(...types.map((type) => type.scale))
  const whole = Math.max(...types.map((type) => type.precision - type.scale))
  return { kind: 'number', precision: Math.min(38, whole + scale), scale }
}

/** The type that all of these share; null where none has one. @throws SqlError where there is none */
export function shared(what: string, types: readonly (SqlType | null)[]): SqlType | null {
  const known = types.filter((type) => type !== null)
  const [first] = known
  if (first === undefined) return null
  const numbers = known.filter((type) => type.kind === 'number')
  if (numbers.length === known.length) return widest(numbers)
  if (known.every((type) => type.kind === 'number' || type.kind === 'float')) return float
  const texts = known.filter((type) => type.kind === 'varchar')
  if (texts.length === known.length) return { kind: 'varchar', length: Math.max(...texts.map((type) => type.length)) }
  if (known.every((type) => type.kind === first.kind)) return first
  if (known.every(isJson)) return variant
  throw wrongTypes(what, types)
}

/** The value as a shared type. */
export function as(value: Typed, type: SqlType | null): string {
  if (type === null || value.type === null) return value.sql
  if (type.kind === 'varchar' || isJson(type)) return value.sql
  return value.type.kind === 'number' && type.kind === 'number' ? value.sql : cast(value, type)
}

/** Text as a number with so many digits behind the point: never rounded, or unequal values would compare as equal. */
function exactNumber(sql: string, type: Extract<SqlType, { kind: 'number' }>): string {
  const digits = constant(`\\s*[+-]?\\d+(\\.\\d{0,${type.scale}}0*)?\\s*`)
  const message = `'Numeric value ''' || left(${sql}, 100) || ''' is not recognized'`
  const read = `CAST(${sql} AS DECIMAL(38, ${type.scale}))`
  return `CASE WHEN regexp_full_match(${sql}, ${digits}) THEN ${read} WHEN ${sql} IS NOT NULL THEN ${raise('100038', '22018', message)} END`
}

function towards(value: Typed, other: SqlType): string | null {
  const kind = value.type?.kind
  if (kind === 'varchar' && other.kind === 'number') return exactNumber(value.sql, other)
  if (kind === 'varchar' && (isTemporal(other.kind) || other.kind === 'boolean')) return cast(value, other)
  if (kind === 'variant' && other.kind === 'varchar') return toText(value)
  return null
}

/** Both sides as DuckDB compares them rightly; `ordered`: for less and greater too. */
export function comparable(operator: string, left: Typed, right: Typed, ordered: boolean): readonly [string, string] {
  const a = left.type
  const b = right.type
  if (ordered && (isJson(a) || isJson(b)) && a?.kind !== 'varchar' && b?.kind !== 'varchar') {
    throw wrongTypes(operator, [a, b])
  }
  const numeric = (kind: Kind) => kind === 'number' || kind === 'float'
  if (a === null || b === null || a.kind === b.kind || (isJson(a) && isJson(b))) return [left.sql, right.sql]
  if ((numeric(a.kind) && numeric(b.kind)) || (isTemporal(a.kind) && isTemporal(b.kind))) return [left.sql, right.sql]
  const leftAsRight = towards(left, b)
  if (leftAsRight !== null) return [leftAsRight, right.sql]
  const rightAsLeft = towards(right, a)
  if (rightAsLeft !== null) return [left.sql, rightAsLeft]
  throw wrongTypes(operator, [a, b])
}
