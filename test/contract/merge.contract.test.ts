/**
 * MERGE, and what the merge template puts around it: which clause counts, what is counted, what is refused, and how rows
 * are ordered and chosen.
 *
 * Pages: sql-reference/sql/merge, sql-reference/constructs/qualify, sql-reference/constructs/order-by,
 * sql-reference/parameters (ERROR_ON_NONDETERMINISTIC_MERGE).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contractTargets, firstColumn, onEachTarget, refused, run, type Scratch } from '../support/contract.ts'

/** The clauses of sql/templates/50_merge.sql. */
const clauses = `ON T.ID = S.ID
  WHEN MATCHED AND S.POS > T.POS AND S.OP = 'd' THEN DELETE
  WHEN MATCHED AND S.POS > T.POS THEN UPDATE SET DATA = CASE S.OP WHEN 'u' THEN 'updated' ELSE 'inserted' END, POS = S.POS
  WHEN NOT MATCHED AND S.OP <> 'd' THEN INSERT (ID, DATA, POS) VALUES (S.ID, 'inserted', S.POS)`

/** A fresh TARGET (ID, DATA, POS) and an empty SOURCE (ID, OP, POS). */
async function withTables(scratch: Scratch, target = '', source = ''): Promise<void> {
  await run(
    scratch.session,
    'CREATE OR REPLACE TABLE TARGET (ID VARCHAR NOT NULL, DATA VARCHAR, POS VARCHAR NOT NULL)',
    'CREATE OR REPLACE TABLE SOURCE (ID VARCHAR, OP VARCHAR, POS VARCHAR)',
    ...(target === '' ? [] : [`INSERT INTO TARGET VALUES ${target}`]),
    ...(source === '' ? [] : [`INSERT INTO SOURCE VALUES ${source}`]),
  )
}

async function targetRows({ session }: Scratch): Promise<readonly string[]> {
  const rows = await session.query('SELECT ID, DATA, POS FROM TARGET ORDER BY ID, POS')
  return rows.map((row) => Object.values(row).join(' '))
}

onEachTarget(contractTargets(), (scratch) => {
  test('the first clause whose condition holds counts, and a row that meets none stays as it is', async () => {
    await withTables(
      scratch(),
      `('a', 'old', '5'), ('b', 'old', '5'), ('c', 'old', '5'), ('d', 'old', '5'), ('untouched', 'old', '5')`,
      `('a', 'd', '6'), ('b', 'u', '6'), ('c', 'u', '4'), ('d', 'd', '5'), ('e', 'c', '1'), ('f', 'd', '1')`,
    )
    const [counts] = await scratch().session.query(`MERGE INTO TARGET T USING SOURCE S ${clauses}`)
    assert.deepEqual(await targetRows(scratch()), [
      'b updated 6',
      'c old 5',
      'd old 5',
      'e inserted 1',
      'untouched old 5',
    ])
    // sql-reference/sql/merge, "Outputs"
    assert.deepEqual(counts, {
      'number of rows inserted': '1',
      'number of rows updated': '1',
      'number of rows deleted': '1',
    })
  })

  test('counts name the kinds of clauses that the statement has, also where they did nothing', async () => {
    await withTables(scratch())
    const insert = 'WHEN NOT MATCHED THEN INSERT (ID, POS) VALUES (S.ID, S.POS)'
    const cases = [
      [insert, ['number of rows inserted']],
      ['WHEN MATCHED THEN DELETE', ['number of rows deleted']],
      [`WHEN MATCHED THEN UPDATE SET POS = S.POS ${insert}`, ['number of rows inserted', 'number of rows updated']],
    ] as const
    for (const [when, columns] of cases) {
      const [counts] = await scratch().session.query(`MERGE INTO TARGET T USING SOURCE S ON T.ID = S.ID ${when}`)
      assert.deepEqual(counts, Object.fromEntries(columns.map((column) => [column, '0'])))
    }
  })

  // sql-reference/sql/merge, "Nondeterministic results for UPDATE and DELETE"
  test('a source that would update a row twice is refused with 100090, and changes nothing', async () => {
    const { session } = scratch()
    await withTables(scratch(), `('a', 'old', '1')`, `('a', 'u', '2'), ('a', 'u', '3'), ('b', 'c', '1')`)
    const twice = refused('100090', /Duplicate row detected during DML action/)
    await assert.rejects(session.execute(`MERGE INTO TARGET T USING SOURCE S ${clauses}`), twice)
    await session.execute(`UPDATE SOURCE SET OP = 'd' WHERE ID = 'a' AND POS = '3'`)
    await assert.rejects(session.execute(`MERGE INTO TARGET T USING SOURCE S ${clauses}`), twice)
    assert.deepEqual(await targetRows(scratch()), ['a old 1'])
  })

  // sql-reference/sql/merge, "Deterministic results for UPDATE and DELETE", and "... for INSERT"
  test('a source that only deletes a row twice is no error, and each row without a match is inserted', async () => {
    const { session } = scratch()
    await withTables(
      scratch(),
      `('a', 'old', '1')`,
      `('a', 'd', '2'), ('a', 'd', '3'), ('b', 'c', '1'), ('b', 'c', '2')`,
    )
    const merge = `MERGE INTO TARGET T USING SOURCE S ON T.ID = S.ID WHEN MATCHED THEN DELETE
      WHEN NOT MATCHED THEN INSERT (ID, POS) VALUES (S.ID, S.POS)`
    await session.execute(merge)
    assert.deepEqual(await targetRows(scratch()), ['b  1', 'b  2'])
  })

  test('NULL matches nothing: such a source row is not matched, and a condition that is NULL does not hold', async () => {
    const { session } = scratch()
    await withTables(scratch(), `('a', 'old', '1')`, `('a', 'u', NULL), ('b', NULL, '2')`)
    assert.equal(await session.execute(`MERGE INTO TARGET T USING SOURCE S ${clauses}`), 0)
    await session.execute(`INSERT INTO SOURCE VALUES (NULL, 'c', '1')`)
    const violation = refused('100072', /non-nullable column.*ID/s)
    await assert.rejects(session.execute(`MERGE INTO TARGET T USING SOURCE S ${clauses}`), violation)
    assert.deepEqual(await targetRows(scratch()), ['a old 1'])
  })

  // sql-reference/constructs/qualify: a query as source, one row per id
  test('QUALIFY chooses the newest row of each id, past a join that leaves rows out', async () => {
    const { session } = scratch()
    await withTables(
      scratch(),
      '',
      `('a', 'c', '1'), ('a', 'u', '3'), ('a', 'u', '2'), ('b', 'c', '1'), ('b', 'u', '2'), ('c', 'c', '1')`,
    )
    await session.execute('CREATE OR REPLACE TABLE GRAVES (ID VARCHAR, POS VARCHAR)')
    await session.execute(`INSERT INTO GRAVES VALUES ('b', '1'), ('c', '1')`)
    const merge = `MERGE INTO TARGET T USING (
        SELECT C.ID, C.OP, C.POS FROM (SELECT ID, OP, POS FROM SOURCE WHERE OP IN ('c', 'u', 'd')) C
        LEFT JOIN GRAVES K ON K.ID = C.ID WHERE K.POS IS NULL OR C.POS > K.POS
        QUALIFY ROW_NUMBER() OVER (PARTITION BY C.ID ORDER BY C.POS DESC) = 1
      ) S ${clauses}`
    assert.equal(await session.execute(merge), 2)
    assert.deepEqual(await targetRows(scratch()), ['a inserted 3', 'b inserted 2'])
  })

  test('a MERGE that is run again over the same rows changes nothing', async () => {
    const { session } = scratch()
    await withTables(scratch(), `('a', 'old', '1')`, `('a', 'u', '2'), ('b', 'c', '1')`)
    const merge = `MERGE INTO TARGET T USING SOURCE S ${clauses}`
    assert.equal(await session.execute(merge), 2)
    const rows = await targetRows(scratch())
    assert.equal(await session.execute(merge), 0)
    assert.deepEqual(await targetRows(scratch()), rows)
  })

  // sql-reference/constructs/order-by: NULLs count as the greatest value
  test('NULLs come last in ascending and first in descending order, in windows too', async () => {
    const { session } = scratch()
    const rows = `(SELECT 'x' AS N UNION ALL SELECT NULL UNION ALL SELECT 'y') T`
    assert.deepEqual(await firstColumn(session, `SELECT N FROM ${rows} ORDER BY N`), ['x', 'y', null])
    assert.deepEqual(await firstColumn(session, `SELECT N FROM ${rows} ORDER BY N DESC`), [null, 'y', 'x'])
    const newest = (order: string): string => `SELECT N FROM ${rows} QUALIFY ROW_NUMBER() OVER (ORDER BY ${order}) = 1`
    assert.deepEqual(await firstColumn(session, newest('N')), ['x'])
    assert.deepEqual(await firstColumn(session, newest('N DESC')), [null])
    assert.deepEqual(await firstColumn(session, newest('N DESC NULLS LAST')), ['y'])
  })

  // sql-reference/collation: without one, text is compared by its UTF-8 bytes. Positions are ordered so.
  test('text is ordered by its bytes', async () => {
    const { session } = scratch()
    const texts = ['10', '9', 'B', 'a', 'aa', 'é', '\uffee', '😀']
    const rows = texts.map((text) => `SELECT '${text}' AS T`).join(' UNION ALL ')
    assert.deepEqual(await firstColumn(session, `SELECT T FROM (${rows}) X ORDER BY T`), texts)
    const [row] = await session.query(
      `SELECT MAX(T) AS MOST, MIN(T) AS LEAST, MAX(T) > 'é' AS GREATER FROM (${rows}) X`,
    )
    assert.deepEqual(row, { MOST: '😀', LEAST: '10', GREATER: true })
  })

  // sql-reference/transactions: an explicit transaction is atomic over several statements
  test('two MERGEs of a transaction see what the first has done, and are undone together', async () => {
    const { session } = scratch()
    await withTables(scratch(), `('a', 'old', '1')`, `('a', 'u', '2')`)
    const merge = `MERGE INTO TARGET T USING SOURCE S ${clauses}`
    await session.execute('BEGIN TRANSACTION')
    assert.equal(await session.execute(merge), 1)
    assert.equal(await session.execute(merge), 0)
    await session.execute('ROLLBACK')
    assert.deepEqual(await targetRows(scratch()), ['a old 1'])
  })

  // sql-reference/functions/count, /count_if, /max. The page of COUNT_IF says NULL where no row meets the condition; what
  // accounts are reported to answer is 0.
  test('counts of nothing are 0, the greatest of nothing is NULL', async () => {
    const { session } = scratch()
    const counts = 'COUNT(*) AS A, COUNT(N) AS B, COUNT_IF(N > 1) AS C, MAX(N) AS D'
    for (const [rows, all] of [
      ['SELECT 1 AS N WHERE FALSE', '0'],
      ['SELECT NULL::NUMBER AS N', '1'],
    ]) {
      const [row] = await session.query(`SELECT ${counts} FROM (${rows}) T`)
      assert.deepEqual(row, { A: all, B: '0', C: '0', D: null })
    }
    const grouped =
      'SELECT K, COUNT_IF(N > 1) AS C FROM (SELECT 1 AS K, 1 AS N UNION ALL SELECT 2, 2) T GROUP BY K ORDER BY K'
    assert.deepEqual(await session.query(grouped), [
      { K: '1', C: '0' },
      { K: '2', C: '1' },
    ])
  })

  // sql-reference/sql/merge: the source may be a WITH query or a subquery with aggregates
  test('a source may be grouped, and MAX of text is its last in order', async () => {
    const { session } = scratch()
    await withTables(scratch(), `('a', 'old', '2')`, `('a', 'd', '1'), ('a', 'd', '3'), ('b', 'd', '7')`)
    const merge = `MERGE INTO TARGET K USING (SELECT ID, MAX(POS) AS NEWEST FROM SOURCE WHERE OP = 'd' GROUP BY ID) S
      ON K.ID = S.ID WHEN MATCHED AND S.NEWEST > K.POS THEN UPDATE SET POS = S.NEWEST
      WHEN NOT MATCHED THEN INSERT (ID, POS) VALUES (S.ID, S.NEWEST)`
    assert.equal(await session.execute(merge), 2)
    assert.deepEqual(await targetRows(scratch()), ['a old 3', 'b  7'])
  })
})
