/**
 * `firn check` before the development warehouse: before the first migration and between two, role, clock, and the bucket's notifications.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { type Checks, openChecks } from '../support/check.ts'
import { firn } from '../support/firn.ts'
import { type S3Answers, s3Error, startS3Answers } from '../support/s3-answers.ts'
import { testStack } from '../support/stack.ts'

const { kafka, s3, warehouse } = testStack()
const id = randomUUID().slice(0, 8)
const database = `CHECK_${id.toUpperCase()}`
const first = { topic: `check-${id}`, table: 'SHOP.T', key: ['id'] }
const second = { topic: `check-${id}-later`, table: 'SHOP.LATER', key: ['id'] }
const asIngest = { FIRN_WAREHOUSE_ROLE: 'FIRN_INGEST' }

let session: Session
let answers: S3Answers
let checks: Checks

function settings(tables: readonly object[] = [first]) {
  const { bucket, region, accessKeyId, secretAccessKey } = s3
  const { account, accessUrl, user, password, role, warehouse: compute, storageIntegration } = warehouse
  const login = { account, accessUrl, user, password, role, warehouse: compute, storageIntegration, database }
  return {
    kafka: { brokers: kafka.brokers },
    stage: { bucket, prefix: `check-${id}/`, region, endpoint: answers.endpoint, accessKeyId, secretAccessKey },
    warehouse: login,
    log: { level: 'silent' },
    tables,
  }
}

async function migrate(tables?: readonly object[]): Promise<void> {
  await checks.check(settings(tables))
  const { code, stderr } = await firn(['migrate', '--config', checks.file])
  assert.equal(code, 0, stderr)
}

before(async () => {
  answers = await startS3Answers(s3.endpoint)
  checks = await openChecks()
  session = await connectSnowflake(warehouse)
})

after(async () => {
  await session.execute(`DROP DATABASE IF EXISTS ${database}`)
  await session.close()
  await checks.close()
  await answers.close()
})

describe('migrations', { concurrency: false }, () => {
  test('before the first one, one line says so, with the command and the right', async () => {
    const checked = await checks.check(settings(), asIngest)
    assert.equal(checked.code, 3)
    assert.deepEqual(checked.troubles('warehouse'), [
      `failure migrations: none applied yet, or this role may not see them | Run: firn migrate --config ${checks.file}. ` +
        `Where it has run: GRANT SELECT ON TABLE ${database}.FIRN.MIGRATIONS TO ROLE FIRN_INGEST, and USAGE on its database and schema`,
    ])
    const status = await firn(['status', '--config', checks.file])
    assert.match(
      status.stderr,
      /^firn: MIGRATION_MISSING: no migration is applied yet\n {2}The schema is not there yet/,
    )
  })

  test('after it, all is well for the role of the service', async () => {
    await migrate()
    const checked = await checks.check(settings(), asIngest)
    assert.deepEqual(checked.troubles('warehouse'), [])
    assert.equal(checked.detail('role'), 'FIRN_INGEST')
    assert.match(checked.detail('clock'), /^goes with that of this host$/)
    assert.match(checked.detail('notifications'), /^s3-events; whether the bucket tells it: the store does not say$/)
  })

  test('those of a table that came later are one line too, and hide nothing of the others', async () => {
    const pipe = `${database}.FIRN.CHECK_${id.toUpperCase()}_PIPE_2`
    await session.execute(`ALTER PIPE ${pipe} SET PIPE_EXECUTION_PAUSED = TRUE`)
    const found = (await checks.check(settings([first, second]), asIngest)).troubles('warehouse')
    await session.execute(`ALTER PIPE ${pipe} SET PIPE_EXECUTION_PAUSED = FALSE`)
    assert.equal(found.length, 2, found.join('\n'))
    assert.match(
      found[0] ?? '',
      /^failure migrations: 10 of 25 scripts are not applied: R__\w+_LATER__10_landing\.sql, /,
    )
    assert.match(found[1] ?? '', /^failure pipe \w+_PIPE_2: is PAUSED, /)
  })
})

describe('the session', { concurrency: false }, () => {
  test('a role that may change what the service reads is a warning', async () => {
    const checked = await checks.check(settings())
    assert.deepEqual(checked.troubles('warehouse'), [
      'warning role: FIRN_OWNER may change and drop what firn run only reads | Set warehouse.role to FIRN_INGEST for the service, ' +
        `and for migrations: FIRN_WAREHOUSE_ROLE=FIRN_OWNER firn migrate --config ${checks.file}`,
    ])
  })

  test('a clock that goes wrong is a warning', async () => {
    for (const [minutes, words] of [
      [-5, /^warning clock: is (29\d|30\d) s ahead of that of this host \| Set this host's clock/],
      [5, /^warning clock: is (29\d|30\d) s behind that of this host \| /],
    ] as const) {
      const shift = `const now = Date.now; Date.now = () => now() + ${minutes * 60_000}`
      const env = { ...asIngest, NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(shift)}"` }
      assert.match((await checks.check(settings(), env)).troubles('warehouse').join('\n'), words)
    }
  })
})

describe("the bucket's notifications", { concurrency: false }, () => {
  const configuration = (queue: string, prefix: string) => {
    const rule = `<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>${prefix}</Value></FilterRule></S3Key></Filter>`
    const members = `<Queue>${queue}</Queue><Event>s3:ObjectCreated:*</Event>${rule}`
    const body = `<NotificationConfiguration><QueueConfiguration>${members}</QueueConfiguration></NotificationConfiguration>`
    return { status: 200, body }
  }
  after(() => {
    answers.answer('notification', null)
  })

  test("reach the pipe's queue, or another, or leave its files out", async () => {
    const check = () => checks.check(settings(), asIngest)
    answers.answer('notification', configuration('s3-events', `check-${id}/`))
    assert.equal((await check()).detail('notifications'), 'the bucket tells s3-events of new files')
    answers.answer('notification', configuration('s3-events', 'elsewhere/'))
    const left = await check()
    assert.equal(left.code, 3)
    assert.match(left.troubles('warehouse').join('\n'), /^failure notifications: [^\n]* under elsewhere\/\* alone/)
    answers.answer('notification', configuration('arn:aws:sqs:eu-west-1:1:other', ''))
    const [other = '', ...rest] = (await check()).troubles('warehouse')
    assert.match(other, /^failure notifications: the bucket does not tell s3-events of new files, so nothing is loaded/)
    assert.match(
      other,
      /\| Add the configuration of aws\/bucket-notification\.json \(firn migrate --config \S+ --render DIR\)/,
    )
    assert.deepEqual(rest, [])
  })

  test('are a warning with what the DBA compares, where the key may not ask', async () => {
    answers.answer('notification', s3Error(403, 'AccessDenied'))
    const checked = await checks.check(settings(), asIngest)
    const [only = '', ...rest] = checked.troubles('warehouse')
    assert.match(
      only,
      /^warning notifications: s3-events; whether the bucket tells it is not known: this key may not ask/,
    )
    assert.match(
      only,
      /\| Whoever may \(s3:GetBucketNotification\) compares: aws s3api get-bucket-notification-configuration/,
    )
    assert.deepEqual(rest, [])
  })
})
