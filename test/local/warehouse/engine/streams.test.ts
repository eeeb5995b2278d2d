/** What a stream shows, and when it moves on. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Fixture, openFixture, openFolder, refusal } from './engine-fixture.ts'

async function withStream(t: Parameters<typeof openFixture>[0]): Promise<Fixture> {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE landing (id NUMBER)',
    'CREATE TABLE target (id NUMBER)',
    'CREATE STREAM s ON TABLE landing APPEND_ONLY = TRUE',
  )
  return f
}

const take = 'INSERT INTO target SELECT id FROM s'
const shown = async (f: Fixture) => (await f.rows('SELECT id FROM s ORDER BY id')).map(([id]) => Number(id))
const taken = async (f: Fixture) => (await f.rows('SELECT id FROM target ORDER BY id')).map(([id]) => Number(id))

test('a stream shows what was inserted since its offset, each row with its metadata', async (t) => {
  const f = await withStream(t)
  await f.run('INSERT INTO landing VALUES (1), (2)')
  const { columns, rows } = await f.run('SELECT * FROM s ORDER BY id')
  assert.deepEqual(
    columns.map(({ name }) => name),
    ['ID', 'METADATA$ACTION', 'METADATA$ISUPDATE', 'METADATA$ROW_ID'],
  )
  const [[id, action, isUpdate, rowId] = [], [, , , otherRowId] = []] = rows
  assert.deepEqual([id, action, isUpdate], ['1', 'INSERT', '0'])
  assert.match(rowId ?? '', /^[0-9a-f]{40}$/)
  assert.notEqual(rowId, otherRowId)
})

test('SELECT leaves a stream where it is, a DML that reads it moves it on, even over no row', async (t) => {
  const f = await withStream(t)
  await f.run('INSERT INTO landing VALUES (1)')
  assert.deepEqual(await shown(f), [1])
  assert.deepEqual(await shown(f), [1])
  await f.run(take)
  assert.deepEqual([await shown(f), await taken(f)], [[], [1]])
  await f.run('INSERT INTO landing VALUES (2)', 'INSERT INTO target SELECT id FROM s WHERE id > 100')
  assert.deepEqual([await shown(f), await taken(f)], [[], [1]])
})

test('a stream starts at its creation, or before the first row with SHOW_INITIAL_ROWS', async (t) => {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE landing (id NUMBER)',
    'INSERT INTO landing VALUES (1)',
    'CREATE STREAM s ON TABLE landing APPEND_ONLY = TRUE',
    'CREATE STREAM initial ON TABLE landing APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE',
    'INSERT INTO landing VALUES (2)',
  )
  assert.deepEqual(await shown(f), [2])
  assert.deepEqual(await f.rows('SELECT id FROM initial ORDER BY id'), [['1'], ['2']])
})

test('all statements of a transaction see the rows up to its start, and take them once', async (t) => {
  const f = await withStream(t)
  const other = await f.open()
  t.after(() => other.close())
  await f.run('INSERT INTO landing VALUES (1)', 'BEGIN')
  await other.execute('INSERT INTO landing VALUES (2)', {}, '')
  assert.deepEqual(await shown(f), [1])
  await f.run(take)
  assert.deepEqual(await shown(f), [1])
  await f.run(take, 'COMMIT')
  assert.deepEqual([await shown(f), await taken(f)], [[2], [1, 1]])
})

test('a stream stays where it was after a rollback, and after a statement that failed', async (t) => {
  const f = await withStream(t)
  await f.run('CREATE TABLE strict (id NUMBER NOT NULL)', 'INSERT INTO landing VALUES (1)')
  await f.run('BEGIN', take, 'ROLLBACK')
  assert.deepEqual(await shown(f), [1])
  await assert.rejects(f.run('INSERT INTO strict SELECT NULL FROM s'), refusal('100072'))
  assert.deepEqual(await shown(f), [1])
  await f.run('BEGIN')
  await assert.rejects(f.run('INSERT INTO strict SELECT NULL FROM s'), refusal('100072'))
  await f.run('COMMIT')
  assert.deepEqual(await shown(f), [1])
})

test('rows that another transaction took are not taken again after a statement that failed', async (t) => {
  const f = await withStream(t)
  const other = await f.open()
  t.after(() => other.close())
  await f.run('INSERT INTO landing VALUES (1)')
  await other.execute('BEGIN', {}, '')
  assert.equal((await other.execute('SELECT * FROM s', {}, '')).rows.length, 1)
  await f.run(take)
  await assert.rejects(other.execute(`SELECT TO_NUMBER('x')`, {}, ''), refusal('100038'))
  await other.execute(take, {}, '')
  await other.execute('COMMIT', {}, '')
  assert.deepEqual(await taken(f), [1])
})

test('of two transactions at once each row goes to one', async (t) => {
  const f = await withStream(t)
  const other = await f.open()
  t.after(() => other.close())
  await f.run('INSERT INTO landing VALUES (1)', 'BEGIN')
  await other.execute('BEGIN', {}, '')
  assert.deepEqual(await shown(f), [1])
  assert.equal((await other.execute('SELECT * FROM s', {}, '')).rows.length, 1)
  await f.run(take)
  const waits = other.execute(take, {}, '')
  await f.run('COMMIT')
  await waits
  await other.execute('COMMIT', {}, '')
  assert.deepEqual(await taken(f), [1])
})

test('SYSTEM$STREAM_HAS_DATA says whether there is something to take', async (t) => {
  const f = await withStream(t)
  const flag = async () => (await f.rows(`SELECT SYSTEM$STREAM_HAS_DATA('db.public.s')`))[0]?.[0]
  assert.equal(await flag(), '0')
  await f.run('INSERT INTO landing VALUES (1)')
  assert.equal(await flag(), '1')
  await f.run(take)
  assert.equal(await flag(), '0')
})

test('a stream on a table that was replaced is stale and refused', async (t) => {
  const f = await withStream(t)
  await f.run('CREATE OR REPLACE TABLE landing (id NUMBER)', 'INSERT INTO landing VALUES (1)')
  await assert.rejects(shown(f), /Base table 'DB.PUBLIC.LANDING' dropped/)
  const { columns, rows } = await f.run('SHOW STREAMS')
  assert.equal(rows[0]?.[columns.findIndex(({ name }) => name === 'stale')], 'true')
})

const dayMs = 24 * 3600 * 1000

const staleness = async (f: Fixture, how = 'SHOW STREAMS') => {
  const { columns, rows } = await f.run(how)
  const cell = (column: string) => rows[0]?.[columns.findIndex(({ name }) => name === column)] ?? null
  return [cell('stale'), (Number(cell('stale_after')) * 1000 - f.clock.nowMs()) / dayMs]
}

// Snowflake documents neither the code nor the words of the refusal, only that a stale stream cannot be read.
test('a stream that nobody consumes for 14 days is stale, and cannot be read', async (t) => {
  const f = await withStream(t)
  await f.run('INSERT INTO landing VALUES (1)')
  assert.deepEqual(await staleness(f), ['false', 14])
  f.clock.advance(10 * dayMs)
  await f.run(take)
  assert.deepEqual(await staleness(f, 'DESC STREAM s'), ['false', 14])
  await f.run('INSERT INTO landing VALUES (2)')
  await f.restart()
  f.clock.advance(14 * dayMs)
  assert.deepEqual([await shown(f), await staleness(f)], [[2], ['false', 0]])
  f.clock.advance(1)
  for (const sql of ['SELECT * FROM s', take, `SELECT SYSTEM$STREAM_HAS_DATA('s')`]) {
    await assert.rejects(f.run(sql), /Stream 'DB.PUBLIC.S' is stale/, sql)
  }
  assert.equal((await staleness(f))[0], 'true')
  await f.run('CREATE OR REPLACE STREAM s ON TABLE landing APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE')
  assert.deepEqual(
    [await shown(f), await staleness(f)],
    [
      [1, 2],
      ['false', 14],
    ],
  )
})

test('asking an empty stream for data keeps it fresh, also over a restart; asking one that has some does not', async (t) => {
  const f = await withStream(t)
  f.clock.advance(13 * dayMs)
  await f.run(`SELECT SYSTEM$STREAM_HAS_DATA('s')`)
  await f.restart()
  assert.deepEqual(await staleness(f), ['false', 14])
  await f.run(`CREATE TASK k SCHEDULE = '60 MINUTES' WHEN SYSTEM$STREAM_HAS_DATA('s') AS ${take}`)
  f.clock.advance(13 * dayMs)
  await f.run('EXECUTE TASK k')
  await f.engine.tasksSettled()
  assert.deepEqual(await staleness(f), ['false', 14])
  await f.run('INSERT INTO landing VALUES (1)')
  f.clock.advance(dayMs)
  await f.run(`SELECT SYSTEM$STREAM_HAS_DATA('s')`)
  assert.deepEqual(await staleness(f), ['false', 13])
})

test('a stream whose table was dropped or replaced is stale, and can still be described', async (t) => {
  const f = await withStream(t)
  await f.run('CREATE TABLE other (id NUMBER)', 'DROP TABLE landing')
  assert.equal((await staleness(f, 'DESC STREAM s'))[0], 'true')
  await f.run('CREATE TABLE landing (id NUMBER)')
  assert.equal((await staleness(f))[0], 'true')
})

test('whatever DML names a stream moves it on, also where it touches no row, and through a view', async (t) => {
  const f = await withStream(t)
  await f.run('CREATE VIEW over_it AS SELECT id FROM s')
  const statements = [
    take,
    'INSERT INTO target SELECT id FROM s WHERE FALSE',
    'INSERT INTO target SELECT 1 WHERE EXISTS (SELECT 1 FROM s WHERE id > 100)',
    'INSERT INTO target SELECT id FROM over_it WHERE id > 100',
    'DELETE FROM target WHERE id IN (SELECT id + 100 FROM s)',
    'UPDATE target SET id = id WHERE id IN (SELECT id + 100 FROM s)',
    'MERGE INTO target t USING s ON t.id = s.id + 100 WHEN MATCHED THEN DELETE',
    'MERGE INTO target t USING (SELECT 1 AS one) o ON t.id IN (SELECT id + 100 FROM s) WHEN MATCHED THEN DELETE',
  ]
  for (const sql of statements) {
    await f.run('INSERT INTO landing VALUES (1)')
    assert.equal((await shown(f)).length, 1, sql)
    await f.run(sql)
    assert.deepEqual(await shown(f), [], sql)
  }
})

test('the offset survives a restart, and new rows come after it', async (t) => {
  const f = await withStream(t)
  await f.run('INSERT INTO landing VALUES (1), (2)', take, 'INSERT INTO landing VALUES (3)')
  await f.restart()
  await f.run('INSERT INTO landing VALUES (4)')
  assert.deepEqual(await shown(f), [3, 4])
})

test('a restart hides no row that a stream had not shown, and gives no number twice', async (t) => {
  const f = await withStream(t)
  await f.run('INSERT INTO landing VALUES (1), (2), (3)')
  await f.restart()
  assert.deepEqual(await shown(f), [1, 2, 3])
  await f.run(take, 'INSERT INTO landing VALUES (4)')
  await f.restart()
  assert.deepEqual(await shown(f), [4])
})

test('a kill at any instant leaves every row either in the stream or in the target, once', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'firn-kill-'))
  const script = fileURLToPath(new URL('mortal-engine.ts', import.meta.url))
  for (let round = 0; round < 3; round += 1) {
    const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = new Promise((resolve) => child.once('exit', resolve))
    let lines = 0
    for await (const line of createInterface({ input: child.stdout })) {
      lines += line === 'committed' ? 1 : 0
      if (lines >= 10 + round) child.kill('SIGKILL')
    }
    await exit
  }
  const { engine, session } = await openFolder(dir)
  t.after(async () => {
    await session.close()
    await engine.close()
    await rm(dir, { recursive: true, force: true })
  })
  const count = async (sql: string) => Number((await session.execute(sql, {}, '')).rows[0]?.[0])
  const landed = await count('SELECT COUNT(*) FROM landing')
  assert.ok(landed >= 30)
  await session.execute(take, {}, '')
  assert.equal(await count('SELECT COUNT(*) FROM target'), landed)
  assert.equal(await count('SELECT COUNT(*) FROM (SELECT DISTINCT id FROM target)'), landed)
})
