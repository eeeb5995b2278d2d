/**
 * Pipes with AUTO_INGEST over files on S3: which files are loaded, how often, with which metadata, and what becomes of a
 * file that cannot be loaded.
 *
 * Pages: sql-reference/sql/create-pipe, sql-reference/sql/alter-pipe, user-guide/data-load-snowpipe-intro,
 * user-guide/data-load-snowpipe-auto-s3, user-guide/querying-metadata, sql-reference/functions/copy_history,
 * sql-reference/functions/system_pipe_status, sql-reference/sql/show-pipes, sql-reference/sql/desc-pipe.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Row } from '../../src/snowflake/session.ts'
import { parquetOf } from '../local/warehouse/engine/engine-fixture.ts'
import { firstColumn, onEachTarget, refused, run } from '../support/contract.ts'
import { openScratchStage, stageTargets } from '../support/contract-stage.ts'
import { until } from '../support/until.ts'

onEachTarget(stageTargets(), (scratch, { stage: config, storageIntegration }) => {
  const bucket = openScratchStage(config)
  let made = 0

  before(async () => {
    await run(
      scratch().session,
      'CREATE FILE FORMAT PQ TYPE = PARQUET BINARY_AS_TEXT = FALSE',
      `CREATE STAGE FILES URL = 's3://${config.bucket}/${config.prefix}' STORAGE_INTEGRATION = ${storageIntegration}
         FILE_FORMAT = (FORMAT_NAME = 'PQ') COMMENT = 'files'`,
    )
  })
  after(async () => {
    await bucket.clear()
  })

  /** A table LOADED_<n>, and a pipe PIPE_<n> into it from a folder of the stage, its own unless told. */
  async function pipe(from?: string) {
    made += 1
    const { session, database } = scratch()
    const [table, name, folder] = [`LOADED_${made}`, `PIPE_${made}`, from ?? `f${made}/`]
    await session.execute(
      `CREATE TABLE ${table} (ID NUMBER(5, 0) NOT NULL, T VARCHAR(5), FILE VARCHAR, LINE NUMBER, AT TIMESTAMP_LTZ, CHANGED TIMESTAMP_NTZ)`,
    )
    const create = `PIPE ${name} AUTO_INGEST = TRUE COMMENT = 'loads' AS
      COPY INTO ${table} (ID, T, FILE, LINE, AT, CHANGED) FROM (
        SELECT $1:id::NUMBER(5, 0), $1:t::VARCHAR, METADATA$FILENAME, METADATA$FILE_ROW_NUMBER, METADATA$START_SCAN_TIME,
          METADATA$FILE_LAST_MODIFIED
        FROM @FILES/${folder})
      FILE_FORMAT = (FORMAT_NAME = 'PQ')`
    await session.execute(`CREATE ${create}`)
    const key = (file: string): string => `${config.prefix}${folder}${file}.parquet`
    return {
      table,
      name,
      folder,
      create,
      key,
      put: async (file: string, select: string | Uint8Array): Promise<void> => {
        const body = typeof select === 'string' ? await parquetOf(select) : select
        assert.equal(await bucket.stage.put(key(file), body, {}), 'stored')
      },
      status: async (): Promise<Readonly<Record<string, unknown>>> => {
        const [text] = await firstColumn(session, `SELECT SYSTEM$PIPE_STATUS('${database}.S.${name}')`)
        return JSON.parse(String(text)) as Record<string, unknown>
      },
      ids: async () => await firstColumn(session, `SELECT ID FROM ${table} ORDER BY ID`),
      /** Waits until each of these files has its line in the history; the lines, by file. */
      history: async (...files: readonly string[]): Promise<Readonly<Record<string, Row>>> => {
        const sql = `SELECT * FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => '${table}',
          START_TIME => DATEADD(HOUR, -1, CURRENT_TIMESTAMP())))`
        const rows = await until(
          `${files.join(', ')} in COPY_HISTORY`,
          () => session.query(sql),
          (found) =>
            files.every((file) => found.some((row) => nameOf(row) === file && row['STATUS'] !== 'Load in progress')),
        )
        return Object.fromEntries(rows.map((row) => [nameOf(row), row]))
      },
    }
  }

  const nameOf = (row: Row): string => /([^/]+)\.parquet$/.exec(String(row['FILE_NAME']))?.[1] ?? ''

  // data-load-snowpipe-auto-s3; querying-metadata
  test('a file that is put on the stage is loaded, with its name, its row numbers and times', async () => {
    const { put, history, key, table, name, folder, status } = await pipe()
    const startedMs = Date.now()
    await put('a', `SELECT i AS id, 't' || i AS t FROM range(3) r(i)`)
    const { a } = await history('a')
    const rows = await scratch().session.query(`SELECT * FROM ${table} ORDER BY ID`)
    assert.deepEqual(
      rows.map(({ ID, T, FILE }) => [ID, T, FILE]),
      [0, 1, 2].map((i) => [String(i), `t${i}`, key('a')]),
    )
    // Whether Parquet rows count from 0 or from 1 is not documented.
    assert.deepEqual(
      rows.map((row, i) => Number(row['LINE']) - Number(rows[0]?.['LINE']) - i),
      [0, 0, 0],
    )
    for (const row of rows) {
      // The clocks of an account and of this machine may differ by a little.
      for (const time of [row['AT'], row['CHANGED']]) {
        assert.ok(time instanceof Date && Math.abs(time.getTime() - startedMs) < 600_000, String(time))
      }
    }
    const { database } = scratch()
    const expected = {
      STATUS: 'Loaded',
      ROW_COUNT: '3',
      ROW_PARSED: '3',
      ERROR_COUNT: '0',
      FIRST_ERROR_MESSAGE: null,
      TABLE_CATALOG_NAME: database,
      TABLE_SCHEMA_NAME: 'S',
      TABLE_NAME: table,
      PIPE_CATALOG_NAME: database,
      PIPE_SCHEMA_NAME: 'S',
      PIPE_NAME: name,
    }
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((column) => [column, a?.[column]])), expected)
    assert.match(String(a?.['FILE_NAME']), new RegExp(`${folder}a\\.parquet$`))
    assert.ok(a?.['LAST_LOAD_TIME'] instanceof Date)
    const { executionState, pendingFileCount, oldestPendingFilePath } = await status()
    assert.deepEqual([executionState, pendingFileCount, oldestPendingFilePath], ['RUNNING', 0, undefined])
  })

  // data-load-snowpipe-intro: load history by name, so that changed content under an old name is not loaded
  test('a name is loaded once, also where another file is put under it', async () => {
    const { put, history, key, ids } = await pipe()
    await put('a', 'SELECT 1 AS id')
    await history('a')
    await bucket.stage.remove(key('a'))
    await put('a', 'SELECT 2 AS id')
    await put('b', 'SELECT 3 AS id')
    await history('a', 'b')
    assert.deepEqual(await ids(), ['1', '3'])
  })

  // data-load-snowpipe-auto-s3: the path of the pipe is a prefix of names
  test('a pipe takes what lies under its path, and nothing else', async () => {
    const { put, history, ids, folder } = await pipe()
    const body = await parquetOf('SELECT 9 AS id')
    await bucket.stage.put(`${config.prefix}other-${folder}x.parquet`, body, {})
    await bucket.stage.put(`${config.prefix}${folder.slice(0, -1)}_old/x.parquet`, body, {})
    await put('deep/er/a', 'SELECT 1 AS id')
    await history('a')
    assert.deepEqual(await ids(), ['1'])
  })

  // copy-into-table: ON_ERROR is SKIP_FILE in a pipe; copy_history: STATUS and the first error
  test('a file that is broken in one row is skipped whole and told in the history; the others are loaded', async () => {
    const { put, history, ids } = await pipe()
    await put('cast', `SELECT * FROM (VALUES ('1'), ('x'), ('3')) r(id)`)
    await put('long', `SELECT * FROM (VALUES (1, 'ok'), (2, 'sixsix')) r(id, t)`)
    await put('missing', `SELECT * FROM (VALUES (4), (NULL)) r(id)`)
    await put('garbage', new TextEncoder().encode('this is no Parquet file'))
    await put('good', 'SELECT 7 AS id')
    const found = await history('cast', 'long', 'missing', 'garbage', 'good')
    for (const file of ['cast', 'long', 'missing', 'garbage']) {
      const { STATUS, ROW_COUNT, FIRST_ERROR_MESSAGE } = found[file] ?? {}
      assert.deepEqual([STATUS, ROW_COUNT], ['Load failed', '0'], file)
      assert.ok(String(FIRST_ERROR_MESSAGE).length > 0, file)
    }
    assert.equal(found['good']?.['STATUS'], 'Loaded')
    assert.match(String(found['long']?.['FIRST_ERROR_MESSAGE']), /too long/)
    assert.match(String(found['missing']?.['FIRST_ERROR_MESSAGE']), /NULL result in a non-nullable column/)
    assert.deepEqual(await ids(), ['7'])
  })

  // alter-pipe: PIPE_EXECUTION_PAUSED; what is announced meanwhile is loaded afterwards
  test('a paused pipe loads nothing, and what came meanwhile when it goes on', async () => {
    const { put, history, ids, name, status } = await pipe()
    const { session } = scratch()
    await session.execute(`ALTER PIPE ${name} SET PIPE_EXECUTION_PAUSED = TRUE`)
    await until('a paused pipe', status, ({ executionState }) => executionState === 'PAUSED')
    await put('a', 'SELECT 1 AS id')
    // Another pipe has loaded what came later.
    const other = await pipe()
    await other.put('b', 'SELECT 2 AS id')
    await other.history('b')
    assert.deepEqual(await ids(), [])
    await session.execute(`ALTER PIPE ${name} SET PIPE_EXECUTION_PAUSED = FALSE`)
    await history('a')
    assert.deepEqual([await ids(), (await status())['executionState']], [['1'], 'RUNNING'])
  })

  // alter-pipe, REFRESH: files that are staged already, of the last seven days, that were not loaded before
  test('REFRESH queues what was there before the pipe, and nothing twice', async () => {
    const first = await pipe()
    await first.put('early', 'SELECT 1 AS id')
    await first.put('in/early2', 'SELECT 2 AS id')
    // The notifications are over by then: those before a pipe are not for it.
    await first.history('early', 'early2')
    const { history, ids, name, put } = await pipe(first.folder)
    const { session } = scratch()
    const queued = await session.query(`ALTER PIPE ${name} REFRESH PREFIX = 'in/'`)
    assert.match(String(queued[0]?.['File']), /early2\.parquet$/)
    assert.deepEqual([queued.length, queued[0]?.['Status']], [1, 'SENT'])
    await history('early2')
    await session.execute(`ALTER PIPE ${name} REFRESH`)
    await history('early', 'early2')
    await session.execute(`ALTER PIPE ${name} REFRESH`)
    await put('late', 'SELECT 3 AS id')
    await history('late')
    assert.deepEqual(await ids(), ['1', '2', '3'])
  })

  // create-pipe: IF NOT EXISTS keeps the pipe and its load history
  test('a pipe that is there keeps its history when it is created again IF NOT EXISTS', async () => {
    const { put, history, ids, name, create } = await pipe()
    await put('a', 'SELECT 1 AS id')
    await history('a')
    const { session } = scratch()
    await session.execute(`CREATE ${create.replace('PIPE', 'PIPE IF NOT EXISTS')}`)
    await session.execute(`ALTER PIPE ${name} REFRESH`)
    await put('b', 'SELECT 2 AS id')
    await history('b')
    assert.deepEqual(await ids(), ['1', '2'])
    await assert.rejects(
      session.execute(`CREATE ${create}`),
      refused('002002', new RegExp(`${name}.*already exists`, 's')),
    )
  })

  // user-guide/streams-intro: rows that COPY INTO loads are inserts
  test('rows that a pipe loads are in the streams of its table, file by file whole', async () => {
    const { put, history, table } = await pipe()
    const { session } = scratch()
    await session.execute(`CREATE STREAM OF_${table} ON TABLE ${table} APPEND_ONLY = TRUE`)
    await put('a', 'SELECT i AS id FROM range(100) r(i)')
    await history('a')
    const counts = await session.query(`SELECT COUNT(*) AS N, COUNT(DISTINCT ID) AS IDS FROM OF_${table}`)
    assert.deepEqual(counts, [{ N: '100', IDS: '100' }])
  })

  test('SHOW and DESC tell the columns of pipes and stages by name', async () => {
    const { name, table } = await pipe()
    const { session, database } = scratch()
    const within = `IN SCHEMA ${database}.S`
    const [shown] = await session.query(`SHOW PIPES LIKE '${name}' ${within}`)
    const [described] = await session.query(`DESC PIPE ${name}`)
    for (const row of [shown ?? {}, described ?? {}]) {
      const { database_name, schema_name, comment, invalid_reason, kind } = row
      assert.deepEqual(
        { name: row['name'], database_name, schema_name, comment, invalid_reason, kind },
        { name, database_name: database, schema_name: 'S', comment: 'loads', invalid_reason: null, kind: 'STAGE' },
      )
      assert.match(String(row['definition']), new RegExp(`^COPY INTO ${table}`))
      assert.ok('notification_channel' in row && 'pattern' in row && 'error_integration' in row && 'integration' in row)
    }
    const [stage] = await session.query(`SHOW STAGES LIKE 'FILES' ${within}`)
    const { url, comment, type, storage_integration } = stage ?? {}
    assert.deepEqual(
      [url, comment, type, storage_integration],
      [`s3://${config.bucket}/${config.prefix}`, 'files', 'EXTERNAL', storageIntegration],
    )
    const properties = await session.query('DESC STAGE FILES')
    const value = (property: string): unknown =>
      properties.find((row) => row['property'] === property)?.['property_value']
    assert.match(String(value('URL')), new RegExp(`s3://${config.bucket}/${config.prefix}`))
    assert.equal(value('STORAGE_INTEGRATION'), storageIntegration)
  })
})
