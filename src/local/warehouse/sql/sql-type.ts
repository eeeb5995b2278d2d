/**
 * Snowflake's types: how they are written, what DuckDB stores for each, and how SHOW and DESC print them.
 */
import type { SqlType } from './statement.ts'

/** Characters of VARCHAR without a length, and the most that may be declared: Snowflake's data type reference. */
export const varcharLengthDefault = 16_777_216
export const varcharLengthMax = 134_217_728

/** VARIANT, OBJECT and ARRAY are stored as VARCHAR: the normalised JSON text of variant.ts. Only the catalogue tells them from text. */
export function duckType(type: SqlType): string {
  switch (type.kind) {
    case 'number':
      return `DECIMAL(${type.precision}, ${type.scale})`
    case 'float':
      return 'DOUBLE'
    case 'boolean':
      return 'BOOLEAN'
    case 'date':
      return 'DATE'
    case 'time':
      return 'TIME'
    case 'timestamp_ntz':
      return 'TIMESTAMP'
    case 'timestamp_ltz':
    case 'timestamp_tz':
      return 'TIMESTAMP WITH TIME ZONE'
    case 'varchar':
    case 'variant':
    case 'object':
    case 'array':
      return 'VARCHAR'
  }
}

/** As DESC TABLE prints it: `NUMBER(38,0)`, `VARCHAR(16777216)`, `TIMESTAMP_NTZ(9)`. */
export function typeText(type: SqlType): string {
  switch (type.kind) {
    case 'number':
      return `NUMBER(${type.precision},${type.scale})`
    case 'varchar':
      return `VARCHAR(${type.length})`
    case 'time':
    case 'timestamp_ntz':
    case 'timestamp_ltz':
    case 'timestamp_tz':
      return `${type.kind.toUpperCase()}(${type.scale})`
    case 'float':
    case 'boolean':
    case 'date':
    case 'variant':
    case 'object':
    case 'array':
      return type.kind.toUpperCase()
  }
}
