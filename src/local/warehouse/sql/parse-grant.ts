/**
 * GRANT, REVOKE and SHOW GRANTS. Which privileges an object has is the engine's to say: any words may stand for one here.
 */
import type { Cursor } from './cursor.ts'
import type { GrantStatement, GrantTarget, Grantee } from './grant-statement.ts'
import { objectKind } from './parse-kind.ts'
import type { Name, ObjectKind } from './statement.ts'

export function parseGrant(cursor: Cursor): GrantStatement {
  if (cursor.accept('ROLE')) return roleGrant(cursor, 'grant role', 'TO')
  if (cursor.accept('OWNERSHIP')) return ownership(cursor)
  return privileges(cursor, 'grant', 'TO')
}

export function parseRevoke(cursor: Cursor): GrantStatement {
  if (cursor.accept('ROLE')) return roleGrant(cursor, 'revoke role', 'FROM')
  return privileges(cursor, 'revoke', 'FROM')
}

/** What follows SHOW GRANTS; nothing: TO USER, and the user is the one who asks. */
export function showGrants(cursor: Cursor): GrantStatement {
  if (cursor.accept('TO')) return { kind: 'show grants', of: { to: grantee(cursor) } }
  if (!cursor.accept('ON')) return { kind: 'show grants', of: { to: 'current user' } }
  if (cursor.accept('ACCOUNT')) return { kind: 'show grants', of: { on: { scope: 'account' } } }
  return { kind: 'show grants', of: { on: { scope: 'object', ...object(cursor) } } }
}

function grantee(cursor: Cursor): Grantee {
  if (cursor.accept('USER')) return { kind: 'user', name: cursor.identifier() }
  cursor.expect('ROLE')
  return { kind: 'role', name: cursor.identifier() }
}

function roleGrant(cursor: Cursor, kind: 'grant role' | 'revoke role', preposition: 'TO' | 'FROM'): GrantStatement {
  const role = cursor.identifier()
  cursor.expect(preposition)
  return { kind, role, grantee: grantee(cursor) }
}

function privileges(cursor: Cursor, kind: 'grant' | 'revoke', preposition: 'TO' | 'FROM'): GrantStatement {
  const given = cursor.list(() => privilege(cursor))
  cursor.expect('ON')
  const on = target(cursor)
  return { kind, privileges: given, on, role: toRole(cursor, preposition) }
}

/** `SELECT`, `CREATE FILE FORMAT`, `ALL PRIVILEGES`. */
function privilege(cursor: Cursor): string {
  const words: string[] = []
  for (let token = cursor.peek(); token?.kind === 'word' && token.value !== 'ON'; token = cursor.peek()) {
    words.push(token.value)
    cursor.at += 1
  }
  if (words.length === 0) throw cursor.refuse()
  const name = words.join(' ')
  return name === 'ALL PRIVILEGES' ? 'ALL' : name
}

function target(cursor: Cursor): GrantTarget {
  if (cursor.accept('ACCOUNT')) return { scope: 'account' }
  for (const scope of ['all', 'future'] as const) {
    if (!cursor.accept(scope.toUpperCase())) continue
    const token = cursor.peek()
    const what = objectKind(cursor, true)
    if (['database', 'schema', 'role', 'integration', 'warehouse'].includes(what)) throw cursor.refuse(token)
    cursor.expect('IN', 'SCHEMA')
    return { scope, what, schema: cursor.name(2) }
  }
  return { scope: 'object', ...object(cursor) }
}

function object(cursor: Cursor): { readonly what: ObjectKind; readonly name: Name } {
  return { what: objectKind(cursor, false), name: cursor.name() }
}

/** The word ROLE may be left out. */
function toRole(cursor: Cursor, preposition: 'TO' | 'FROM'): string {
  cursor.expect(preposition)
  cursor.accept('ROLE')
  return cursor.identifier()
}

function ownership(cursor: Cursor): GrantStatement {
  cursor.expect('ON')
  const { what, name } = object(cursor)
  const role = toRole(cursor, 'TO')
  const copy = cursor.accept('COPY', 'CURRENT', 'GRANTS')
  const revoke = !copy && cursor.accept('REVOKE', 'CURRENT', 'GRANTS')
  return { kind: 'grant ownership', what, name, role, currentGrants: copy ? 'copy' : revoke ? 'revoke' : 'refuse' }
}
