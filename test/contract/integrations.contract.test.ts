/**
 * Storage integrations: how one is made, shown, described and dropped, and which stages it allows.
 *
 * Pages: sql-reference/sql/create-storage-integration, sql-reference/sql/desc-integration,
 * sql-reference/sql/show-integrations, sql-reference/sql/drop-integration, sql-reference/sql/create-stage.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { onEachTarget, refused, run } from '../support/contract.ts'
import { openScratchRoles, roleTargets, type ScratchRoles } from '../support/contract-roles.ts'

onEachTarget(roleTargets(), (scratch, target) => {
  let roles: ScratchRoles
  let integration: string
  const arn = 'arn:aws:iam::123456789012:role/firn-contract'
  const create = (rest = '') =>
    `CREATE STORAGE INTEGRATION ${rest} ${integration} TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE
     STORAGE_AWS_ROLE_ARN = '${arn}' STORAGE_ALLOWED_LOCATIONS = ('s3://firn-contract/in/', 's3://firn-other/')
     COMMENT = 'landing files'`
  const stage = (url: string) => `CREATE OR REPLACE STAGE FILES URL = '${url}' STORAGE_INTEGRATION = ${integration}`

  before(async () => {
    roles = await openScratchRoles(target)
    integration = roles.name('S3')
    await run(roles.admin, create(), create('IF NOT EXISTS'))
  })
  after(async () => {
    await roles.admin.execute(`DROP INTEGRATION IF EXISTS ${integration}`)
    await roles.drop()
  })

  test('an integration that is there already is refused', async () => {
    await assert.rejects(roles.admin.execute(create()), refused('002002', /already exists/))
  })

  // desc-integration; create-storage-integration: what the trust policy of the AWS role is made from
  test('DESC tells the properties, among them the two of the AWS trust policy', async () => {
    const rows = await roles.admin.query(`DESC INTEGRATION ${integration}`)
    const values = Object.fromEntries(rows.map((row) => [String(row['property']), row['property_value']]))
    assert.equal(values['ENABLED'], 'true')
    assert.equal(values['STORAGE_PROVIDER'], 'S3')
    assert.equal(values['STORAGE_AWS_ROLE_ARN'], arn)
    assert.deepEqual(String(values['STORAGE_ALLOWED_LOCATIONS']).split(','), [
      's3://firn-contract/in/',
      's3://firn-other/',
    ])
    assert.match(String(values['STORAGE_AWS_IAM_USER_ARN']), /^arn:aws:iam::\d{12}:user\//)
    assert.match(String(values['STORAGE_AWS_EXTERNAL_ID']), /SFCRole/)
    assert.deepEqual(rows.map((row) => Object.keys(row))[0], [
      'property',
      'property_type',
      'property_value',
      'property_default',
    ])
  })

  test('SHOW tells what kind it is', async () => {
    const [row] = await roles.admin.query(`SHOW INTEGRATIONS LIKE '${integration}'`)
    const { name, type, category, enabled, comment } = row ?? {}
    assert.deepEqual(
      [name, type, category, String(enabled), comment],
      [integration, 'EXTERNAL_STAGE', 'STORAGE', 'true', 'landing files'],
    )
  })

  // create-stage, "Access control requirements": USAGE on the integration
  test('a stage takes USAGE on its integration', async () => {
    const { session } = scratch()
    const [owner] = await session.query('SELECT CURRENT_ROLE() AS R')
    await assert.rejects(
      session.execute(stage('s3://firn-contract/in/')),
      refused(null, /S3.*does not exist or not authorized/s),
    )
    await roles.admin.execute(`GRANT USAGE ON INTEGRATION ${integration} TO ROLE ${String(owner?.['R'])}`)
    await session.execute(stage('s3://firn-contract/in/'))
  })

  // create-storage-integration: STORAGE_ALLOWED_LOCATIONS
  test("a stage whose URL lies outside its integration's locations is refused", async () => {
    const { session } = scratch()
    const [owner] = await session.query('SELECT CURRENT_ROLE() AS R')
    await roles.admin.execute(`GRANT USAGE ON INTEGRATION ${integration} TO ROLE ${String(owner?.['R'])}`)
    for (const url of ['s3://firn-contract/in/', 's3://firn-contract/in/deeper/', 's3://firn-other/any/']) {
      await session.execute(stage(url))
    }
    for (const url of ['s3://firn-contract/', 's3://firn-contract/out/', 's3://firn-elsewhere/in/']) {
      await assert.rejects(session.execute(stage(url)), refused(null, /not allowed by integration/), url)
    }
  })

  test('to make an integration takes CREATE INTEGRATION on the account, to drop it its ownership', async () => {
    const { session } = scratch()
    const other = create().replace(integration, roles.name('OTHER_S3'))
    await assert.rejects(session.execute(other), refused('003001', /account/i))
    const [owner] = await session.query('SELECT CURRENT_ROLE() AS R')
    await roles.admin.execute(`GRANT USAGE ON INTEGRATION ${integration} TO ROLE ${String(owner?.['R'])}`)
    await assert.rejects(session.execute(`DROP INTEGRATION ${integration}`), refused(null, /Insufficient privileges/))
  })

  test('DROP takes it away, once', async () => {
    const name = roles.name('GONE_S3')
    await run(roles.admin, create().replace(integration, name), `DROP INTEGRATION ${name}`)
    await assert.rejects(roles.admin.execute(`DROP INTEGRATION ${name}`), refused(null, /GONE_S3.*does not exist/s))
    await roles.admin.execute(`DROP STORAGE INTEGRATION IF EXISTS ${name}`)
  })
})
