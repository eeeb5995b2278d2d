/**
 * What Snowflake refuses: with which code, and that the message names what is wrong. Firn shows these messages to people,
 * and tells a missing object from other errors by the state.
 *
 * Pages: sql-reference/sql/create-pipe (usage notes), sql-reference/data-types-text, sql-reference/data-types-numeric,
 * sql-reference/constraints-overview. Codes are those that Snowflake's drivers and their users report.
 */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Session } from '../../src/snowflake/session.ts'
import { contractTargets, onEachTarget, refused, run } from '../support/contract.ts'

type Case = readonly [sql: string, code: string | null, words: RegExp]

async function allRefused(session: Session, cases: readonly Case[]): Promise<void> {
  for (const [sql, code, words] of cases) await assert.rejects(session.execute(sql), refused(code, words), sql)
}

onEachTarget(contractTargets(), (scratch, { config }) => {
  before(async () => {
    await run(
      scratch().session,
      'CREATE TABLE FILLED (ID NUMBER(3, 0) NOT NULL, T VARCHAR(3), P NUMBER(5, 2))',
      'CREATE VIEW SEEN AS SELECT ID FROM FILLED',
      'CREATE STREAM CHANGES ON TABLE FILLED APPEND_ONLY = TRUE',
      'CREATE FILE FORMAT PARQUET_FORMAT TYPE = PARQUET',
    )
  })

  test('an object that is not there', async () => {
    await allRefused(scratch().session, [
      ['SELECT * FROM NOWHERE', '002003', /NOWHERE.*does not exist or not authorized/s],
      ['SELECT * FROM NO_DATABASE.S.T', '002003', /NO_DATABASE.*does not exist or not authorized/s],
      ['INSERT INTO NOWHERE VALUES (1)', '002003', /NOWHERE.*does not exist or not authorized/s],
      ['DROP TABLE NOWHERE', '002003', /NOWHERE.*does not exist or not authorized/s],
      ['CREATE STREAM X ON TABLE NOWHERE APPEND_ONLY = TRUE', '002003', /NOWHERE.*does not exist or not authorized/s],
      ['CREATE TABLE NO_SCHEMA.X (ID NUMBER)', '002003', /NO_SCHEMA.*does not exist or not authorized/s],
      ['USE DATABASE NO_DATABASE', null, /does not exist/s],
    ])
  })

  test('an object that is there already', async () => {
    const { session, database } = scratch()
    await allRefused(session, [
      ['CREATE TABLE FILLED (ID NUMBER)', '002002', /FILLED.*already exists/s],
      ['CREATE VIEW SEEN AS SELECT 1 AS ONE', '002002', /SEEN.*already exists/s],
      ['CREATE STREAM CHANGES ON TABLE FILLED APPEND_ONLY = TRUE', '002002', /CHANGES.*already exists/s],
      ['CREATE FILE FORMAT PARQUET_FORMAT TYPE = PARQUET', '002002', /PARQUET_FORMAT.*already exists/s],
      [`CREATE SCHEMA ${database}.S`, '002002', /S.*already exists/s],
      [`CREATE DATABASE ${database}`, '002002', /already exists/s],
      // Tables and views share their names.
      ['CREATE VIEW FILLED AS SELECT 1 AS ONE', '002002', /FILLED.*already exists/s],
    ])
  })

  test('a column or function that is none', async () => {
    await allRefused(scratch().session, [
      ['SELECT NO_COLUMN FROM FILLED', '000904', /invalid identifier.*NO_COLUMN/s],
      ['SELECT F.NO_COLUMN FROM FILLED F', '000904', /invalid identifier.*NO_COLUMN/s],
      ['INSERT INTO FILLED (NO_COLUMN) VALUES (1)', '000904', /invalid identifier.*NO_COLUMN/s],
      ['UPDATE FILLED SET NO_COLUMN = 1', '000904', /invalid identifier.*NO_COLUMN/s],
      ['SELECT NO_FUNCTION(1)', '002140', /Unknown function.*NO_FUNCTION/s],
      ["SELECT SYSTEM$NO_FUNCTION('x')", '002140', /Unknown function.*SYSTEM\$NO_FUNCTION/s],
    ])
  })

  test('an option or a clause that is none, by its name', async () => {
    const compute = config.warehouse === undefined ? '' : `WAREHOUSE = ${config.warehouse}`
    await allRefused(scratch().session, [
      ['CREATE FILE FORMAT F TYPE = PARQUET NO_OPTION = TRUE', null, /NO_OPTION/],
      ['CREATE STREAM X ON TABLE FILLED NO_OPTION = TRUE', null, /NO_OPTION/],
      [`CREATE TASK X ${compute} SCHEDULE = '5 MINUTES' NO_OPTION = 1 AS SELECT 1`, null, /NO_OPTION/],
      ['CREATE TABLE X (ID NO_TYPE)', null, /NO_TYPE/],
      ['ALTER SESSION SET NO_PARAMETER = 1', null, /NO_PARAMETER/],
      ['SELECT 1 FORM FILLED', '001003', /syntax error.*FILLED/s],
      ['INSERT INTO FILLED', '001003', /syntax error.*unexpected '<EOF>'/s],
    ])
  })

  // create-pipe, usage notes. The stage need not be there: the COPY itself is at fault.
  test("what a pipe's COPY must not have, by its name", async () => {
    const pipe = (query: string, options: string): string =>
      `CREATE PIPE X AUTO_INGEST = TRUE AS COPY INTO FILLED (ID) FROM (SELECT $1:id::NUMBER(3, 0) FROM @NO_STAGE/x/${query})
       FILE_FORMAT = (FORMAT_NAME = 'PARQUET_FORMAT') ${options}`
    await allRefused(scratch().session, [
      [pipe('', 'ON_ERROR = ABORT_STATEMENT'), null, /ABORT_STATEMENT/],
      [pipe('', 'PURGE = TRUE'), null, /PURGE/],
      [pipe('', 'FORCE = TRUE'), null, /FORCE/],
      [pipe('', 'SIZE_LIMIT = 10'), null, /SIZE_LIMIT/],
      [pipe('', "FILES = ('a')"), null, /FILES/],
      [pipe('', 'RETURN_FAILED_ONLY = TRUE'), null, /RETURN_FAILED_ONLY/],
      [pipe('', 'VALIDATION_MODE = RETURN_ERRORS'), null, /VALIDATION_MODE/],
      [pipe('', 'ON_ERROR = SKIP_FILE'), '002003', /NO_STAGE.*does not exist/s],
      [pipe(' WHERE $1:id > 1', ''), null, /WHERE/],
      [pipe('', ''), '002003', /NO_STAGE.*does not exist/s],
    ])
  })

  // data-types-text, data-types-numeric: what does not fit is refused, never cut
  test('a value that does not fit its column', async () => {
    const { session } = scratch()
    await allRefused(session, [
      ["INSERT INTO FILLED VALUES (1, 'four', 0)", '100078', /too long/],
      ["INSERT INTO FILLED SELECT 1, 'fo' || 'ur', 0", '100078', /too long/],
      ['INSERT INTO FILLED SELECT 1000, NULL, 0', '100046', /out of representable range/],
      ["INSERT INTO FILLED SELECT '1000'::NUMBER(38, 0), NULL, 0", '100046', /out of representable range/],
      ['INSERT INTO FILLED SELECT 1, NULL, 1000.5', '100046', /out of representable range/],
      ["INSERT INTO FILLED SELECT 'x1'::NUMBER(38, 0), NULL, 0", '100038', /Numeric value 'x1' is not recognized/],
      ['INSERT INTO FILLED VALUES (NULL, NULL, 0)', '100072', /NULL result in a non-nullable column.*ID/s],
      ["INSERT INTO FILLED (T) VALUES ('a')", '100072', /NULL result in a non-nullable column.*ID/s],
      ['INSERT INTO FILLED (ID, T) VALUES (1)', '002020', /does not match column list/],
      ['SELECT 1 / 0', '100051', /Division by zero/],
    ])
    assert.deepEqual(await session.query('SELECT * FROM FILLED'), [])
    await session.execute("INSERT INTO FILLED VALUES (999, 'éé😀', 999.994)")
    assert.deepEqual(await session.query('SELECT * FROM FILLED'), [{ ID: '999', T: 'éé😀', P: '999.99' }])
  })

  // data-types-text, sql-reference/sql/merge: the same in every statement that writes
  test('a text that is longer than its column, in UPDATE and MERGE too', async () => {
    const { session } = scratch()
    await run(session, 'CREATE TABLE SHORT (ID NUMBER, T VARCHAR(3))', "INSERT INTO SHORT VALUES (1, 'abc')")
    const merge = (id: number, clause: string): string =>
      `MERGE INTO SHORT t USING (SELECT ${String(id)} AS ID, 'fo' || 'ur' AS T) s ON t.ID = s.ID ${clause}`
    await allRefused(session, [
      ["UPDATE SHORT SET T = T || 'd'", '100078', /too long and would be truncated/],
      [merge(1, 'WHEN MATCHED THEN UPDATE SET T = s.T'), '100078', /too long and would be truncated/],
      [
        merge(2, 'WHEN NOT MATCHED THEN INSERT (ID, T) VALUES (s.ID, s.T)'),
        '100078',
        /too long and would be truncated/,
      ],
    ])
    assert.deepEqual(await session.query('SELECT * FROM SHORT'), [{ ID: '1', T: 'abc' }])
  })

  test('a refused UPDATE changes no row', async () => {
    const { session } = scratch()
    await run(session, 'CREATE TABLE PAIR (ID NUMBER(1, 0))', 'INSERT INTO PAIR VALUES (4), (5)')
    await assert.rejects(
      session.execute('UPDATE PAIR SET ID = ID * 2'),
      refused('100046', /out of representable range/),
    )
    assert.deepEqual(await session.query('SELECT SUM(ID) AS S FROM PAIR'), [{ S: '9' }])
  })
})
