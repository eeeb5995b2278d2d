/**
 * Where the contract suite runs: against the development warehouse always, and against a real account beside it where the
 * environment names one. What holds for both is in test/contract/.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { connectSnowflake, type LoginConfig, type Row, type Session } from '../../src/snowflake/session.ts'
import { testStack } from './stack.ts'
import { until } from './until.ts'

export type ContractTarget = {
  readonly name: string
  /** its database is of this run alone, and not made yet */
  readonly config: LoginConfig
  /** a role of the same user that may make roles and integrations and grant all; null: tests that need one are left out */
  readonly adminRole: string | null
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
  const targets: ContractTarget[] = [
    { name: 'the development warehouse', config: development, adminRole: 'ACCOUNTADMIN' },
  ]
  const real = realAccount(env)
  if (!real) return targets
  const adminRole = env['FIRN_CONTRACT_ADMIN_ROLE'] ?? ''
  return [
    ...targets,
    { name: `the account ${real.account}`, config: real, adminRole: adminRole === '' ? null : adminRole },
  ]
}

/** Null where the environment names none. @throws Error where it names one in part */
function realAccount(env: Readonly<Record<string, string | undefined>>): LoginConfig | null {
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

function perRun(): { database: string } {
  return { database: `FIRN_CONTRACT_${randomBytes(6).toString('hex').toUpperCase()}` }
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

/** Declares tests for every target, in a database of their own that is there while they run. */
export function onEachTarget<T extends ContractTarget>(
  targets: readonly T[],
  tests: (scratch: () => Scratch, target: T) => void,
): void {
  for (const target of targets) {
    describe(target.name, () => {
      let scratch: Scratch | undefined
      before(async () => {
        scratch = await openScratch(target)
      })
      after(async () => {
        await scratch?.drop()
      })
      tests(() => {
        assert.ok(scratch, 'the database is made before the first test')
        return scratch
      }, target)
    })
  }
}

/** Runs statements one after the other. */
export async function run(session: Session, ...statements: readonly string[]): Promise<void> {
  for (const sql of statements) await session.execute(sql)
}

/** The values of the first column, in the order of the rows. */
export async function firstColumn(session: Session, sql: string): Promise<readonly Row[string][]> {
  return (await session.query(sql)).map((row) => Object.values(row)[0] ?? null)
}

/** The runs of a task of the current schema that have ended or were skipped, the oldest first. */
export async function endedRuns(session: Session, task: string): Promise<readonly Row[]> {
  return await session.query(
    `SELECT * FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => '${task}'))
     WHERE STATE NOT IN ('SCHEDULED', 'EXECUTING') AND SCHEMA_NAME = CURRENT_SCHEMA() ORDER BY SCHEDULED_TIME, COMPLETED_TIME`,
  )
}

/** Runs a task and waits until it has ended so many times; the history of the last run. */
export async function executeTask(session: Session, task: string, runs = 1): Promise<Row> {
  await session.execute(`EXECUTE TASK ${task}`)
  const ended = await until(
    `run ${runs} of ${task}`,
    () => endedRuns(session, task),
    ({ length }) => length >= runs,
  )
  assert.equal(ended.length, runs)
  return ended.at(-1) ?? {}
}

/** For assert.rejects: Snowflake refused the statement, with this code and these words. */
export function refused(code: string | null, words: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.code, 'STATEMENT_FAILED', error.message)
    assert.match(error.message, words)
    if (code !== null) assert.match(error.message, new RegExp(`\\(code ${code}, SQL state `))
    return true
  }
}
