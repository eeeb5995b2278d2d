/**
 * Aggregates and window functions: which there are, and what each is in DuckDB.
 */
import { boolean, integer, isJson, varchar, wrongTypes } from './conversion.ts'
import type { Typed } from './scope.ts'
import type { SqlType } from './statement.ts'
import { duckType } from './sql-type.ts'

/** A call's other parts as DuckDB text: `DISTINCT `, ` ORDER BY ...`, ` IGNORE NULLS`, ` OVER (...)`, or ''. */
export type CallParts = {
  readonly distinct: string
  readonly order: string
  readonly nulls: string
  readonly over: string
}

export type Aggregate = {
  readonly least: number
  readonly most: number
  /** may stand without OVER, and with DISTINCT */
  readonly aggregates: boolean
  /** counts rows when its argument is `*` */
  readonly star?: boolean
  /** may have WITHIN GROUP */
  readonly ordered?: boolean
  /** may have IGNORE NULLS */
  readonly skipsNulls?: boolean
  /** sees the whole partition where no frame is given */
  readonly wholePartition?: boolean
  readonly emit: (args: readonly Typed[], parts: CallParts, name: string) => Typed
}

const nothing: Typed = { sql: 'NULL', type: null }

const cast = (sql: string, type: SqlType): Typed => ({ sql: `CAST(${sql} AS ${duckType(type)})`, type })

const counting: Aggregate['emit'] = (args, { distinct, over }) => {
  const inner = args.length === 0 ? '*' : args.map((arg) => arg.sql).join(', ')
  return cast(`count(${distinct}${inner})${over}`, integer(18))
}

/** The greatest, the least, any: the type stays. */
function picking(duck: string, json: boolean): Aggregate['emit'] {
  return ([value = nothing], { over }, name) => {
    if (!json && isJson(value.type)) throw wrongTypes(name, [value.type])
    return { sql: `${duck}(${value.sql})${over}`, type: value.type }
  }
}

const sum: Aggregate['emit'] = ([value = nothing], { distinct, over }, name) => {
  const sql = `sum(${distinct}${value.sql})${over}`
  if (value.type?.kind === 'float') return { sql, type: value.type }
  if (value.type?.kind !== 'number') throw wrongTypes(name, [value.type])
  return cast(sql, { ...value.type, precision: 38 })
}

/** Six digits more than the argument has, at most twelve, as Snowflake divides. */
const average: Aggregate['emit'] = ([value = nothing], { distinct, over }, name) => {
  if (value.type?.kind === 'float') return { sql: `avg(${distinct}${value.sql})${over}`, type: value.type }
  if (value.type?.kind !== 'number') throw wrongTypes(name, [value.type])
  const scale = Math.max(value.type.scale, Math.min(value.type.scale + 6, 12))
  const total = `CAST(sum(${distinct}${value.sql})${over} AS VARCHAR)`
  const count = `CAST(nullif(count(${distinct}${value.sql})${over}, 0) AS VARCHAR)`
  return cast(`firn_arithmetic('/', ${total}, ${count}, '${scale}')`, { kind: 'number', precision: 38, scale })
}

const listing: Aggregate['emit'] = ([value = nothing, delimiter], { distinct, order, over }, name) => {
  if (value.type?.kind !== 'varchar') throw wrongTypes(name, [value.type])
  const listed = `string_agg(${distinct}${value.sql}, ${delimiter?.sql ?? "''"}${order})${over}`
  return { sql: `COALESCE(${listed}, '')`, type: varchar }
}

const ranking = (duck: string): Aggregate => ({
  least: 0,
  most: 0,
  aggregates: false,
  emit: (_args, { over }) => cast(`${duck}()${over}`, integer(18)),
})

const neighbour = (duck: string): Aggregate => ({
  least: 1,
  most: 2,
  aggregates: false,
  skipsNulls: true,
  emit: ([value = nothing, distance], { nulls, over }) => {
    const by = distance === undefined ? '' : `, CAST(${distance.sql} AS BIGINT)`
    return { sql: `${duck}(${value.sql}${by}${nulls})${over}`, type: value.type }
  },
})

const edge = (duck: string): Aggregate => ({
  least: 1,
  most: 1,
  aggregates: false,
  skipsNulls: true,
  wholePartition: true,
  emit: ([value = nothing], { nulls, over }) => ({ sql: `${duck}(${value.sql}${nulls})${over}`, type: value.type }),
})

const one = { least: 1, most: 1, aggregates: true } as const

export const aggregates: Readonly<Record<string, Aggregate>> = {
  COUNT: { ...one, star: true, emit: counting },
  COUNT_IF: {
    ...one,
    // DuckDB's own gives NULL where there is no row at all.
    emit: ([value = nothing], parts, name) => {
      if (value.type?.kind !== boolean.kind) throw wrongTypes(name, [value.type])
      return counting([{ sql: `CASE WHEN ${value.sql} THEN TRUE END`, type: boolean }], parts, name)
    },
  },
  SUM: { ...one, emit: sum },
  AVG: { ...one, emit: average },
  MIN: { ...one, emit: picking('min', false) },
  MAX: { ...one, emit: picking('max', false) },
  ANY_VALUE: { ...one, emit: picking('any_value', true) },
  LISTAGG: { least: 1, most: 2, aggregates: true, ordered: true, emit: listing },
  ROW_NUMBER: ranking('row_number'),
  RANK: ranking('rank'),
  DENSE_RANK: ranking('dense_rank'),
  LAG: neighbour('lag'),
  LEAD: neighbour('lead'),
  FIRST_VALUE: edge('first_value'),
  LAST_VALUE: edge('last_value'),
}
