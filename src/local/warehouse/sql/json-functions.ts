/**
 * Functions that make and read VARIANT values.
 */
import { boolean, integer, isJson, toVariant, variant, varchar, wrongTypes } from './conversion.ts'
import { constant } from './duck-text.ts'
import { constantOf, many, nothing, text } from './function-arguments.ts'
import type { ScalarFunction } from './function-arguments.ts'
import type { Typed } from './scope.ts'
import { SqlError } from './statement.ts'

function parseJson(duck: string): ScalarFunction {
  return {
    least: 1,
    most: 2,
    emit: ([value = nothing, mode], name) => {
      const parameter = mode === undefined ? 's' : constantOf(mode, name)
      if (parameter !== 'd' && parameter !== 's') {
        throw new SqlError('001015', '22023', `SQL compilation error:\nInvalid parameter '${parameter}' of ${name}.`)
      }
      return { sql: `${duck}(${text(value, name)}, '${parameter}')`, type: variant }
    },
  }
}

/** Names are constants and come in their order; each name once. Values that are NULL stay, or go with their name. */
function objectConstruct(keepNull: boolean): ScalarFunction {
  return {
    least: 0,
    most: many,
    emit: (args, name) => {
      const members = new Map<string, Typed>()
      for (let i = 0; i < args.length; i += 2) {
        const key = constantOf(args[i], name)
        const value = args[i + 1]
        if (value === undefined)
          throw wrongTypes(
            name,
            args.map((arg) => arg.type),
          )
        if (members.has(key)) {
          throw new SqlError('100107', '22000', `Duplicate field key '${key}'`)
        }
        members.set(key, value)
      }
      const sorted = [...members].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      const texts = sorted.map(([key, value]) => {
        const member = `${constant(`${JSON.stringify(key)}:`)} || ${keepNull ? `COALESCE(${toVariant(value)}, 'null')` : toVariant(value)}`
        return `(${member})`
      })
      const inner = texts.length === 0 ? "''" : `concat_ws(',', ${texts.join(', ')})`
      return { sql: `('{' || ${inner} || '}')`, type: { kind: 'object' } }
    },
  }
}

export const jsonFunctions: Readonly<Record<string, ScalarFunction>> = {
  PARSE_JSON: parseJson('firn_parse_json'),
  TRY_PARSE_JSON: parseJson('firn_try_parse_json'),
  TO_JSON: {
    least: 1,
    most: 1,
    emit: ([value = nothing], name) => {
      if (!isJson(value.type)) throw wrongTypes(name, [value.type])
      return { sql: value.sql, type: varchar }
    },
  },
  TYPEOF: {
    least: 1,
    most: 1,
    emit: ([value = nothing], name) => {
      if (value.type?.kind !== 'variant') throw wrongTypes(name, [value.type])
      return { sql: `firn_variant_kind(${value.sql})`, type: varchar }
    },
  },
  IS_NULL_VALUE: {
    least: 1,
    most: 1,
    emit: ([value = nothing], name) => {
      if (value.type?.kind !== 'variant') throw wrongTypes(name, [value.type])
      return { sql: `(${value.sql} = 'null')`, type: boolean }
    },
  },
  OBJECT_CONSTRUCT: objectConstruct(false),
  OBJECT_CONSTRUCT_KEEP_NULL: objectConstruct(true),
  ARRAY_SIZE: {
    least: 1,
    most: 1,
    emit: ([value = nothing], name) => {
      if (!isJson(value.type)) throw wrongTypes(name, [value.type])
      return { sql: `CAST(firn_array_size(${value.sql}) AS DECIMAL(9, 0))`, type: integer(9) }
    },
  },
}
