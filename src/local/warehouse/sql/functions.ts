/**
 * Which scalar functions there are, and what each is in DuckDB. A function is here only if it answers as Snowflake does.
 * Functions of VARIANT and of time have files of their own, and so have aggregates.
 */
import {
  as,
  boolean,
  cast,
  comparable,
  float,
  integer,
  isJson,
  shared,
  variant,
  varchar,
  wrongTypes,
} from './conversion.ts'
import { convertTimezone, toTimestamp } from './date-functions.ts'
import { constantOf, many, nothing, text, whole } from './function-arguments.ts'
import type { ScalarFunction } from './function-arguments.ts'
import { jsonFunctions } from './json-functions.ts'
import type { Typed } from './scope.ts'
import type { SqlType } from './statement.ts'

/** A function of texts whose name and meaning DuckDB shares. */
function ofText(least: number, most: number, type: SqlType, duck: string): ScalarFunction {
  return {
    least,
    most,
    emit: (args, name) => ({ sql: `${duck}(${args.map((arg) => text(arg, name)).join(', ')})`, type }),
  }
}

function oneOf(args: readonly Typed[], name: string, sql: (values: readonly string[]) => string): Typed {
  const type = shared(
    name,
    args.map((arg) => arg.type),
  )
  return { sql: sql(args.map((arg) => as(arg, type))), type }
}

const coalesce: ScalarFunction = {
  least: 2,
  most: many,
  emit: (args, name) => oneOf(args, name, (values) => `COALESCE(${values.join(', ')})`),
}

/** NULL among the arguments makes the result NULL; DuckDB would leave it out. */
function extreme(duck: string): ScalarFunction {
  return {
    least: 1,
    most: many,
    emit: (args, name) => {
      if (args.some((arg) => isJson(arg.type)))
        throw wrongTypes(
          name,
          args.map((arg) => arg.type),
        )
      return oneOf(args, name, (values) => {
        const missing = values.map((value) => `${value} IS NULL`).join(' OR ')
        return `CASE WHEN ${missing} THEN NULL ELSE ${duck}(${values.join(', ')}) END`
      })
    },
  }
}

function toNumber([value = nothing, precision, scale]: readonly Typed[], name: string): Typed {
  const size = (arg: Typed | undefined, otherwise: number) =>
    arg === undefined ? otherwise : Number(constantOf(arg, name))
  const type: SqlType = { kind: 'number', precision: size(precision, 38), scale: size(scale, 0) }
  if (!(type.precision >= 1 && type.precision <= 38 && type.scale >= 0 && type.scale <= type.precision)) {
    throw wrongTypes(name, [type])
  }
  return { sql: cast(value, type), type }
}

const converter = (type: SqlType): ScalarFunction => ({
  least: 1,
  most: 1,
  emit: ([value = nothing]) => ({ sql: cast(value, type), type }),
})

function rounding(duck: string): ScalarFunction {
  return {
    least: 1,
    most: 1,
    emit: ([value = nothing], name) => {
      if (value.type?.kind === 'float') return { sql: `${duck}(${value.sql})`, type: float }
      if (value.type?.kind !== 'number') throw wrongTypes(name, [value.type])
      const { precision, scale } = value.type
      const type = integer(Math.max(1, Math.min(38, precision - scale + 1)))
      return { sql: `CAST(${duck}(${value.sql}) AS DECIMAL(${type.kind === 'number' ? type.precision : 38}, 0))`, type }
    },
  }
}

function round([value = nothing, places]: readonly Typed[], name: string): Typed {
  const kept = places === undefined ? 0 : Number(constantOf(places, name))
  if (value.type?.kind !== 'number' || !Number.isInteger(kept) || kept < 0) throw wrongTypes(name, [value.type])
  const type: SqlType = { ...value.type, scale: Math.min(kept, value.type.scale) }
  return {
    sql: `CAST(${value.sql} AS DECIMAL(${Math.min(38, type.precision + 1)}, ${type.scale}))`,
    type: { ...type, precision: Math.min(38, type.precision + 1) },
  }
}

function absolute([value = nothing]: readonly Typed[], name: string): Typed {
  if (value.type?.kind !== 'number' && value.type?.kind !== 'float') throw wrongTypes(name, [value.type])
  return { sql: `abs(${value.sql})`, type: value.type }
}

const timestampLtz: SqlType = { kind: 'timestamp_ltz', scale: 9 }

const scalarFunctions: Readonly<Record<string, ScalarFunction>> = {
  COALESCE: coalesce,
  NVL: { ...coalesce, most: 2 },
  IFNULL: { ...coalesce, most: 2 },
  IFF: {
    least: 3,
    most: 3,
    emit: ([condition = nothing, ...rest], name) =>
      oneOf(rest, name, (values) => `CASE WHEN ${condition.sql} THEN ${values.join(' ELSE ')} END`),
  },
  NULLIF: {
    least: 2,
    most: 2,
    emit: ([left = nothing, right = nothing], name) => {
      const [a, b] = comparable(name, left, right, false)
      return { sql: `CASE WHEN ${a} = ${b} THEN NULL ELSE ${left.sql} END`, type: left.type }
    },
  },
  GREATEST: extreme('greatest'),
  LEAST: extreme('least'),
  CONCAT: {
    least: 1,
    most: many,
    emit: (args, name) => ({ sql: `(${args.map((arg) => text(arg, name)).join(' || ')})`, type: varchar }),
  },
  LOWER: ofText(1, 1, varchar, 'lower'),
  UPPER: ofText(1, 1, varchar, 'upper'),
  TRIM: ofText(1, 1, varchar, 'trim'),
  REPLACE: ofText(3, 3, varchar, 'replace'),
  MD5: ofText(1, 1, varchar, 'md5'),
  LENGTH: ofText(1, 1, integer(18), 'length'),
  STARTSWITH: ofText(2, 2, boolean, 'starts_with'),
  ENDSWITH: ofText(2, 2, boolean, 'ends_with'),
  CONTAINS: ofText(2, 2, boolean, 'contains'),
  SUBSTR: {
    least: 2,
    most: 3,
    emit: ([value, ...places], name) => ({
      sql: `substr(${[text(value, name), ...places.map((place) => whole(place, name))].join(', ')})`,
      type: varchar,
    }),
  },
  SPLIT_PART: {
    least: 3,
    most: 3,
    emit: ([value, delimiter, part], name) => ({
      sql: `split_part(${text(value, name)}, ${text(delimiter, name)}, ${whole(part, name)})`,
      type: varchar,
    }),
  },
  SHA2: {
    least: 1,
    most: 2,
    emit: ([value, bits], name) => {
      if (bits !== undefined && constantOf(bits, name) !== '256') throw wrongTypes(name, [bits.type])
      return { sql: `sha256(${text(value, name)})`, type: varchar }
    },
  },
  TO_VARCHAR: converter(varchar),
  TO_BOOLEAN: converter(boolean),
  TO_DOUBLE: converter(float),
  TO_DATE: converter({ kind: 'date' }),
  TO_VARIANT: converter(variant),
  TO_NUMBER: { least: 1, most: 3, emit: toNumber },
  TO_TIMESTAMP_NTZ: { least: 1, most: 2, emit: toTimestamp },
  CONVERT_TIMEZONE: { least: 2, most: 2, emit: convertTimezone },
  ABS: { least: 1, most: 1, emit: absolute },
  ROUND: { least: 1, most: 2, emit: round },
  FLOOR: rounding('floor'),
  CEIL: rounding('ceil'),
  ...jsonFunctions,
  // The start of the transaction, where Snowflake has the start of the statement.
  SYSDATE: {
    least: 0,
    most: 0,
    emit: () => ({ sql: "(now() AT TIME ZONE 'UTC')", type: { kind: 'timestamp_ntz', scale: 9 } }),
  },
  CURRENT_TIMESTAMP: { least: 0, most: 0, emit: () => ({ sql: 'now()', type: timestampLtz }) },
  CURRENT_DATE: { least: 0, most: 0, emit: () => ({ sql: 'current_date', type: { kind: 'date' } }) },
}

const synonyms: Readonly<Record<string, string>> = {
  LEN: 'LENGTH',
  SUBSTRING: 'SUBSTR',
  TO_CHAR: 'TO_VARCHAR',
  TO_DECIMAL: 'TO_NUMBER',
  TO_NUMERIC: 'TO_NUMBER',
  TO_TIMESTAMP: 'TO_TIMESTAMP_NTZ',
  CEILING: 'CEIL',
  SHA2_HEX: 'SHA2',
  MD5_HEX: 'MD5',
}

export function scalarFunction(name: string): ScalarFunction | undefined {
  const known = synonyms[name] ?? name
  return Object.hasOwn(scalarFunctions, known) ? scalarFunctions[known] : undefined
}
