/**
 * Each of the four roles, made by the account script itself, can do its work and nothing else.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { Failure } from '../../src/failure.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { firn } from '../support/firn.ts'
import { testStack } from '../support/stack.ts'

const { s3, warehouse } = testStack()
const id = randomBytes(4).toString('hex').toUpperCase()
const database = `ROLES_${id}`
const roles = ['OWNER', 'INGEST', 'OPERATOR', 'READER'] as const
type Role = (typeof roles)[number]
const roleName = (role: Role) => `R${id}_${role}`

let folder: string
let file: string
let administrator: Session
const sessions = new Map<Role, Session>()

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-roles-'))
  file = join(folder, 'firn.yaml')
  const { accessUrl, account, user, password, warehouse: compute, storageIntegration } = warehouse
  const login = { accessUrl, account, user, password, warehouse: compute, storageIntegration, database }
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3
  const config = {
    kafka: { brokers: ['127.0.0.1:1'] },
    stage: { bucket, prefix: `roles-${id}/`, region, endpoint, accessKeyId, secretAccessKey },
    warehouse: { ...login, rolePrefix: `R${id}` },
    tables: [{ topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'] }],
  }
  await writeFile(file, stringify(config))
  administrator = await connectSnowflake({ ...warehouse, role: 'ACCOUNTADMIN', database })
  const account1 = await firn(['migrate', '--account', '--config', file])
  assert.equal(account1.code, 0, account1.stderr)
  for (const role of roles) await administrator.execute(`GRANT ROLE ${roleName(role)} TO USER ${user}`)
  const migrated = await firn(['migrate', '--config', file], { FIRN_WAREHOUSE_ROLE: roleName('OWNER') })
  assert.equal(migrated.code, 0, migrated.stderr)
  for (const role of roles) sessions.set(role, await connectSnowflake({ ...warehouse, role: roleName(role), database }))
})

after(async () => {
  for (const session of sessions.values()) await session.close()
  await administrator.execute(`DROP DATABASE IF EXISTS ${database}`)
  for (const role of roles) await administrator.execute(`DROP ROLE IF EXISTS ${roleName(role)}`)
  await administrator.close()
  await rm(folder, { recursive: true })
})

const firnSchema = `${database}.FIRN`
const landing = `${firnSchema}.SHOP_CUSTOMERS_LANDING`
const target = `${database}.SHOP.CUSTOMERS`
const merge = `${firnSchema}.SHOP_CUSTOMERS_MERGE`
const pipe = `${firnSchema}.SHOP_CUSTOMERS_PIPE_2`
const stream = `${firnSchema}.SHOP_CUSTOMERS_STREAM`
const history = (table: string) =>
  `SELECT * FROM TABLE(${database}.INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => '${table}', START_TIME => DATEADD('day', -1, CURRENT_TIMESTAMP())))`

/** Everything that somebody's work takes, and who may. */
const statements: readonly (readonly [sql: string, ...who: Role[]])[] = [
  // What the running service asks.
  [`SELECT script, checksum FROM ${firnSchema}.MIGRATIONS`, 'OWNER', 'INGEST', 'OPERATOR'],
  [`SELECT * FROM ${firnSchema}.MERGED_FILES`, 'OWNER', 'INGEST', 'OPERATOR'],
  [`SELECT file_name FROM ${landing}`, 'OWNER', 'INGEST', 'OPERATOR'],
  [history(landing), 'OWNER', 'INGEST', 'OPERATOR'],
  [`SELECT SYSTEM$PIPE_STATUS('${pipe}')`, 'OWNER', 'INGEST', 'OPERATOR'],
  [`SELECT SYSTEM$STREAM_HAS_DATA('${stream}')`, 'OWNER', 'INGEST', 'OPERATOR'],
  // What people read.
  [`SELECT * FROM ${target}`, 'OWNER', 'OPERATOR', 'READER'],
  [`SELECT * FROM ${target}_HISTORY`, 'OWNER', 'OPERATOR', 'READER'],
  [`SELECT * FROM ${target}_LIVE`, 'OWNER', 'OPERATOR', 'READER'],
  [`SELECT * FROM ${firnSchema}.SHOP_CUSTOMERS_REJECTS`, 'OWNER', 'OPERATOR', 'READER'],
  // What audit and repair do.
  [`SELECT * FROM ${firnSchema}.SHOP_CUSTOMERS_TOMBSTONES`, 'OWNER', 'OPERATOR'],
  [`SELECT * FROM ${firnSchema}.MERGE_REJECTS`, 'OWNER', 'OPERATOR'],
  [`ALTER PIPE ${pipe} REFRESH`, 'OWNER', 'OPERATOR'],
  [`ALTER PIPE ${pipe} SET PIPE_EXECUTION_PAUSED = FALSE`, 'OWNER', 'OPERATOR'],
  [`ALTER TASK ${merge} RESUME`, 'OWNER', 'OPERATOR'],
  [`INSERT INTO ${landing} SELECT * FROM ${landing} WHERE FALSE`, 'OWNER', 'OPERATOR'],
  [`INSERT INTO ${firnSchema}.FLOORS SELECT 'NOBODY.S', '0', SYSDATE(), CURRENT_USER()`, 'OWNER', 'OPERATOR'],
  [`UPDATE ${firnSchema}.PIPES SET noted_at = SYSDATE() WHERE FALSE`, 'OWNER', 'OPERATOR'],
  // What nobody but the owner does.
  [`INSERT INTO ${target} SELECT * FROM ${target} WHERE FALSE`, 'OWNER'],
  [`UPDATE ${target} SET _POSITION = '~' WHERE FALSE`, 'OWNER'],
  [`DELETE FROM ${target} WHERE FALSE`, 'OWNER'],
  [`DELETE FROM ${landing} WHERE FALSE`, 'OWNER'],
  [`DELETE FROM ${firnSchema}.MERGED_FILES WHERE FALSE`, 'OWNER'],
  [`UPDATE ${firnSchema}.MIGRATIONS SET checksum = '' WHERE FALSE`, 'OWNER'],
  [`DELETE FROM ${firnSchema}.SHOP_CUSTOMERS_TOMBSTONES WHERE FALSE`, 'OWNER'],
  [`CREATE TABLE IF NOT EXISTS ${firnSchema}.EXTRA (ID NUMBER)`, 'OWNER'],
  [`ALTER TABLE ${target} ADD COLUMN IF NOT EXISTS EXTRA NUMBER`, 'OWNER'],
  [`GRANT SELECT ON TABLE ${target} TO ROLE ${roleName('READER')}`, 'OWNER'],
  [`CREATE SCHEMA IF NOT EXISTS ${database}.EXTRA`, 'OWNER'],
  [`DROP TABLE IF EXISTS ${firnSchema}.EXTRA`, 'OWNER'],
  // What is the account administrator's.
  [`CREATE ROLE IF NOT EXISTS R${id}_EXTRA`],
  [`GRANT EXECUTE TASK ON ACCOUNT TO ROLE ${roleName('READER')}`],
]

/** An object of which a role may know nothing is as good as missing; else the privilege is what it lacks. */
function isRefused(error: unknown): boolean {
  if (!(error instanceof Failure) || error.code !== 'STATEMENT_FAILED') throw error
  return /\(code (003001|003102|002003|002043), /.test(error.message)
}

describe('what a role may do', { concurrency: false }, () => {
  for (const role of roles) {
    test(`${role} can do its work, and nothing else`, async () => {
      const session = sessions.get(role)
      assert.ok(session)
      for (const [sql, ...who] of statements) {
        const outcome: string = await session.query(sql).then(
          () => 'done',
          (error: unknown) => (isRefused(error) ? 'refused' : String(error)),
        )
        // DROP ... IF EXISTS of what one may not see is nothing to do.
        const isNothing = sql.startsWith('DROP') && outcome === 'done' && !who.includes(role)
        if (!isNothing) assert.equal(outcome, who.includes(role) ? 'done' : 'refused', `${role}: ${sql}`)
      }
    })
  }

  test('the reader sees neither landing rows nor what the tables share', async () => {
    const shown = (await sessions.get('READER')?.query(`SHOW TABLES IN DATABASE ${database}`)) ?? []
    assert.deepEqual(
      shown.map((row) => row['name']),
      ['CUSTOMERS'],
    )
  })

  test('who migrates with the role of the service is told whose work that is', async () => {
    const env = { FIRN_WAREHOUSE_ROLE: roleName('INGEST'), FIRN_WAREHOUSE_LANDING_DAYS: '31' }
    const { code, stderr } = await firn(['migrate', '--config', file], env)
    assert.equal(code, 1)
    assert.match(stderr, /^firn: RIGHT_MISSING: /m)
    assert.match(stderr, new RegExp(`Run: FIRN_WAREHOUSE_ROLE=${roleName('OWNER')} firn migrate$`, 'm'))
  })

  test('the account script may run again', async () => {
    const { code, stderr } = await firn(['migrate', '--account', '--config', file])
    assert.equal(code, 0, stderr)
    const plan = await firn(['migrate', '--account', '--plan', '--config', file])
    assert.match(plan.stdout, new RegExp(`^CREATE ROLE IF NOT EXISTS ${roleName('OWNER')}\\n`, 'm'))
  })
})
