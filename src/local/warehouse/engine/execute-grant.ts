/**
 * GRANT and REVOKE: who may give what to whom, and what it changes in the catalogue. What a privilege allows is access.ts's.
 */
import { type Access, inheritedRoles } from './access.ts'
import type { CatalogObject } from './catalog.ts'
import { type Core, writing } from './core.ts'
import type { Result } from '../engine.ts'
import { missing, nameText } from '../sql/name-resolution.ts'
import { done } from './outcome.ts'
import { accountId, type Privilege, privilegesOf } from './privileges.ts'
import type { GrantStatement, GrantTarget, Grantee } from '../sql/grant-statement.ts'
import { SqlError } from '../sql/statement.ts'
import type { Transaction } from './transaction.ts'

type Of<K extends GrantStatement['kind']> = Extract<GrantStatement, { readonly kind: K }>

export type Granting = Exclude<GrantStatement, { readonly kind: 'show grants' }>

export async function executeGrant(core: Core, access: Access, statement: Granting): Promise<Result> {
  await writing(core, async (transaction) => {
    switch (statement.kind) {
      case 'grant role':
      case 'revoke role':
        await grantRole(core, access, transaction, statement)
        return
      case 'grant':
      case 'revoke':
        await grantPrivileges(core, access, transaction, statement)
        return
      case 'grant ownership':
        await grantOwnership(core, access, transaction, statement)
        return
    }
  })
  return done
}

async function grantRole(
  core: Core,
  access: Access,
  transaction: Transaction,
  { kind, role, grantee }: Of<'grant role' | 'revoke role'>,
): Promise<void> {
  checkGrantee(core, grantee)
  const { id: objectId } = access.grantable('role', [role])
  const grant = { objectId, privilege: 'USAGE', grantee } as const
  if (kind === 'revoke role') {
    await core.grants.remove(transaction, grant)
    return
  }
  // Every role has PUBLIC, and PUBLIC may have any.
  if (
    grantee.kind === 'role' &&
    grantee.name !== 'PUBLIC' &&
    inheritedRoles(core, { kind: 'role', name: role }).has(grantee.name)
  ) {
    const text = `Role '${nameText([role])}' cannot be granted to '${nameText([grantee.name])}', whose privileges it has.`
    throw new SqlError('001003', '42000', `SQL compilation error:\n${text}`)
  }
  await core.grants.add(transaction, { ...grant, grantedBy: access.role, createdMs: core.clock.nowMs() })
}

async function grantPrivileges(
  core: Core,
  access: Access,
  transaction: Transaction,
  { kind, privileges: named, on, role }: Of<'grant' | 'revoke'>,
): Promise<void> {
  const grantee = { kind: 'role', name: role } as const
  checkGrantee(core, grantee)
  const privileges = privilegesOf(on.scope === 'account' ? 'account' : on.what, named)
  if (on.scope === 'future') {
    const { id: schemaId } = access.grantable('schema', on.schema)
    for (const privilege of privileges) {
      const future = { schemaId, kind: on.what, privilege, role }
      if (kind === 'revoke') await core.grants.removeFuture(transaction, future)
      else await core.grants.addFuture(transaction, { ...future, grantedBy: access.role })
    }
    return
  }
  for (const objectId of targets(core, access, on)) {
    for (const privilege of privileges) {
      const grant = { objectId, privilege, grantee }
      if (kind === 'revoke') await core.grants.remove(transaction, grant)
      else await core.grants.add(transaction, { ...grant, grantedBy: access.role, createdMs: core.clock.nowMs() })
    }
  }
}

/** What the privileges are granted on, once it is clear that the role may grant them on all of it. */
function targets(
  core: Core,
  access: Access,
  on: Exclude<GrantTarget, { readonly scope: 'future' }>,
): readonly number[] {
  switch (on.scope) {
    case 'account':
      // What holds in the whole account is given by the account's administrators alone.
      if (access.isAdministrator) return [accountId]
      throw new SqlError('003102', '42501', 'Grant not executed: Insufficient privileges.')
    case 'object':
      return [access.grantable(on.what, on.name).id]
    case 'all': {
      const { name } = access.managesGrants
        ? access.grantable('schema', on.schema)
        : access.existing('schema', on.schema, 'USAGE')
      const objects = core.catalog.within(name).filter((object) => object.kind === on.what)
      return objects.map((object) => access.grantable(object.kind, object.name).id)
    }
  }
}

async function grantOwnership(
  core: Core,
  access: Access,
  transaction: Transaction,
  { what, name, role, currentGrants }: Of<'grant ownership'>,
): Promise<void> {
  checkGrantee(core, { kind: 'role', name: role })
  const object = access.grantable(what, name)
  if (object.owner === '')
    throw new SqlError('003001', '42501', `SQL access control error:\nNobody owns the role '${nameText(object.name)}'.`)
  checkAtRest(object)
  const given = core.grants.on(object.id)
  const [dependent] = given
  if (dependent && currentGrants === 'refuse') throw outstanding(object, dependent.privilege, dependent.grantee)
  if (currentGrants === 'revoke') for (const grant of given) await core.grants.remove(transaction, grant)
  await core.catalog.transfer(transaction, object, role)
}

/** What runs with its owner's rights does not change hands while it runs. */
function checkAtRest(object: CatalogObject): void {
  const name = nameText(object.name)
  if (object.kind === 'task' && (object as CatalogObject<'task'>).definition.state === 'started') {
    const text = `Unable to update graph with root task ${name} since that root task is not suspended.`
    throw new SqlError('091421', '22000', text)
  }
  if (object.kind === 'pipe' && !(object as CatalogObject<'pipe'>).definition.paused) {
    throw new SqlError(
      '001003',
      '42000',
      `SQL compilation error:\nPipe ${name} must be paused before its ownership is granted.`,
    )
  }
}

function outstanding({ name }: CatalogObject, privilege: Privilege, grantee: Grantee): SqlError {
  const text = `Dependent grant of privilege '${privilege}' on securable '${nameText(name)}' to ${grantee.kind} '${grantee.name}' exists.`
  const hint = 'It must be revoked first, or name COPY CURRENT GRANTS or REVOKE CURRENT GRANTS.'
  return new SqlError('003036', '23001', `SQL execution error: ${text} ${hint}`)
}

/** Anybody may grant to anybody who is there. */
function checkGrantee({ catalog, users }: Core, { kind, name }: Grantee): void {
  const there = kind === 'role' ? catalog.find('role', [name]) !== null : users.has(name)
  if (!there) throw missing(kind, [name])
}
