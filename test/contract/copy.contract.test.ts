/**
 * COPY INTO a table as a statement: what it answers, what an error does, and which files it loads again.
 *
 * Pages: sql-reference/sql/copy-into-table, user-guide/data-load-considerations-load, sql-reference/functions/copy_history,
 * user-guide/querying-metadata.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Row } from '../../src/snowflake/session.ts'
import { parquetOf } from '../local/warehouse/engine/engine-fixture.ts'
import { firstColumn, onEachTarget, refused, run } from '../support/contract.ts'
import { openScratchStage, stageTargets } from '../support/contract-stage.ts'

onEachTarget(stageTargets(), (scratch, { stage: config, storageIntegration }) => {
  const bucket = openScratchStage(config)
  let made = 0

  before(async () => {
    await run(
      scratch().session,
      'CREATE FILE FORMAT PQ TYPE = PARQUET BINARY_AS_TEXT = FALSE',
      `CREATE STAGE FILES URL = 's3://${config.bucket}/${config.prefix}' STORAGE_INTEGRATION = ${storageIntegration}`,
    )
  })
  after(async () => {
    await bucket.clear()
  })

  /** A table of its own, and a folder of the stage with these files. */
  async function folder(files: Readonly<Record<string, string>>) {
    made += 1
    const [table, path] = [`COPIED_${made}`, `c${made}/`]
    const { session } = scratch()
    await session.execute(
      `CREATE TABLE ${table} (ID NUMBER(5, 0) NOT NULL, T VARCHAR(5), FILE VARCHAR, CHANGED TIMESTAMP_NTZ)`,
    )
    const put = async (file: string, select: string): Promise<void> => {
      assert.equal(await bucket.stage.put(`${config.prefix}${path}${file}`, await parquetOf(select), {}), 'stored')
    }
    for (const [file, select] of Object.entries(files)) await put(file, select)
    return {
      table,
      put,
      key: (file: string): string => `${config.prefix}${path}${file}`,
      copy: (options = ''): Promise<readonly Row[]> =>
        session.query(`COPY INTO ${table} (ID, T, FILE, CHANGED) FROM (
          SELECT $1:id::NUMBER(5, 0), $1:t::VARCHAR, METADATA$FILENAME, METADATA$FILE_LAST_MODIFIED FROM @FILES/${path})
          ${options} FILE_FORMAT = (FORMAT_NAME = 'PQ')`),
      ids: () => firstColumn(session, `SELECT ID FROM ${table} ORDER BY ID`),
    }
  }

  const told = (rows: readonly Row[]) =>
    rows.map((row) => [/[^/]*$/.exec(String(row['file']))?.[0], row['status'], row['rows_loaded']]).sort()

  // copy-into-table, "Output"
  test('each file is answered with what came of it; nothing to do is one row', async () => {
    const { copy, ids, table, key } = await folder({
      'a.parquet': 'SELECT i AS id FROM range(3) r(i)',
      'b.parquet': 'SELECT 7 AS id',
    })
    const startedMs = Date.now()
    const rows = await copy()
    assert.deepEqual(told(rows), [
      ['a.parquet', 'LOADED', '3'],
      ['b.parquet', 'LOADED', '1'],
    ])
    const [row = {}] = rows
    assert.deepEqual(Object.keys(row), [
      'file',
      'status',
      'rows_parsed',
      'rows_loaded',
      'error_limit',
      'errors_seen',
      'first_error',
      'first_error_line',
      'first_error_character',
      'first_error_column_name',
    ])
    assert.deepEqual([row['errors_seen'], row['first_error'], row['rows_parsed']], ['0', null, row['rows_loaded']])
    assert.deepEqual(await ids(), ['0', '1', '2', '7'])
    const { session } = scratch()
    const [last = {}] = await session.query(`SELECT FILE, CHANGED FROM ${table} WHERE ID = 7`)
    assert.equal(last['FILE'], key('b.parquet'))
    // The clocks of an account and of this machine may differ by a little.
    const changed = last['CHANGED']
    assert.ok(changed instanceof Date && Math.abs(changed.getTime() - startedMs) < 600_000)
    assert.deepEqual(await copy(), [{ status: 'Copy executed with 0 files processed.' }])
    const history =
      await session.query(`SELECT FILE_NAME, STATUS, ROW_COUNT, PIPE_NAME FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(
      TABLE_NAME => '${table}', START_TIME => DATEADD(HOUR, -1, CURRENT_TIMESTAMP()))) ORDER BY FILE_NAME`)
    assert.deepEqual(
      history.map(({ STATUS, ROW_COUNT, PIPE_NAME }) => [STATUS, ROW_COUNT, PIPE_NAME]),
      [
        ['Loaded', '3', null],
        ['Loaded', '1', null],
      ],
    )
  })

  // copy-into-table, ON_ERROR: ABORT_STATEMENT is the default
  test('a file with an error fails the statement and nothing is loaded; SKIP_FILE leaves it out', async () => {
    const { copy, ids } = await folder({
      'bad.parquet': `SELECT * FROM (VALUES (1, 'ok'), (2, 'sixsix')) r(id, t)`,
      'good.parquet': 'SELECT 3 AS id',
      'null.parquet': 'SELECT * FROM (VALUES (4), (NULL)) r(id)',
    })
    await assert.rejects(copy(), refused(null, /too long|non-nullable/))
    await assert.rejects(copy('ON_ERROR = ABORT_STATEMENT'), refused(null, /too long|non-nullable/))
    assert.deepEqual(await ids(), [])
    const rows = await copy('ON_ERROR = SKIP_FILE')
    assert.deepEqual(told(rows), [
      ['bad.parquet', 'LOAD_FAILED', '0'],
      ['good.parquet', 'LOADED', '1'],
      ['null.parquet', 'LOAD_FAILED', '0'],
    ])
    assert.ok(
      rows.filter((row) => row['status'] === 'LOAD_FAILED').every((row) => String(row['first_error']).length > 0),
    )
    assert.deepEqual(await ids(), ['3'])
  })

  // copy-into-table, FILES and FORCE; data-load-considerations-load, "Load metadata"
  test('FILES loads those alone, each once, and FORCE again', async () => {
    const { copy, ids } = await folder({
      'a.parquet': 'SELECT 1 AS id',
      'in/b.parquet': 'SELECT 2 AS id',
      'c.parquet': 'SELECT 3 AS id',
    })
    const files = `FILES = ('a.parquet', 'in/b.parquet')`
    assert.equal((await copy(files)).length, 2)
    assert.deepEqual(told(await copy(files)), [
      ['a.parquet', 'LOAD_SKIPPED', '0'],
      ['b.parquet', 'LOAD_SKIPPED', '0'],
    ])
    assert.deepEqual(await ids(), ['1', '2'])
    await copy(`FILES = ('a.parquet') FORCE = TRUE`)
    await copy()
    assert.deepEqual(await ids(), ['1', '1', '2', '3'])
  })

  // copy-into-table, FILES: a name is a promise
  test('a name that is not there fails the statement, and is told where bad files are skipped', async () => {
    const { copy, ids, put } = await folder({ 'a.parquet': 'SELECT 1 AS id' })
    const files = `FILES = ('a.parquet', 'none.parquet')`
    await assert.rejects(copy(files), refused('091016', /none\.parquet.*was not found/s))
    assert.deepEqual(await ids(), [])
    assert.deepEqual(told(await copy(`${files} ON_ERROR = SKIP_FILE`)), [
      ['a.parquet', 'LOADED', '1'],
      ['none.parquet', 'LOAD_FAILED', '0'],
    ])
    await put('none.parquet', 'SELECT 2 AS id')
    await copy(files)
    assert.deepEqual(await ids(), ['1', '2'])
  })

  // data-load-considerations-load: size and ETag tell whether a file has changed
  test('a file whose content has changed is loaded again', async () => {
    const { copy, ids, put, key } = await folder({ 'a.parquet': 'SELECT 1 AS id' })
    await copy()
    await bucket.stage.remove(key('a.parquet'))
    await put('a.parquet', 'SELECT 2 AS id')
    await copy()
    assert.deepEqual(await ids(), ['1', '2'])
  })

  test('a COPY is part of its transaction', async () => {
    const { copy, ids } = await folder({ 'a.parquet': 'SELECT 1 AS id' })
    const { session } = scratch()
    await session.execute('BEGIN')
    await copy()
    await session.execute('ROLLBACK')
    assert.deepEqual(await ids(), [])
    await copy()
    assert.deepEqual(await ids(), ['1'])
  })

  test('an option that is none, and a stage, table or column that is not there, are refused', async () => {
    const { copy } = await folder({})
    const { session } = scratch()
    const other = (into: string, stage: string): string =>
      `COPY INTO ${into} FROM (SELECT $1:id::NUMBER(5, 0) FROM @${stage}/x/) FILE_FORMAT = (FORMAT_NAME = 'PQ')`
    await assert.rejects(copy('NO_OPTION = TRUE'), refused(null, /NO_OPTION/))
    await assert.rejects(session.execute(other('NO_TABLE (ID)', 'FILES')), refused('002003', /NO_TABLE/))
    await assert.rejects(session.execute(other('COPIED_1 (ID)', 'NO_STAGE')), refused('002003', /NO_STAGE/))
    await assert.rejects(session.execute(other('COPIED_1 (NO_COLUMN)', 'FILES')), refused('000904', /NO_COLUMN/))
  })
})
