/**
 * Functions of time.
 */
import { cast, integer, wrongTypes } from './conversion.ts'
import { constantOf, nothing, whole } from './function-arguments.ts'
import type { Typed } from './scope.ts'
import { SqlError } from './statement.ts'
import type { SqlType } from './statement.ts'

const microsPerTick: Readonly<Record<string, string>> = { '0': '* 1000000', '3': '* 1000', '6': '', '9': '// 1000' }

/** A count of seconds since 1970, or of parts of one by the scale; or text. */
export function toTimestamp([value = nothing, scale]: readonly Typed[], name: string): Typed {
  const type: SqlType = { kind: 'timestamp_ntz', scale: 9 }
  if (value.type?.kind !== 'number') {
    if (scale !== undefined) throw wrongTypes(name, [value.type, scale.type])
    return { sql: cast(value, type), type }
  }
  const ticks = microsPerTick[scale === undefined ? '0' : constantOf(scale, name)]
  if (ticks === undefined || value.type.scale > 0) throw wrongTypes(name, [value.type, scale?.type ?? null])
  return { sql: `make_timestamp(CAST(${value.sql} AS BIGINT) ${ticks})`, type }
}

/** To UTC only, where every zoned time is here already; a time without a zone would be the session's. */
export function convertTimezone([zone = nothing, time = nothing]: readonly Typed[], name: string): Typed {
  if (constantOf(zone, name) !== 'UTC' || (time.type?.kind !== 'timestamp_ltz' && time.type?.kind !== 'timestamp_tz')) {
    throw wrongTypes(name, [zone.type, time.type])
  }
  return { sql: time.sql, type: { kind: 'timestamp_tz', scale: 9 } }
}

const dateParts = new Set([
  'YEAR',
  'QUARTER',
  'MONTH',
  'WEEK',
  'DAY',
  'HOUR',
  'MINUTE',
  'SECOND',
  'MILLISECOND',
  'MICROSECOND',
])
const smallParts = new Set(['HOUR', 'MINUTE', 'SECOND', 'MILLISECOND', 'MICROSECOND'])

/** Functions whose first argument is the name of a part of time. */
export const datePartFunctions: Readonly<
  Record<string, (part: string, args: readonly Typed[], name: string) => Typed>
> = {
  DATEDIFF: (part, [from = nothing, to = nothing], name) => {
    const ends = [from, to].map((end) => {
      if (end.type?.kind === 'date' || end.type?.kind.startsWith('timestamp')) return `CAST(${end.sql} AS TIMESTAMP)`
      throw wrongTypes(name, [from.type, to.type])
    })
    return { sql: `CAST(date_diff('${part}', ${ends.join(', ')}) AS DECIMAL(38, 0))`, type: integer(38) }
  },
  DATEADD: (part, [amount = nothing, time = nothing], name) => {
    const kind = time.type?.kind
    const isDate = kind === 'date'
    if (
      time.type === null ||
      (!isDate && !kind?.startsWith('timestamp')) ||
      (isDate && smallParts.has(part.toUpperCase()))
    ) {
      throw wrongTypes(name, [amount.type, time.type])
    }
    const moved = `(${time.sql} + to_${part}s(${whole(amount, name)}))`
    return { sql: isDate ? `CAST(${moved} AS DATE)` : moved, type: time.type }
  },
  DATE_TRUNC: (part, [time = nothing], name) => {
    if (time.type === null || !(time.type.kind === 'date' || time.type.kind.startsWith('timestamp')))
      throw wrongTypes(name, [time.type])
    return {
      sql: `CAST(date_trunc('${part}', ${time.sql}) AS ${time.type.kind === 'date' ? 'DATE' : time.type.kind === 'timestamp_ntz' ? 'TIMESTAMP' : 'TIMESTAMPTZ'})`,
      type: time.type,
    }
  },
}

/** DuckDB's word for a part; the singular that Snowflake lists first. @throws SqlError for any other one */
export function datePart(word: string): string {
  const part = word.toUpperCase()
  if (dateParts.has(part)) return part.toLowerCase()
  throw new SqlError(
    '001006',
    '42601',
    `SQL compilation error:\nThe development warehouse does not know the date part '${word}'.`,
  )
}
