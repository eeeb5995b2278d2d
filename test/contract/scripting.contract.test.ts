/**
 * Scripting blocks and transactions, as the body of the merge task uses them.
 *
 * Pages: developer-guide/snowflake-scripting/blocks, developer-guide/snowflake-scripting/exceptions,
 * sql-reference/sql/execute-immediate, sql-reference/transactions.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectSnowflake } from '../../src/snowflake/session.ts'
import { contractTargets, firstColumn, onEachTarget, refused, run } from '../support/contract.ts'

const handler = 'EXCEPTION WHEN OTHER THEN ROLLBACK; RAISE;'

onEachTarget(contractTargets(), (scratch, { config }) => {
  let made = 0

  /** An empty table KEPT_<n>, whose ID must not be NULL. */
  async function table(): Promise<string> {
    made += 1
    await scratch().session.execute(`CREATE TABLE KEPT_${made} (ID NUMBER NOT NULL)`)
    return `KEPT_${made}`
  }

  const ids = (kept: string): Promise<readonly unknown[]> =>
    firstColumn(scratch().session, `SELECT ID FROM ${kept} ORDER BY ID`)

  /** What another session sees: what is committed. */
  async function committed(kept: string): Promise<unknown> {
    const other = await connectSnowflake(config)
    const rows = await firstColumn(other, `SELECT ID FROM ${scratch().database}.S.${kept} ORDER BY ID`)
    await other.close()
    return rows
  }

  // execute-immediate; blocks: BEGIN TRANSACTION starts a transaction inside a block
  test('a block runs its statements in order, and commits what it says', async () => {
    const { session } = scratch()
    const kept = await table()
    await session.execute(`EXECUTE IMMEDIATE $$
      -- a comment; with a semicolon
      BEGIN
        BEGIN TRANSACTION;
        INSERT INTO ${kept} VALUES (1);
        UPDATE ${kept} SET ID = 2 WHERE ID = 1;
        INSERT INTO ${kept} SELECT CASE ID WHEN 2 THEN 3 ELSE 4 END FROM ${kept};
        COMMIT;
      ${handler}
      END;
      $$`)
    assert.deepEqual(await committed(kept), ['2', '3'])
  })

  // exceptions: WHEN OTHER catches, RAISE in the handler raises the same exception again
  test('ROLLBACK and RAISE in a handler undo the transaction, and the error comes out', async () => {
    const { session } = scratch()
    const kept = await table()
    const block = `EXECUTE IMMEDIATE $$ BEGIN BEGIN TRANSACTION; INSERT INTO ${kept} VALUES (1);
      INSERT INTO ${kept} VALUES (NULL); COMMIT; ${handler} END; $$`
    await assert.rejects(session.execute(block), refused(null, /non-nullable column/))
    assert.deepEqual(await ids(kept), [])
    // The transaction is over: what comes next is one of its own.
    await session.execute(`INSERT INTO ${kept} VALUES (5)`)
    assert.deepEqual(await committed(kept), ['5'])
  })

  test('a handler that does not RAISE swallows the error, and what it does counts', async () => {
    const { session } = scratch()
    const kept = await table()
    await session.execute(`EXECUTE IMMEDIATE $$ BEGIN BEGIN TRANSACTION; INSERT INTO ${kept} VALUES (1);
      INSERT INTO NO_SUCH_TABLE VALUES (1); COMMIT;
      EXCEPTION WHEN OTHER THEN ROLLBACK; INSERT INTO ${kept} VALUES (7); END; $$`)
    assert.deepEqual(await committed(kept), ['7'])
  })

  test('statements after the one that failed do not run', async () => {
    const { session } = scratch()
    const kept = await table()
    const block = `EXECUTE IMMEDIATE $$ BEGIN INSERT INTO ${kept} VALUES (1); INSERT INTO ${kept} VALUES (NULL);
      INSERT INTO ${kept} VALUES (3); END; $$`
    await assert.rejects(session.execute(block), refused(null, /non-nullable column/))
    assert.deepEqual(await committed(kept), ['1'])
  })

  // sql-reference/transactions, "Scoped transactions": what a block opens and leaves open is rolled back
  test('a transaction that a block opened does not outlive an error that nothing catches', async () => {
    const { session } = scratch()
    const kept = await table()
    const block = `EXECUTE IMMEDIATE $$ BEGIN BEGIN TRANSACTION; INSERT INTO ${kept} VALUES (1);
      INSERT INTO ${kept} VALUES (NULL); COMMIT; END; $$`
    await assert.rejects(session.execute(block), refused(null, /non-nullable column/))
    await session.execute(`INSERT INTO ${kept} VALUES (2)`)
    assert.deepEqual(await committed(kept), ['2'])
  })

  // sql-reference/transactions: a statement that fails inside a transaction undoes itself alone
  test('a statement that fails in a transaction undoes itself alone; COMMIT keeps the others', async () => {
    const { session } = scratch()
    const kept = await table()
    await run(session, 'BEGIN TRANSACTION', `INSERT INTO ${kept} VALUES (1)`)
    await assert.rejects(session.execute(`INSERT INTO ${kept} VALUES (2), (NULL)`), refused('100072', /ID/))
    await run(session, `INSERT INTO ${kept} VALUES (3)`, 'COMMIT')
    assert.deepEqual(await committed(kept), ['1', '3'])
  })

  // sql-reference/transactions, "DDL": a DDL commits the transaction that is open
  test('a DDL commits what was open before it', async () => {
    const { session } = scratch()
    const kept = await table()
    await run(session, 'BEGIN', `INSERT INTO ${kept} VALUES (1)`, `CREATE TABLE AFTER_${kept} (ID NUMBER)`, 'ROLLBACK')
    assert.deepEqual(await committed(kept), ['1'])
  })

  // sql-reference/transactions: COMMIT and ROLLBACK without a transaction do nothing
  test('COMMIT and ROLLBACK where nothing is open are no error', async () => {
    const { session } = scratch()
    await run(session, 'COMMIT', 'ROLLBACK')
    assert.deepEqual(await session.query('SELECT 1 AS ONE'), [{ ONE: '1' }])
  })

  // sql-reference/transactions: what a session leaves open is rolled back when it ends
  test('what a session leaves open is rolled back when it ends', async () => {
    const kept = await table()
    const other = await connectSnowflake(config)
    await run(other, 'BEGIN', `INSERT INTO ${scratch().database}.S.${kept} VALUES (1)`)
    await other.close()
    await scratch().session.execute(`INSERT INTO ${kept} VALUES (2)`)
    assert.deepEqual(await committed(kept), ['2'])
  })
})
