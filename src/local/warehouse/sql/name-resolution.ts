/**
 * From a name as written to the whole name that it means in a session, and Snowflake's words for what is not there.
 * Whether there is an object of that name, and who may know of it, is access.ts's.
 */
import type { SessionState } from '../engine.ts'
import { type Name, type ObjectKind, SqlError } from './statement.ts'

export type Place = Pick<SessionState, 'database' | 'schema'>

/** As Snowflake prints a name in its messages. */
export function nameText(name: Name): string {
  return name.map((part) => (/^[A-Z_][A-Z0-9_$]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.')
}

/** Completes a name from where the session is. @throws SqlError 090105, 090106 where it is nowhere */
export function wholeName(kind: ObjectKind, name: Name, place: Place): Name {
  const partsMax = partsOf(kind)
  if (name.length > partsMax) {
    throw new SqlError('001003', '42000', `SQL compilation error:\n${nameText(name)} has too many parts for a ${kind}.`)
  }
  if (name.length === partsMax) return name
  if (place.database === null) throw nowhere('090105', 'database')
  if (name.length === partsMax - 1) {
    if (kind === 'schema') return [place.database, ...name]
    if (name.length === 2) return [place.database, ...name]
  }
  if (place.schema === null) throw nowhere('090106', 'schema')
  return [place.database, place.schema, ...name]
}

function partsOf(kind: ObjectKind): 1 | 2 | 3 {
  switch (kind) {
    case 'database':
    case 'role':
    case 'integration':
    case 'warehouse':
      return 1
    case 'schema':
      return 2
    case 'table':
    case 'view':
    case 'file format':
    case 'stage':
    case 'pipe':
    case 'stream':
    case 'task':
      return 3
  }
}

function nowhere(code: string, what: 'database' | 'schema'): SqlError {
  const hint = `Call 'USE ${what.toUpperCase()}', or use a qualified name.`
  return new SqlError(code, '22000', `Cannot perform operation. This session does not have a current ${what}. ${hint}`)
}

/** Says the same of what is not there and of what the role has no privilege on. */
export function missing(what: ObjectKind | 'object' | 'user', name: Name): SqlError {
  const kind = what.charAt(0).toUpperCase() + what.slice(1)
  const message = `SQL compilation error:\n${kind} '${nameText(name)}' does not exist or not authorized.`
  return new SqlError('002003', '02000', message)
}
