/**
 * SHOW GRANTS: what was granted on an object, to a role or to a user; ownership is a row of its own, as in Snowflake.
 */
import type { Access } from './access.ts'
import type { Core } from './core.ts'
import type { Result } from '../engine.ts'
import { missing, nameText } from '../sql/name-resolution.ts'
import { listing, textType, timeCell, timeType } from './outcome.ts'
import { accountId } from './privileges.ts'
import type { GrantStatement, GrantTarget, Grantee } from '../sql/grant-statement.ts'
import type { Row } from './store.ts'

type ShowGrants = Extract<GrantStatement, { readonly kind: 'show grants' }>
type Shown = {
  readonly objectId: number
  readonly privilege: string
  readonly grantee: Grantee
  readonly grantedBy: string
  readonly createdMs: number
}

export function showGrants(core: Core, access: Access, user: string, { of }: ShowGrants): Result {
  if ('on' in of) return listed(core, grantsOn(core, access, of.on), false)
  const grantee: Grantee = of.to === 'current user' ? { kind: 'user', name: user } : of.to
  if (grantee.kind === 'role') {
    access.existing('role', [grantee.name])
    const owned = core.catalog.ownedBy(grantee.name).map((object) => ownership(object))
    return listed(core, [...core.grants.to(grantee), ...owned], false)
  }
  // Of other users only those may know who manage grants.
  if (!core.users.has(grantee.name) || (grantee.name !== user && !access.managesGrants))
    throw missing('user', [grantee.name])
  return listed(core, core.grants.to(grantee), true)
}

function grantsOn(core: Core, access: Access, on: GrantTarget): readonly Shown[] {
  if (on.scope === 'account') return core.grants.on(accountId)
  if (on.scope !== 'object') throw new Error(`SHOW GRANTS ON does not parse to ${on.scope}`)
  const object = access.managesGrants ? access.grantable(on.what, on.name) : access.existing(on.what, on.name)
  return [...core.grants.on(object.id), ...(object.owner === '' ? [] : [ownership(object)])]
}

function ownership({
  id,
  owner,
  createdMs,
}: {
  readonly id: number
  readonly owner: string
  readonly createdMs: number
}): Shown {
  return { objectId: id, privilege: 'OWNERSHIP', grantee: { kind: 'role', name: owner }, grantedBy: owner, createdMs }
}

/** A user's listing names the role in a column of its own too. */
function listed({ catalog }: Core, grants: readonly Shown[], ofUser: boolean): Result {
  const rows = grants.map(({ objectId, privilege, grantee, grantedBy, createdMs }): Row => {
    const object = objectId === accountId ? null : catalog.get(objectId)
    const kind = object ? object.kind.toUpperCase().replace(' ', '_') : 'ACCOUNT'
    const name = object ? nameText(object.name) : 'LOCAL'
    const head = [timeCell(createdMs), privilege, kind, name, ...(ofUser ? [name] : [])]
    return [...head, grantee.kind.toUpperCase(), grantee.name, 'false', grantedBy]
  })
  const names = [
    'privilege',
    'granted_on',
    'name',
    ...(ofUser ? ['role'] : []),
    'granted_to',
    'grantee_name',
    'grant_option',
    'granted_by',
  ]
  return listing('show', [['created_on', timeType], ...names.map((name) => [name, textType] as const)], sorted(rows))
}

/** By object, privilege and grantee. */
function sorted(rows: readonly Row[]): readonly Row[] {
  const key = ([, ...rest]: Row): string => JSON.stringify([rest[1], rest[2], ...rest])
  return [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}
