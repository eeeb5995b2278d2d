/**
 * Roles for the contract suite: an administrator's session that makes them, and sessions that use them. They carry the name
 * of the run's database, so that runs on one account do not meet.
 */
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { type ContractTarget, contractTargets, firstColumn, run } from './contract.ts'

export type RoleTarget = ContractTarget & { readonly adminRole: string }

export function roleTargets(): RoleTarget[] {
  return contractTargets().flatMap(({ adminRole, ...rest }) => (adminRole === null ? [] : [{ ...rest, adminRole }]))
}

export type ScratchRoles = {
  readonly admin: Session
  /** the whole name of a role of this run */
  name(role: string): string
  /** makes a role of the user's own that may enter the schema S, and a session that uses it there */
  open(role: string, ...grants: readonly string[]): Promise<Session>
  /** drops the roles, and ends the sessions */
  drop(): Promise<void>
}

export async function openScratchRoles({ config, adminRole }: RoleTarget): Promise<ScratchRoles> {
  const admin = await connectSnowflake({ ...config, role: adminRole })
  const [user] = await firstColumn(admin, 'SELECT CURRENT_USER()')
  const sessions = [admin]
  const names: string[] = []
  const name = (role: string): string => `${config.database}_${role}`
  return {
    admin,
    name,
    async open(role, ...grants) {
      await run(
        admin,
        `CREATE ROLE ${name(role)}`,
        `GRANT ROLE ${name(role)} TO USER ${String(user)}`,
        `GRANT USAGE ON DATABASE ${config.database} TO ROLE ${name(role)}`,
        `GRANT USAGE ON SCHEMA ${config.database}.S TO ROLE ${name(role)}`,
        ...(config.warehouse === undefined
          ? []
          : [`GRANT USAGE ON WAREHOUSE ${config.warehouse} TO ROLE ${name(role)}`]),
        ...grants.map((grant) => `GRANT ${grant} TO ROLE ${name(role)}`),
      )
      names.push(name(role))
      const session = await connectSnowflake({ ...config, role: name(role) })
      sessions.push(session)
      // Or an account's user would have the privileges of all its roles at once.
      await run(session, 'USE SECONDARY ROLES NONE', `USE SCHEMA ${config.database}.S`)
      return session
    },
    async drop() {
      for (const role of names) await admin.execute(`DROP ROLE IF EXISTS ${role}`)
      for (const session of sessions) await session.close()
    },
  }
}
