/**
 * Append-only streams: what they show, and what moves their offset. The merge reads one four times in one transaction and
 * relies on all of it.
 *
 * Pages: user-guide/streams-intro, user-guide/streams-examples, sql-reference/sql/create-stream,
 * sql-reference/functions/system_stream_has_data.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { contractTargets, firstColumn, onEachTarget, refused, run, type Scratch } from '../support/contract.ts'

/** Tables LANDING_<n> and TAKEN_<n>, and a stream S_<n> on the first. */
async function withStream(scratch: Scratch, options = ''): Promise<Stream> {
  made += 1
  const [landing, taken, stream] = [`LANDING_${made}`, `TAKEN_${made}`, `S_${made}`]
  await run(
    scratch.session,
    `CREATE TABLE ${landing} (ID NUMBER(38, 0))`,
    `CREATE TABLE ${taken} (ID NUMBER(38, 0) NOT NULL)`,
    `CREATE STREAM ${stream} ON TABLE ${landing} APPEND_ONLY = TRUE ${options}`,
  )
  return { landing, taken, stream, take: `INSERT INTO ${taken} SELECT ID FROM ${stream}` }
}

let made = 0
type Stream = { readonly landing: string; readonly taken: string; readonly stream: string; readonly take: string }

const ids = (session: Session, from: string): Promise<readonly unknown[]> =>
  firstColumn(session, `SELECT ID FROM ${from} ORDER BY ID`)

async function hasData(session: Session, stream: string): Promise<unknown> {
  return (await firstColumn(session, `SELECT SYSTEM$STREAM_HAS_DATA('${stream}')`))[0]
}

onEachTarget(contractTargets(), (scratch, target) => {
  // user-guide/streams-intro: querying a stream alone does not advance the offset; stream columns
  test('SELECT never advances a stream; each row says how it came', async () => {
    const { session } = scratch()
    const { landing, stream } = await withStream(scratch())
    await session.execute(`INSERT INTO ${landing} VALUES (1), (2)`)
    const rows = await session.query(`SELECT * FROM ${stream} ORDER BY ID`)
    assert.deepEqual(await session.query(`SELECT * FROM ${stream} ORDER BY ID`), rows)
    assert.deepEqual(Object.keys(rows[0] ?? {}), ['ID', 'METADATA$ACTION', 'METADATA$ISUPDATE', 'METADATA$ROW_ID'])
    assert.deepEqual(
      rows.map((row) => [row['ID'], row['METADATA$ACTION'], row['METADATA$ISUPDATE']]),
      [
        ['1', 'INSERT', false],
        ['2', 'INSERT', false],
      ],
    )
    assert.equal(new Set(rows.map((row) => row['METADATA$ROW_ID'])).size, 2)
    assert.equal(await hasData(session, stream), true)
  })

  // user-guide/streams-intro: a DML that is its own transaction advances the offset, also over rows that it left out
  test('a DML advances a stream over all of its rows, also those that it leaves out', async () => {
    const { session } = scratch()
    const { landing, taken, stream, take } = await withStream(scratch())
    await session.execute(`INSERT INTO ${landing} VALUES (1), (2), (3)`)
    assert.equal(await session.execute(`${take} WHERE ID = 2`), 1)
    assert.deepEqual(await ids(session, stream), [])
    await session.execute(`INSERT INTO ${landing} VALUES (4)`)
    await session.execute(take)
    assert.deepEqual(await ids(session, taken), ['2', '4'])
  })

  // user-guide/streams-intro: the offset advances also where the DML changes no row
  test('a DML that changes no row advances a stream too', async () => {
    const { session } = scratch()
    const { landing, taken, stream, take } = await withStream(scratch())
    await session.execute(`INSERT INTO ${landing} VALUES (1)`)
    assert.equal(await session.execute(`${take} WHERE FALSE`), 0)
    assert.deepEqual([await ids(session, stream), await ids(session, taken)], [[], []])
    assert.equal(await hasData(session, stream), false)
  })

  // user-guide/streams-intro: every kind of DML counts
  test('MERGE, UPDATE and DELETE take what a stream shows, as INSERT does', async () => {
    const { session } = scratch()
    const { landing, taken, stream } = await withStream(scratch())
    const dmls = [
      `MERGE INTO ${taken} T USING ${stream} S ON T.ID = S.ID WHEN NOT MATCHED THEN INSERT (ID) VALUES (S.ID)`,
      `UPDATE ${taken} SET ID = 10 WHERE ID IN (SELECT ID FROM ${stream})`,
      `DELETE FROM ${taken} WHERE ID - 9 IN (SELECT ID FROM ${stream})`,
    ]
    const left = [['1'], ['10'], []]
    for (const [i, dml] of dmls.entries()) {
      await session.execute(`INSERT INTO ${landing} VALUES (1)`)
      assert.equal(await session.execute(dml), 1, dml)
      assert.deepEqual([await ids(session, stream), await ids(session, taken)], [[], left[i]], dml)
    }
  })

  // user-guide/streams-intro, "Repeatable read isolation": several statements of a transaction see the same rows
  test('all statements of a transaction see the same rows, and what lands meanwhile comes next', async () => {
    const { session, database } = scratch()
    const { landing, taken, stream, take } = await withStream(scratch())
    const other = await connectSnowflake(target.config)
    await session.execute(`INSERT INTO ${landing} VALUES (1), (2)`)
    await run(session, 'BEGIN TRANSACTION', take)
    assert.deepEqual(await ids(session, stream), ['1', '2'])
    // The writer may have to wait for the transaction, where one table at a time is written.
    const landed = other.execute(`INSERT INTO ${database}.S.${landing} VALUES (3)`)
    await session.execute(take)
    assert.deepEqual(await ids(session, taken), ['1', '1', '2', '2'])
    await session.execute('COMMIT')
    await landed
    await other.close()
    assert.deepEqual(await ids(session, stream), ['3'])
    await session.execute(take)
    assert.deepEqual(await ids(session, taken), ['1', '1', '2', '2', '3'])
  })

  // user-guide/streams-intro: rows up to the beginning of the transaction
  test('what landed after the transaction began is not lost and not taken', async () => {
    const { session, database } = scratch()
    const { landing, taken, stream, take } = await withStream(scratch())
    const other = await connectSnowflake(target.config)
    await session.execute(`INSERT INTO ${landing} VALUES (1)`)
    await session.execute('BEGIN TRANSACTION')
    await other.execute(`INSERT INTO ${database}.S.${landing} VALUES (2)`)
    await run(session, take, take, 'COMMIT')
    await other.close()
    assert.deepEqual([await ids(session, taken), await ids(session, stream)], [['1', '1'], ['2']])
  })

  // user-guide/streams-intro: the offset advances when the transaction commits, not when it is rolled back
  test('a rollback leaves a stream where it was', async () => {
    const { session } = scratch()
    const { landing, taken, stream, take } = await withStream(scratch())
    await session.execute(`INSERT INTO ${landing} VALUES (1)`)
    await run(session, 'BEGIN TRANSACTION', take, 'ROLLBACK')
    assert.deepEqual([await ids(session, taken), await ids(session, stream)], [[], ['1']])
  })

  // sql-reference/transactions: a failed statement of its own is rolled back
  test('a DML that fails leaves a stream where it was', async () => {
    const { session } = scratch()
    const { landing, stream, take } = await withStream(scratch())
    await session.execute(`INSERT INTO ${landing} VALUES (1), (NULL)`)
    await assert.rejects(session.execute(take), refused('100072', /ID/))
    assert.deepEqual(await ids(session, stream), ['1', null])
  })

  // sql-reference/sql/create-stream, SHOW_INITIAL_ROWS
  test('SHOW_INITIAL_ROWS shows once what was there before; without it a stream starts at its creation', async () => {
    const { session } = scratch()
    const { landing, taken } = await withStream(scratch())
    await session.execute(`INSERT INTO ${landing} VALUES (1)`)
    await run(
      session,
      `CREATE STREAM WITH_INITIAL ON TABLE ${landing} APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE`,
      `CREATE STREAM WITHOUT_INITIAL ON TABLE ${landing} APPEND_ONLY = TRUE`,
    )
    assert.deepEqual([await ids(session, 'WITH_INITIAL'), await ids(session, 'WITHOUT_INITIAL')], [['1'], []])
    await session.execute(`INSERT INTO ${taken} SELECT ID FROM WITH_INITIAL`)
    await session.execute(`INSERT INTO ${landing} VALUES (2)`)
    assert.deepEqual([await ids(session, 'WITH_INITIAL'), await ids(session, 'WITHOUT_INITIAL')], [['2'], ['2']])
  })

  // sql-reference/sql/create-stream: IF NOT EXISTS keeps the stream that is there
  test('a stream that is there keeps its offset when it is created again IF NOT EXISTS', async () => {
    const { session } = scratch()
    const { landing, stream, take } = await withStream(scratch())
    await run(session, `INSERT INTO ${landing} VALUES (1)`, take, `INSERT INTO ${landing} VALUES (2)`)
    await session.execute(
      `CREATE STREAM IF NOT EXISTS ${stream} ON TABLE ${landing} APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE`,
    )
    assert.deepEqual(await ids(session, stream), ['2'])
  })

  // user-guide/streams-intro, "Multiple consumers of streams"
  test('each stream of a table has an offset of its own', async () => {
    const { session } = scratch()
    const { landing, stream, take } = await withStream(scratch())
    await session.execute(`CREATE STREAM SECOND ON TABLE ${landing} APPEND_ONLY = TRUE`)
    await run(session, `INSERT INTO ${landing} VALUES (1)`, take)
    assert.deepEqual([await ids(session, stream), await ids(session, 'SECOND')], [[], ['1']])
  })

  // user-guide/streams-intro, "Append-only": updates, deletes and truncates are not recorded
  test('an append-only stream shows no update, delete or truncate of rows that it has passed', async () => {
    const { session } = scratch()
    const { landing, stream, take } = await withStream(scratch())
    await run(session, `INSERT INTO ${landing} VALUES (1), (2), (3)`, take)
    await run(session, `UPDATE ${landing} SET ID = 9 WHERE ID = 1`, `DELETE FROM ${landing} WHERE ID = 2`)
    assert.deepEqual(await ids(session, stream), [])
    await session.execute(`TRUNCATE TABLE ${landing}`)
    assert.deepEqual(await ids(session, stream), [])
    await session.execute(`INSERT INTO ${landing} VALUES (4)`)
    assert.deepEqual(await ids(session, stream), ['4'])
  })

  // user-guide/streams-intro, "Data retention period and staleness": recreating the table makes its streams stale
  test('a table that is replaced makes its streams stale', async () => {
    const { session } = scratch()
    const { landing, stream } = await withStream(scratch())
    const stale = async (): Promise<unknown> => (await session.query(`SHOW STREAMS LIKE '${stream}'`))[0]?.['stale']
    assert.equal(await stale(), 'false')
    await session.execute(`CREATE OR REPLACE TABLE ${landing} (ID NUMBER(38, 0))`)
    assert.equal(await stale(), 'true')
    await assert.rejects(session.query(`SELECT * FROM ${stream}`), refused(null, new RegExp(stream)))
  })

  // create-stream, streams-intro, "Data retention period and staleness"; show-streams and desc-stream, "Output"
  test('a stream tells when it goes stale: 14 days after it was made or consumed', async () => {
    const { session, database } = scratch()
    await run(session, 'CREATE TABLE AGING (ID NUMBER)', 'CREATE STREAM AGED ON TABLE AGING APPEND_ONLY = TRUE')
    const [shown = {}] = await session.query(`SHOW STREAMS LIKE 'AGED' IN SCHEMA ${database}.S`)
    const [described = {}] = await session.query('DESC STREAM AGED')
    for (const row of [shown, described]) {
      assert.equal(String(row['stale']), 'false')
      const after = row['stale_after']
      // The clocks of an account and of this machine may differ by a little.
      assert.ok(
        after instanceof Date && Math.abs(after.getTime() - Date.now() - 14 * 86_400_000) < 600_000,
        String(after),
      )
    }
  })

  test('a stream whose table was replaced cannot be read, and says so', async () => {
    const { session } = scratch()
    await run(
      session,
      'CREATE TABLE REPLACED_UNDER (ID NUMBER)',
      'CREATE STREAM LEFT_OVER ON TABLE REPLACED_UNDER APPEND_ONLY = TRUE',
      'CREATE OR REPLACE TABLE REPLACED_UNDER (ID NUMBER)',
    )
    await assert.rejects(session.query('SELECT * FROM LEFT_OVER'), refused(null, /dropped|stale/))
  })
})
