/**
 * Where the contract suite runs: against the development warehouse always, and against a real account beside it where the
 * environment names one. What holds for both is in test/contract/.
 */
import { randomBytes } from 'node:crypto'
import type { WarehouseConfig } from '../../src/config.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { testStack } from './stack.ts'

export type ContractTarget = {
  readonly name: string
  /** its database is of this run alone, and not made yet */
  readonly config: WarehouseConfig
}

/** A real account needs all of these; its role must be able to create databases. */
const accountVariables = {
  account: 'FIRN_CONTRACT_ACCOUNT',
  user: 'FIRN_CONTRACT_USER',
  privateKeyFile: 'FIRN_CONTRACT_PRIVATE_KEY_FILE',
  role: 'FIRN_CONTRACT_ROLE',
  warehouse: 'FIRN_CONTRACT_WAREHOUSE',
} as const

export function contractTargets(env: Readonly<Record<string, string | undefined>> = process.env): ContractTarget[] {
  const { accessUrl, account, user, password, role, warehouse } = testStack().warehouse
  const development = { accessUrl, account, user, password, role, warehouse, ...perRun() }
  const targets = [{ name: 'the development warehouse', config: development }]
  const real = realAccount(env)
  return real ? [...targets, { name: `the account ${real.account}`, config: real }] : targets
}

/** Null where the environment names none. @throws Error where it names one in part */
function realAccount(env: Readonly<Record<string, string | undefined>>): WarehouseConfig | null {
  const missing = Object.values(accountVariables).filter((name) => (env[name] ?? '') === '')
  if (missing.length === Object.keys(accountVariables).length) return null
  if (missing.length > 0) throw new Error(`the contract suite's account lacks ${missing.join(', ')}`)
  const value = (key: keyof typeof accountVariables): string => env[accountVariables[key]] ?? ''
  return {
    account: value('account'),
    user: value('user'),
    privateKeyFile: value('privateKeyFile'),
    role: value('role'),
    warehouse: value('warehouse'),
    ...perRun(),
  }
}

function perRun(): { database: string; schedule: string } {
  return { database: `FIRN_CONTRACT_${randomBytes(6).toString('hex').toUpperCase()}`, schedule: '1 MINUTE' }
}

export type Scratch = {
  readonly session: Session
  readonly database: string
  /** drops the database with all that is in it, and ends the session */
  drop(): Promise<void>
}

/** Makes the target's database, with a schema S, and a session in it. */
export async function openScratch({ config }: ContractTarget): Promise<Scratch> {
  const session = await connectSnowflake(config)
  await session.execute(`CREATE DATABASE ${config.database}`)
  await session.execute(`CREATE SCHEMA ${config.database}.S`)
  await session.execute(`USE SCHEMA ${config.database}.S`)
  return {
    session,
    database: config.database,
    async drop() {
      await session.execute(`DROP DATABASE ${config.database}`)
      await session.close()
    },
  }
}
