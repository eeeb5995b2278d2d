/**
 * COMMENT ON: which objects take one, what becomes of the former one, and whose it is to write.
 *
 * Pages: sql-reference/sql/comment, user-guide/security-access-control-privileges.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { onEachTarget, refused, run } from '../support/contract.ts'
import { openScratchRoles, roleTargets, type ScratchRoles } from '../support/contract-roles.ts'
import { stageTargets } from '../support/contract-stage.ts'

onEachTarget(stageTargets(), (scratch, { config, stage, storageIntegration }) => {
  before(async () => {
    await run(
      scratch().session,
      'CREATE TABLE BASE (ID NUMBER)',
      `CREATE VIEW LOOK COMMENT = 'former' AS SELECT ID FROM BASE`,
      'CREATE STREAM FLOW ON TABLE BASE APPEND_ONLY = TRUE',
      'CREATE FILE FORMAT SHAPE TYPE = PARQUET',
      `CREATE STAGE FILES URL = 's3://${stage.bucket}/${stage.prefix}' STORAGE_INTEGRATION = ${storageIntegration}`,
      `CREATE PIPE LOADS AS COPY INTO BASE (ID) FROM (SELECT $1:id::NUMBER FROM @FILES/none/)
       FILE_FORMAT = (FORMAT_NAME = 'SHAPE')`,
      `CREATE TASK WORK WAREHOUSE = ${config.warehouse ?? ''} SCHEDULE = '60 MINUTES' AS SELECT 1`,
    )
  })

  test('an object of any kind takes a comment, which SHOW tells, instead of the one that it had', async () => {
    const { session, database } = scratch()
    const here = `IN SCHEMA ${database}.S`
    const cases = [
      ['DATABASE', database, ''],
      ['SCHEMA', 'S', `IN DATABASE ${database}`],
      ['TABLE', 'BASE', here],
      ['VIEW', 'LOOK', here],
      ['STREAM', 'FLOW', here],
      ['FILE FORMAT', 'SHAPE', here],
      ['STAGE', 'FILES', here],
      ['PIPE', 'LOADS', here],
      ['TASK', 'WORK', here],
    ] as const
    for (const [kind, name, within] of cases) {
      const shown = async () => (await session.query(`SHOW ${kind}S LIKE '${name}' ${within}`))[0]?.['comment']
      await session.execute(`COMMENT ON ${kind} ${name} IS 'it''s a ${kind}'`)
      assert.equal(await shown(), `it's a ${kind}`, kind)
      await session.execute(`COMMENT IF EXISTS ON ${kind} ${name} IS ''`)
      assert.equal(await shown(), '', kind)
    }
    // The rest of the object is as it was.
    await run(session, 'INSERT INTO BASE VALUES (1)')
    assert.deepEqual(await session.query('SELECT ID FROM FLOW'), [{ ID: '1' }])
    assert.deepEqual(await session.query('SELECT * FROM LOOK'), [{ ID: '1' }])
  })

  test('what is not there is refused, and left alone with IF EXISTS', async () => {
    const { session } = scratch()
    await session.execute(`COMMENT IF EXISTS ON TABLE NOWHERE IS 'x'`)
    await assert.rejects(session.execute(`COMMENT ON TABLE NOWHERE IS 'x'`), refused('002003', /NOWHERE/))
    await assert.rejects(session.execute(`COMMENT ON VIEW BASE IS 'x'`), refused(null, /BASE/))
    await assert.rejects(session.execute('COMMENT ON TABLE BASE IS NULL'), refused('001003', /./))
  })
})

onEachTarget(roleTargets(), (scratch, target) => {
  let roles: ScratchRoles

  before(async () => {
    roles = await openScratchRoles(target)
    await run(scratch().session, 'CREATE TABLE KEPT (ID NUMBER)')
  })
  after(async () => {
    await roles.drop()
  })

  test('it is for the owner alone', async () => {
    const whole = `${target.config.database}.S.KEPT`
    const session = await roles.open('NOTES', `SELECT, INSERT, UPDATE, DELETE ON TABLE ${whole}`)
    await assert.rejects(session.execute(`COMMENT ON TABLE KEPT IS 'x'`), refused('003001', /Insufficient privileges/))
    await roles.admin.execute(`GRANT OWNERSHIP ON TABLE ${whole} TO ROLE ${roles.name('NOTES')} COPY CURRENT GRANTS`)
    await session.execute(`COMMENT ON TABLE KEPT IS 'x'`)
    const [row] = await session.query(`SHOW TABLES LIKE 'KEPT' IN SCHEMA ${target.config.database}.S`)
    assert.equal(row?.['comment'], 'x')
  })
})
