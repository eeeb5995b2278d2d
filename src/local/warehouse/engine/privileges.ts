/**
 * Which privileges there are, and on what. Who holds them is grants.ts's, what each statement takes access.ts's callers'.
 */
import { SqlError, type ObjectKind } from '../sql/statement.ts'

/** As Snowflake's "Access control privileges" lists them, as far as the development warehouse has the kinds. */
const perKind = {
  account: [
    'CREATE DATABASE',
    'CREATE INTEGRATION',
    'CREATE ROLE',
    'CREATE WAREHOUSE',
    'EXECUTE MANAGED TASK',
    'EXECUTE TASK',
    'MANAGE GRANTS',
    'MONITOR EXECUTION',
    'MONITOR USAGE',
  ],
  database: ['CREATE SCHEMA', 'MODIFY', 'MONITOR', 'USAGE'],
  schema: [
    'CREATE FILE FORMAT',
    'CREATE PIPE',
    'CREATE STAGE',
    'CREATE STREAM',
    'CREATE TABLE',
    'CREATE TASK',
    'CREATE VIEW',
    'MODIFY',
    'MONITOR',
    'USAGE',
  ],
  table: ['DELETE', 'EVOLVE SCHEMA', 'INSERT', 'REFERENCES', 'SELECT', 'TRUNCATE', 'UPDATE'],
  view: ['REFERENCES', 'SELECT'],
  'file format': ['USAGE'],
  stage: ['USAGE'],
  pipe: ['MONITOR', 'OPERATE'],
  stream: ['SELECT'],
  task: ['MONITOR', 'OPERATE'],
  // GRANT ROLE gives it; Snowflake shows it so too.
  role: ['USAGE'],
  integration: ['USAGE'],
  warehouse: ['MODIFY', 'MONITOR', 'OPERATE', 'USAGE'],
} as const satisfies Readonly<Record<ObjectKind | 'account', readonly string[]>>

export type Privilege = (typeof perKind)[keyof typeof perKind][number] | 'OWNERSHIP'
export type AccountPrivilege = (typeof perKind)['account'][number]

/** Roles that every account has. ACCOUNTADMIN may do everything; everyone has PUBLIC. */
export const builtInRoles = ['ACCOUNTADMIN', 'SECURITYADMIN', 'SYSADMIN', 'USERADMIN', 'PUBLIC'] as const

/** What the built-in roles inherit, and what they may do on the account. */
export const builtInGrants: readonly {
  readonly role: (typeof builtInRoles)[number]
  readonly inherits: readonly (typeof builtInRoles)[number][]
  readonly account: readonly AccountPrivilege[]
}[] = [
  { role: 'ACCOUNTADMIN', inherits: ['SECURITYADMIN', 'SYSADMIN'], account: [] },
  { role: 'SECURITYADMIN', inherits: ['USERADMIN'], account: ['MANAGE GRANTS'] },
  { role: 'SYSADMIN', inherits: [], account: ['CREATE DATABASE', 'CREATE WAREHOUSE'] },
  { role: 'USERADMIN', inherits: [], account: ['CREATE ROLE'] },
]

/** The account in the place of an object; objects are numbered from 1. */
export const accountId = 0

/** The privileges that a GRANT names. @throws SqlError 003008 where the kind has none of that name */
export function privilegesOf(kind: ObjectKind | 'account', named: readonly string[]): readonly Privilege[] {
  const known: readonly Privilege[] = perKind[kind]
  return named.flatMap((name) => {
    if (name === 'ALL' && kind !== 'account' && kind !== 'role') return known
    const found = kind === 'role' ? undefined : known.find((privilege) => privilege === name)
    if (found !== undefined) return [found]
    const what = kind.toUpperCase().replace(' ', '_')
    throw new SqlError(
      '003008',
      '42501',
      `SQL access control error:\nInvalid object type '${what}' for privilege '${name}'.`,
    )
  })
}

/** What it takes to make an object: a privilege on the account, the database or the schema that it goes into. */
export function privilegeToCreate(kind: ObjectKind): Privilege {
  return `CREATE ${kind.toUpperCase()}` as Privilege
}
