/**
 * ALTER TABLE ... ADD COLUMN: what is added, what is refused, and what a view does then.
 *
 * Pages: sql-reference/sql/alter-table, sql-reference/sql/create-table, sql-reference/sql/create-view.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contractTargets, onEachTarget, refused, run } from '../support/contract.ts'

onEachTarget(contractTargets(), (scratch) => {
  // alter-table, "ADD [ COLUMN ]"
  test('a column is added once, with IF NOT EXISTS as often as one likes; old rows show NULL or the default', async () => {
    const { session } = scratch()
    await run(session, 'CREATE TABLE WIDE (ID NUMBER)', 'INSERT INTO WIDE VALUES (1)')
    await run(
      session,
      `ALTER TABLE WIDE ADD COLUMN T VARCHAR(10) COMMENT 'text', N NUMBER(5, 0) NOT NULL DEFAULT 7`,
      'ALTER TABLE WIDE ADD COLUMN IF NOT EXISTS T VARCHAR(10)',
      'ALTER TABLE IF EXISTS WIDE ADD B BOOLEAN DEFAULT TRUE',
      'ALTER TABLE IF EXISTS NO_TABLE ADD COLUMN B BOOLEAN',
      'INSERT INTO WIDE (ID) VALUES (2)',
    )
    assert.deepEqual(await session.query('SELECT * FROM WIDE ORDER BY ID'), [
      { ID: '1', T: null, N: '7', B: true },
      { ID: '2', T: null, N: '7', B: true },
    ])
    const described = await session.query('DESC TABLE WIDE')
    assert.deepEqual(
      described.map((row) => [row['name'], row['type'], row['null?'], row['default'], row['comment']]),
      [
        ['ID', 'NUMBER(38,0)', 'Y', null, null],
        ['T', 'VARCHAR(10)', 'Y', null, 'text'],
        ['N', 'NUMBER(5,0)', 'N', '7', null],
        ['B', 'BOOLEAN', 'Y', 'TRUE', null],
      ],
    )
  })

  test('what cannot be added is refused', async () => {
    const { session } = scratch()
    await run(session, 'CREATE TABLE FULL_TABLE (ID NUMBER)', 'INSERT INTO FULL_TABLE VALUES (1)')
    const cases: readonly (readonly [string, string | null, RegExp])[] = [
      ['ALTER TABLE FULL_TABLE ADD COLUMN ID NUMBER', '001430', /ID.*already exists/s],
      ['ALTER TABLE FULL_TABLE ADD COLUMN IF NOT EXISTS X NUMBER DEFAULT 1', null, /./],
      [
        'ALTER TABLE FULL_TABLE ADD COLUMN X NUMBER NOT NULL',
        null,
        /Non-nullable column 'X' cannot be added to non-empty/,
      ],
      ['ALTER TABLE NO_TABLE ADD COLUMN X NUMBER', '002003', /NO_TABLE/],
      ['ALTER TABLE FULL_TABLE ADD COLUMN X NO_TYPE', null, /NO_TYPE/],
    ]
    for (const [sql, code, words] of cases) await assert.rejects(session.execute(sql), refused(code, words), sql)
    assert.deepEqual(await session.query('SELECT * FROM FULL_TABLE'), [{ ID: '1' }])
  })

  // create-view, usage notes: a view keeps the columns that it was made with
  test('a view over named columns goes on, one over * is refused until it is made anew', async () => {
    const { session } = scratch()
    await run(
      session,
      'CREATE TABLE UNDER (ID NUMBER)',
      'CREATE VIEW NAMED AS SELECT ID FROM UNDER',
      'CREATE VIEW STARRED AS SELECT * FROM UNDER',
      'CREATE STREAM OVER_IT ON TABLE UNDER APPEND_ONLY = TRUE',
      'ALTER TABLE UNDER ADD COLUMN T VARCHAR',
      `INSERT INTO UNDER VALUES (1, 'x')`,
    )
    assert.deepEqual(await session.query('SELECT * FROM NAMED'), [{ ID: '1' }])
    assert.deepEqual(await session.query('SELECT ID, T FROM OVER_IT'), [{ ID: '1', T: 'x' }])
    const words = /declared 1 column\(s\), but view query produces 2 column\(s\)/
    await assert.rejects(session.query('SELECT * FROM STARRED'), refused('002057', words))
  })
})
