/**
 * From a name as written to the object that it means in a session, or to Snowflake's refusal.
 */
import type { Catalog, CatalogObject } from '../engine/catalog.ts'
import type { SessionState } from '../engine.ts'
import { type Name, type ObjectKind, SqlError } from './statement.ts'

export type Place = Pick<SessionState, 'database' | 'schema'>

/** As Snowflake prints a name in its messages. */
export function nameText(name: Name): string {
  return name.map((part) => (/^[A-Z_][A-Z0-9_$]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.')
}

/** Completes a name from where the session is. @throws SqlError 090105, 090106 where it is nowhere */
export function wholeName(kind: ObjectKind, name: Name, place: Place): Name {
  const partsMax = kind === 'database' ? 1 : kind === 'schema' ? 2 : 3
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

function nowhere(code: string, what: 'database' | 'schema'): SqlError {
  const hint = `Call 'USE ${what.toUpperCase()}', or use a qualified name.`
  return new SqlError(code, '22000', `Cannot perform operation. This session does not have a current ${what}. ${hint}`)
}

/** @throws SqlError 002003 where there is none */
export function existing<K extends ObjectKind>(catalog: Catalog, kind: K, name: Name, place: Place): CatalogObject<K> {
  const whole = wholeName(kind, name, place)
  const object = catalog.find(kind, whole)
  if (!object) throw missing(kind, whole)
  return object
}

/** The table, view or stream of a name after FROM. @throws SqlError 002003 */
export function existingRelation(
  catalog: Catalog,
  name: Name,
  place: Place,
): NonNullable<ReturnType<Catalog['relation']>> {
  const whole = wholeName('table', name, place)
  const object = catalog.relation(whole)
  if (!object) throw missing('object', whole)
  return object
}

/** The database and schema that a new object goes into must be there. @throws SqlError 002003 */
export function checkContainer(catalog: Catalog, name: Name): void {
  const [database = '', schema] = name
  if (name.length > 1 && !catalog.find('database', [database])) throw missing('database', [database])
  if (name.length > 2 && schema !== undefined && !catalog.find('schema', [database, schema])) {
    throw missing('schema', [database, schema])
  }
}

export function missing(what: ObjectKind | 'object' | 'integration' | 'role' | 'warehouse', name: Name): SqlError {
  const kind = what.charAt(0).toUpperCase() + what.slice(1)
  const message = `SQL compilation error:\n${kind} '${nameText(name)}' does not exist or not authorized.`
  return new SqlError('002003', '02000', message)
}
