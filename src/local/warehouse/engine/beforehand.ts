/**
 * What an account has before its first statement: the built-in roles, and the warehouses, storage integrations, roles and
 * users that whoever starts the development warehouse hands in. What is there already stays as it is, what was revoked of it
 * comes back at the next start.
 */
import { type Core, writing } from './core.ts'
import type { Definitions } from './catalog.ts'
import type { Grantee } from '../sql/grant-statement.ts'
import type { ObjectKind } from '../sql/statement.ts'
import { accountId, type AccountPrivilege, builtInGrants, builtInRoles, type Privilege } from './privileges.ts'

/** Names as Snowflake keeps them: upper case. */
export type EngineUser = {
  readonly name: string
  /** in use after a login that names none */
  readonly defaultRole: string
  /** granted to the user, the default one among them */
  readonly roles: readonly string[]
}

/** May use every warehouse and storage integration that is handed in. */
export type EngineRole = { readonly name: string; readonly accountPrivileges: readonly AccountPrivilege[] }

export type Beforehand = {
  readonly users: readonly EngineUser[]
  readonly roles: readonly EngineRole[]
  readonly warehouses: readonly string[]
  readonly storageIntegrations: readonly string[]
}

const administrator = 'ACCOUNTADMIN'

/** To whom the objects of a folder belong that was written before objects had an owner: who made them, in all likelihood. */
export function formerOwner({ users }: Beforehand): string {
  return users[0]?.defaultRole ?? administrator
}

export async function makeBeforehand(
  core: Core,
  { users, roles, warehouses, storageIntegrations }: Beforehand,
): Promise<void> {
  for (const role of builtInRoles) await ensure(core, 'role', role, { comment: null }, '')
  for (const { name } of roles) await ensure(core, 'role', name, { comment: null }, administrator)
  for (const name of warehouses) await ensure(core, 'warehouse', name, { comment: null }, administrator)
  for (const name of storageIntegrations) {
    await ensure(core, 'integration', name, { comment: null, roleArn: null, allowedLocations: ['*'] }, administrator)
  }
  await writing(core, async (transaction) => {
    const give = (objectId: number | undefined, privilege: Privilege, grantee: Grantee): Promise<void> => {
      if (objectId === undefined)
        throw new Error(`${privilege} cannot be granted to ${grantee.name}: there is no such object`)
      const grant = { objectId, privilege, grantee, grantedBy: administrator, createdMs: core.clock.nowMs() }
      return core.grants.add(transaction, grant)
    }
    const idOf = (kind: ObjectKind, name: string): number | undefined => core.catalog.find(kind, [name])?.id
    for (const { role, inherits, account } of builtInGrants) {
      for (const inner of inherits) await give(idOf('role', inner), 'USAGE', { kind: 'role', name: role })
      for (const privilege of account) await give(accountId, privilege, { kind: 'role', name: role })
    }
    for (const { name, accountPrivileges } of roles) {
      const grantee = { kind: 'role', name } as const
      for (const privilege of accountPrivileges) await give(accountId, privilege, grantee)
      for (const warehouse of warehouses) await give(idOf('warehouse', warehouse), 'USAGE', grantee)
      for (const integration of storageIntegrations) await give(idOf('integration', integration), 'USAGE', grantee)
    }
    for (const { name, defaultRole, roles: granted } of users) {
      for (const role of new Set([defaultRole, ...granted])) {
        if (role !== 'PUBLIC') await give(idOf('role', role), 'USAGE', { kind: 'user', name })
      }
    }
  })
}

async function ensure<K extends 'role' | 'warehouse' | 'integration'>(
  core: Core,
  kind: K,
  name: string,
  definition: Definitions[K],
  owner: string,
): Promise<void> {
  if (core.catalog.find(kind, [name])) return
  await writing(core, (transaction) =>
    core.catalog.create<K>(transaction, { kind, name: [name], createdMs: core.clock.nowMs(), owner, definition }),
  )
}
