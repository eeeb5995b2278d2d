/**
 * What a scalar function is, and how it reads its arguments.
 */
import { cast, varchar, wrongTypes } from './conversion.ts'
import type { Typed } from './scope.ts'
import { SqlError } from './statement.ts'

export type ScalarFunction = {
  readonly least: number
  readonly most: number
  readonly emit: (args: readonly Typed[], name: string) => Typed
}

export const nothing: Typed = { sql: 'NULL', type: null }
export const many = 200

/** The argument as text; anything but text needs a cast first. */
export function text(arg: Typed | undefined, name: string): string {
  if (arg === undefined) return 'NULL'
  if (arg.type === null || arg.type.kind === 'varchar') return arg.sql
  if (arg.type.kind === 'variant') return cast(arg, varchar)
  throw wrongTypes(name, [arg.type])
}

export function whole(arg: Typed | undefined, name: string): string {
  if (arg?.type?.kind !== 'number') throw wrongTypes(name, [arg?.type ?? null])
  return `CAST(${arg.sql} AS BIGINT)`
}

export function constantOf(arg: Typed | undefined, name: string): string {
  if (typeof arg?.constant === 'string') return arg.constant
  throw new SqlError('001015', '22023', `SQL compilation error:\nargument of function ${name} needs to be constant.`)
}
