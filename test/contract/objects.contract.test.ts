/**
 * Objects: how they are made, kept, replaced, shown, described and dropped, and how their names are read.
 *
 * Pages: sql-reference/sql/create-table and its likes, sql-reference/identifiers-syntax, sql-reference/sql/show-tables and
 * its likes, sql-reference/sql/desc-table, sql-reference/sql/drop-database.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../../src/snowflake/session.ts'
import { contractTargets, firstColumn, onEachTarget, refused, run, type Scratch } from '../support/contract.ts'

async function names({ session }: Scratch, kind: string, where: string): Promise<readonly unknown[]> {
  return (await session.query(`SHOW ${kind} ${where}`)).map((row) => row['name'])
}

onEachTarget(contractTargets(), (scratch) => {
  test('IF NOT EXISTS keeps what is there, with its rows and columns', async () => {
    const { session } = scratch()
    await run(
      session,
      'CREATE TABLE IF NOT EXISTS KEPT (ID NUMBER(38, 0), T VARCHAR)',
      `INSERT INTO KEPT VALUES (1, 'x')`,
      'CREATE TABLE IF NOT EXISTS KEPT (OTHER BOOLEAN)',
    )
    assert.deepEqual(await session.query('SELECT * FROM KEPT'), [{ ID: '1', T: 'x' }])
  })

  test('OR REPLACE makes a table anew, without its rows', async () => {
    const { session } = scratch()
    await run(session, 'CREATE TABLE ANEW (ID NUMBER)', 'INSERT INTO ANEW VALUES (1)')
    await session.execute('CREATE OR REPLACE TABLE ANEW (ID NUMBER, T VARCHAR)')
    assert.deepEqual(await session.query('SELECT * FROM ANEW'), [])
    assert.deepEqual(
      (await session.query('DESC TABLE ANEW')).map((row) => row['name']),
      ['ID', 'T'],
    )
  })

  // sql-reference/identifiers-syntax
  test('bare names mean their upper case, quoted ones what is written; only the same name is the same object', async () => {
    const { session, database } = scratch()
    await run(
      session,
      'CREATE TABLE mixedCase (id NUMBER, "lower" NUMBER)',
      'CREATE TABLE "mixedCase" ("A b" NUMBER, "ü""q" VARCHAR)',
      `INSERT INTO MIXEDCASE (ID, "lower") VALUES (1, 2)`,
      `INSERT INTO "mixedCase" VALUES (3, 'x')`,
    )
    assert.deepEqual(await session.query('SELECT * FROM MixedCASE'), [{ ID: '1', lower: '2' }])
    assert.deepEqual(await session.query(`SELECT t."A b", "ü""q" FROM ${database}.s."mixedCase" t`), [
      { 'A b': '3', 'ü"q': 'x' },
    ])
    assert.deepEqual(await session.query('SELECT "ID" FROM "MIXEDCASE"'), [{ ID: '1' }])
    await assert.rejects(session.query('SELECT * FROM "Mixedcase"'), refused('002003', /Mixedcase/))
    await assert.rejects(session.query('SELECT "id" FROM MIXEDCASE'), refused('000904', /id/))
    await assert.rejects(session.query('SELECT lower FROM MIXEDCASE'), refused('000904', /LOWER/))
  })

  test('words that are reserved elsewhere may be bare column names', async () => {
    const { session } = scratch()
    await run(
      session,
      'CREATE TABLE WORDS (before VARCHAR, after VARCHAR, position VARCHAR, op VARCHAR, raw VARCHAR, error VARCHAR, meta VARCHAR)',
      `INSERT INTO WORDS (before, after, position) SELECT 'b', 'a', 'p'`,
    )
    const select = 'SELECT t.before, after, t.position, op FROM WORDS t WHERE before IS NOT NULL ORDER BY position'
    assert.deepEqual(await session.query(select), [{ BEFORE: 'b', AFTER: 'a', POSITION: 'p', OP: null }])
  })

  // sql-reference/sql/show-tables, "Parameters": LIKE does not tell capitals from small letters
  test('SHOW finds objects by LIKE, whatever the case, and keeps to its schema or database', async () => {
    const { session, database } = scratch()
    await run(
      session,
      `CREATE SCHEMA ${database}.SHOWN`,
      `CREATE TABLE ${database}.SHOWN.ORDERS_LANDING (ID NUMBER)`,
      `CREATE TABLE ${database}.SHOWN."orders_landing" (ID NUMBER)`,
      `CREATE TABLE ${database}.SHOWN.ITEMS (ID NUMBER)`,
      `CREATE VIEW ${database}.SHOWN.ORDERS_VIEW AS SELECT ID FROM ${database}.SHOWN.ITEMS`,
      `CREATE STREAM ${database}.SHOWN.ORDERS_STREAM ON TABLE ${database}.SHOWN.ITEMS APPEND_ONLY = TRUE`,
      `USE SCHEMA ${database}.S`,
    )
    const within = `IN SCHEMA ${database}.SHOWN`
    const tables = await names(scratch(), 'TABLES', `LIKE 'Orders%' ${within}`)
    assert.deepEqual([...tables].sort(), ['ORDERS_LANDING', 'orders_landing'])
    assert.deepEqual(await names(scratch(), 'TABLES', `LIKE 'items' IN DATABASE ${database}`), ['ITEMS'])
    assert.deepEqual(await names(scratch(), 'TABLES', `LIKE 'ITEMS' IN SCHEMA ${database}.S`), [])
    assert.deepEqual(await names(scratch(), 'VIEWS', within), ['ORDERS_VIEW'])
    assert.deepEqual(await names(scratch(), 'STREAMS', `LIKE 'ORDERS_STREAM' ${within}`), ['ORDERS_STREAM'])
    assert.deepEqual(await names(scratch(), 'SCHEMAS', `LIKE 'SHOWN' IN DATABASE ${database}`), ['SHOWN'])
    assert.deepEqual(await names(scratch(), 'DATABASES', `LIKE '${database}'`), [database])
  })

  test('SHOW tells the columns of each kind by name', async () => {
    const { session, database } = scratch()
    await run(
      session,
      `CREATE TABLE BASE (ID NUMBER) COMMENT = 'a table'`,
      'INSERT INTO BASE VALUES (1), (2)',
      `CREATE VIEW LOOK COMMENT = 'a view' AS SELECT ID FROM BASE`,
      `CREATE STREAM FLOW ON TABLE BASE APPEND_ONLY = TRUE COMMENT = 'a stream'`,
      `CREATE FILE FORMAT SHAPE TYPE = PARQUET COMMENT = 'a format'`,
    )
    const shown = async (kind: string, name: string): Promise<Row> =>
      (await session.query(`SHOW ${kind} LIKE '${name}' IN SCHEMA ${database}.S`))[0] ?? {}
    const base = `${database}.S.BASE`
    const expected: readonly (readonly [string, string, Row])[] = [
      ['TABLES', 'BASE', { comment: 'a table', kind: 'TABLE', rows: '2' }],
      ['VIEWS', 'LOOK', { comment: 'a view' }],
      [
        'STREAMS',
        'FLOW',
        { comment: 'a stream', table_name: base, source_type: 'Table', mode: 'APPEND_ONLY', stale: 'false' },
      ],
      ['FILE FORMATS', 'SHAPE', { comment: 'a format', type: 'PARQUET' }],
    ]
    for (const [kind, name, columns] of expected) {
      const row = await shown(kind, name)
      const common = { name, database_name: database, schema_name: 'S' }
      const found = Object.fromEntries(Object.keys({ ...common, ...columns }).map((key) => [key, row[key] ?? null]))
      assert.deepEqual(found, { ...common, ...columns }, kind)
      assert.ok(row['created_on'] instanceof Date, kind)
    }
    assert.match(String((await shown('VIEWS', 'LOOK'))['text']), /SELECT ID FROM BASE$/)
  })

  // sql-reference/sql/desc-table
  test('DESC TABLE tells names, types and what may be NULL', async () => {
    const { session } = scratch()
    await session.execute(`CREATE TABLE DESCRIBED (ID VARCHAR(134217728) NOT NULL COMMENT 'the key', N NUMBER(10, 0), D DECIMAL(18, 4),
      I INT, T VARCHAR, V VARIANT, AT TIMESTAMP_NTZ, L TIMESTAMP_LTZ, B BOOLEAN, F FLOAT)`)
    const rows = await session.query('DESC TABLE DESCRIBED')
    const [first] = rows
    assert.equal(first?.['comment'], 'the key')
    assert.deepEqual(
      // Accounts may leave the length out where it is the default one.
      rows.map((row) => [
        row['name'],
        String(row['type']).replace(/^VARCHAR$/, 'VARCHAR(16777216)'),
        row['kind'],
        row['null?'],
      ]),
      [
        ['ID', 'VARCHAR(134217728)', 'COLUMN', 'N'],
        ['N', 'NUMBER(10,0)', 'COLUMN', 'Y'],
        ['D', 'NUMBER(18,4)', 'COLUMN', 'Y'],
        ['I', 'NUMBER(38,0)', 'COLUMN', 'Y'],
        ['T', 'VARCHAR(16777216)', 'COLUMN', 'Y'],
        ['V', 'VARIANT', 'COLUMN', 'Y'],
        ['AT', 'TIMESTAMP_NTZ(9)', 'COLUMN', 'Y'],
        ['L', 'TIMESTAMP_LTZ(9)', 'COLUMN', 'Y'],
        ['B', 'BOOLEAN', 'COLUMN', 'Y'],
        ['F', 'FLOAT', 'COLUMN', 'Y'],
      ],
    )
  })

  // sql-reference/sql/create-view: names in a view are those of its own schema; OR REPLACE takes the new text
  test('a view shows what is there when it is read, from any schema, and can be replaced', async () => {
    const { session, database } = scratch()
    await run(
      session,
      'CREATE TABLE SEEN (ID NUMBER, OP VARCHAR)',
      `CREATE OR REPLACE VIEW ODD AS SELECT DISTINCT ID, NULL AS RAW FROM SEEN WHERE OP = 'x' UNION ALL SELECT ID, OP FROM SEEN WHERE ID > 8`,
      `INSERT INTO SEEN VALUES (1, 'x'), (1, 'x'), (2, 'c'), (9, 'y')`,
      `CREATE SCHEMA ${database}.ELSEWHERE`,
    )
    assert.deepEqual(await firstColumn(session, `SELECT ID FROM ${database}.S.ODD ORDER BY ID`), ['1', '9'])
    await session.execute(`USE SCHEMA ${database}.S`)
    await session.execute('CREATE OR REPLACE VIEW ODD AS SELECT COUNT(*) AS N FROM SEEN')
    assert.deepEqual(await session.query('SELECT * FROM ODD'), [{ N: '4' }])
  })

  test('DROP takes away, once; IF EXISTS makes the second time no error', async () => {
    const { session } = scratch()
    const made = [
      ['TABLE', '(ID NUMBER)'],
      ['VIEW', 'AS SELECT 1 AS ONE'],
      ['SCHEMA', ''],
      ['FILE FORMAT', 'TYPE = PARQUET'],
    ]
    for (const [kind = '', rest] of made) {
      await run(session, `CREATE ${kind} GONE ${rest}`, `USE SCHEMA ${scratch().database}.S`, `DROP ${kind} GONE`)
      await assert.rejects(session.execute(`DROP ${kind} GONE`), refused(null, /GONE.*does not exist/s), kind)
      await session.execute(`DROP ${kind} IF EXISTS GONE`)
    }
  })

  // sql-reference/sql/drop-schema: what is in it goes with it; sql-reference/sql/create-schema: the new one is in use then
  test('a schema is in use once it is made, and goes with all that is in it', async () => {
    const { session, database } = scratch()
    await run(session, `CREATE SCHEMA ${database}.HOLDER`, 'CREATE TABLE INNER_ONE (ID NUMBER)')
    assert.deepEqual(await firstColumn(session, 'SELECT CURRENT_SCHEMA()'), ['HOLDER'])
    assert.deepEqual(await names(scratch(), 'TABLES', `IN SCHEMA ${database}.HOLDER`), ['INNER_ONE'])
    await run(session, `DROP SCHEMA ${database}.HOLDER`, `USE SCHEMA ${database}.S`)
    await assert.rejects(session.query(`SELECT * FROM ${database}.HOLDER.INNER_ONE`), refused('002003', /HOLDER/))
    await session.execute(`CREATE SCHEMA ${database}.HOLDER`)
    assert.deepEqual(await names(scratch(), 'TABLES', `IN SCHEMA ${database}.HOLDER`), [])
    await session.execute(`USE SCHEMA ${database}.S`)
  })
})
