/**
 * INFORMATION_SCHEMA as other tools ask it: whether a table or a schema is there, and since when.
 *
 * Pages: sql-reference/info-schema/tables, sql-reference/info-schema/schemata, sql-reference/info-schema.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { onEachTarget, refused, run } from '../support/contract.ts'
import { openScratchRoles, roleTargets, type ScratchRoles } from '../support/contract-roles.ts'

onEachTarget(roleTargets(), (scratch, target) => {
  let roles: ScratchRoles

  before(async () => {
    roles = await openScratchRoles(target)
    await run(
      scratch().session,
      `CREATE TABLE BASE (ID NUMBER) COMMENT = 'it''s a table'`,
      'CREATE TABLE "Mixed Case" (ID NUMBER)',
      'CREATE VIEW LOOK AS SELECT ID FROM BASE',
      'INSERT INTO BASE VALUES (1), (2)',
      'CREATE SCHEMA BESIDE',
      'USE SCHEMA S',
    )
  })

  after(async () => {
    await roles.drop()
  })

  // tables: a row for each table and view of the database
  test('TABLES has a row for each table and view', async () => {
    const { session, database } = scratch()
    const found = await session.query(
      `SELECT TABLE_CATALOG, TABLE_NAME, TABLE_TYPE, ROW_COUNT, COMMENT FROM ${database}.INFORMATION_SCHEMA.TABLES
       WHERE TABLE_SCHEMA = REPLACE('S','"','') ORDER BY TABLE_NAME`,
    )
    const of = { TABLE_CATALOG: database }
    assert.deepEqual(found, [
      { ...of, TABLE_NAME: 'BASE', TABLE_TYPE: 'BASE TABLE', ROW_COUNT: '2', COMMENT: "it's a table" },
      { ...of, TABLE_NAME: 'LOOK', TABLE_TYPE: 'VIEW', ROW_COUNT: null, COMMENT: null },
      { ...of, TABLE_NAME: 'Mixed Case', TABLE_TYPE: 'BASE TABLE', ROW_COUNT: '0', COMMENT: null },
    ])
  })

  test('TABLES says when a table was made', async () => {
    const { session } = scratch()
    const [row, ...others] = await session.query(
      `SELECT CREATED, LAST_ALTERED FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'S' AND TABLE_NAME = 'BASE'`,
    )
    assert.deepEqual(others, [])
    const { CREATED: created } = row ?? {}
    assert.ok(created instanceof Date)
    assert.ok(Math.abs(Date.now() - created.getTime()) < 3_600_000, created.toISOString())
  })

  // schemata: a row for each schema of the database
  test('SCHEMATA has a row for each schema', async () => {
    const { session, database } = scratch()
    const found = await session.query(
      `SELECT SCHEMA_NAME FROM ${database}.INFORMATION_SCHEMA.SCHEMATA
       WHERE SCHEMA_NAME NOT IN ('INFORMATION_SCHEMA', 'PUBLIC') ORDER BY 1`,
    )
    assert.deepEqual(found, [{ SCHEMA_NAME: 'BESIDE' }, { SCHEMA_NAME: 'S' }])
    const count = `SELECT COUNT(1) AS N FROM ${database}.INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = 'NOWHERE'`
    assert.deepEqual(await session.query(count), [{ N: '0' }])
  })

  // info-schema: only what the role has some privilege on
  test('a role sees what it has a privilege on, and no more', async () => {
    const { database } = scratch()
    const session = await roles.open('SEER', `SELECT ON TABLE ${database}.S.BASE`)
    const tables = await session.query(
      `SELECT TABLE_NAME FROM ${database}.INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA <> 'INFORMATION_SCHEMA'`,
    )
    assert.deepEqual(tables, [{ TABLE_NAME: 'BASE' }])
    const schemas = await session.query(
      `SELECT SCHEMA_NAME FROM ${database}.INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME IN ('S', 'BESIDE')`,
    )
    assert.deepEqual(schemas, [{ SCHEMA_NAME: 'S' }])
  })

  test('of a database that is not there it is refused', async () => {
    const statement = 'SELECT CREATED FROM FIRN_NO_SUCH_DATABASE.INFORMATION_SCHEMA.TABLES'
    await assert.rejects(scratch().session.query(statement), refused('002003', /FIRN_NO_SUCH_DATABASE/))
  })
})
