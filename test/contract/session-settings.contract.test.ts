/**
 * What clients other than Firn's set before they work: AUTOCOMMIT, a query tag, and where they are, by IDENTIFIER('name').
 *
 * Pages: sql-reference/parameters, sql-reference/transactions, sql-reference/identifier-literal.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { contractTargets, onEachTarget, refused, run } from '../support/contract.ts'

onEachTarget(contractTargets(), (scratch, { config }) => {
  let other: Session

  before(async () => {
    other = await connectSnowflake(config)
    await run(scratch().session, 'CREATE TABLE KEPT (ID VARCHAR)', 'CREATE SCHEMA "Mixed Case"', 'USE SCHEMA S')
  })

  after(async () => {
    await scratch().session.execute('ALTER SESSION SET AUTOCOMMIT = TRUE')
    await other.close()
  })

  const seenByOther = async (): Promise<readonly unknown[]> => {
    const rows = await other.query(`SELECT ID FROM ${scratch().database}.S.KEPT ORDER BY ID`)
    return rows.map(({ ID }) => ID)
  }

  // transactions: without AUTOCOMMIT the first DML begins a transaction, which COMMIT or ROLLBACK ends
  test('without AUTOCOMMIT nothing stays but what is committed', async () => {
    const { session } = scratch()
    await run(session, 'ALTER SESSION SET AUTOCOMMIT = FALSE', `INSERT INTO KEPT VALUES ('a')`)
    assert.deepEqual(await session.query('SELECT ID FROM KEPT'), [{ ID: 'a' }])
    assert.deepEqual(await seenByOther(), [])
    await run(session, 'ROLLBACK', `INSERT INTO KEPT VALUES ('b')`, `INSERT INTO KEPT VALUES ('c')`)
    assert.deepEqual(await seenByOther(), [])
    await session.execute('COMMIT')
    assert.deepEqual(await seenByOther(), ['b', 'c'])
    // Nothing is open: harmless.
    await run(session, 'COMMIT', 'ROLLBACK')
  })

  // transactions: a DDL commits what is open, and is one of its own
  test('without AUTOCOMMIT a DDL commits what is open', async () => {
    const { session } = scratch()
    await run(session, `INSERT INTO KEPT VALUES ('d')`, 'CREATE TABLE BESIDE (ID VARCHAR)', 'ROLLBACK')
    assert.deepEqual(await seenByOther(), ['b', 'c', 'd'])
    await other.execute(`INSERT INTO ${scratch().database}.S.BESIDE VALUES ('x')`)
  })

  // transactions: where AUTOCOMMIT changes, what is open is committed
  test('AUTOCOMMIT that comes back commits what is open', async () => {
    const { session } = scratch()
    await run(session, `INSERT INTO KEPT VALUES ('e')`, 'ALTER SESSION SET autocommit=True')
    assert.deepEqual(await seenByOther(), ['b', 'c', 'd', 'e'])
    await session.execute(`INSERT INTO KEPT VALUES ('f')`)
    assert.deepEqual(await seenByOther(), ['b', 'c', 'd', 'e', 'f'])
  })

  // identifier-literal: the string is read as the name would be
  test("USE takes IDENTIFIER('name')", async () => {
    const { session, database } = scratch()
    const here = async () => await session.query('SELECT CURRENT_DATABASE() AS D, CURRENT_SCHEMA() AS S')
    await session.execute(`USE SCHEMA IDENTIFIER('"Mixed Case"')`)
    assert.deepEqual(await here(), [{ D: database, S: 'Mixed Case' }])
    await session.execute(`USE SCHEMA IDENTIFIER('${database}.s')`)
    assert.deepEqual(await here(), [{ D: database, S: 'S' }])
    await session.execute(`USE DATABASE IDENTIFIER('${database}')`)
    if (config.role !== undefined) await session.execute(`USE ROLE IDENTIFIER('${config.role}')`)
    if (config.warehouse !== undefined) await session.execute(`USE WAREHOUSE IDENTIFIER('${config.warehouse}')`)
    await session.execute('USE SCHEMA S')
    await assert.rejects(session.execute(`USE SCHEMA IDENTIFIER('NOWHERE')`), refused(null, /does not exist/))
    await assert.rejects(session.execute(`USE SCHEMA IDENTIFIER('not a name')`), refused(null, /./))
  })

  // parameters: QUERY_TAG is any text
  test('a query tag is any text', async () => {
    await scratch().session.execute(`ALTER SESSION SET QUERY_TAG = 'a tool 1.0;it''s a script.sql'`)
  })
})
