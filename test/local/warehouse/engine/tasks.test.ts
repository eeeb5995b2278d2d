/** When tasks run, and what their history tells. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextRunMs } from '../../../../src/local/warehouse/engine/tasks.ts'
import { type Fixture, openFixture, refusal } from './engine-fixture.ts'

async function withTask(t: Parameters<typeof openFixture>[0], options: string, body: string): Promise<Fixture> {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE landing (id NUMBER)',
    'CREATE TABLE target (id NUMBER NOT NULL)',
    'CREATE STREAM s ON TABLE landing APPEND_ONLY = TRUE',
    `CREATE TASK k WAREHOUSE = FIRN_WH SCHEDULE = '10 SECONDS' ${options} AS ${body}`,
  )
  return f
}

const whenData = `WHEN SYSTEM$STREAM_HAS_DATA('s')`
const take = 'INSERT INTO target SELECT id FROM s'

async function pass(f: Fixture, seconds: number): Promise<void> {
  f.clock.advance(seconds * 1000)
  await f.engine.tasksSettled()
}

const states = async (f: Fixture) =>
  (
    await f.rows(
      `SELECT state, scheduled_from FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 'K')) ORDER BY scheduled_time`,
    )
  ).map((row) => row.join(' '))
const count = async (f: Fixture) => Number((await f.rows('SELECT COUNT(*) FROM target'))[0]?.[0])

async function shown(f: Fixture, column: string): Promise<string | null> {
  const { columns, rows } = await f.run('SHOW TASKS')
  return rows[0]?.[columns.findIndex(({ name }) => name === column)] ?? null
}

test('a task is made suspended, runs at its interval once resumed, and no more once suspended', async (t) => {
  const f = await withTask(t, '', 'INSERT INTO target VALUES (1)')
  await pass(f, 60)
  assert.deepEqual([await count(f), await shown(f, 'state')], [0, 'suspended'])
  await f.run('ALTER TASK k RESUME')
  await pass(f, 9)
  assert.equal(await count(f), 0)
  await pass(f, 1)
  await pass(f, 10)
  assert.deepEqual([await count(f), await shown(f, 'state')], [2, 'started'])
  await f.run('ALTER TASK k SUSPEND')
  await pass(f, 60)
  assert.equal(await count(f), 2)
  assert.deepEqual(await states(f), ['SUCCEEDED SCHEDULE', 'SUCCEEDED SCHEDULE'])
})

test('a run is skipped while WHEN is false', async (t) => {
  const f = await withTask(t, whenData, take)
  await f.run('ALTER TASK k RESUME')
  await pass(f, 10)
  await f.run('INSERT INTO landing VALUES (1)')
  await pass(f, 10)
  await pass(f, 10)
  assert.equal(await count(f), 1)
  assert.deepEqual(await states(f), ['SKIPPED SCHEDULE', 'SUCCEEDED SCHEDULE', 'SKIPPED SCHEDULE'])
})

test('EXECUTE TASK runs a suspended task once, also twice in a row, and its WHEN counts', async (t) => {
  const f = await withTask(t, whenData, take)
  await f.run('EXECUTE TASK k')
  await f.engine.tasksSettled()
  await f.run('INSERT INTO landing VALUES (1)', 'EXECUTE TASK k', 'EXECUTE TASK k')
  await f.engine.tasksSettled()
  assert.deepEqual([await count(f), await shown(f, 'state')], [1, 'suspended'])
  assert.deepEqual((await states(f)).sort(), ['SKIPPED EXECUTE TASK', 'SKIPPED EXECUTE TASK', 'SUCCEEDED EXECUTE TASK'])
})

test('a run that is at work when the next is due swallows that one', async (t) => {
  const f = await withTask(t, '', 'INSERT INTO target VALUES (1)')
  const other = await f.open()
  await f.run('ALTER TASK k RESUME')
  await other.execute('BEGIN', {}, '')
  await other.execute('INSERT INTO landing VALUES (1)', {}, '')
  f.clock.advance(30_000)
  await other.execute('COMMIT', {}, '')
  await f.engine.tasksSettled()
  await other.close()
  assert.equal(await count(f), 1)
})

test('a failed run is rolled back and recorded with its error; the task goes on', async (t) => {
  const body = `EXECUTE IMMEDIATE $$ BEGIN BEGIN TRANSACTION; ${take}; INSERT INTO target VALUES (NULL); COMMIT;
    EXCEPTION WHEN OTHER THEN ROLLBACK; RAISE; END; $$`
  const f = await withTask(t, whenData, body)
  await f.run('INSERT INTO landing VALUES (1)', 'ALTER TASK k RESUME')
  await pass(f, 10)
  await pass(f, 10)
  assert.equal(await count(f), 0)
  assert.deepEqual(await f.rows('SELECT id FROM s'), [['1']])
  const rows = await f.rows(
    `SELECT state, error_code, error_message FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 'K', ERROR_ONLY => TRUE))`,
  )
  assert.equal(rows.length, 2)
  const [[state, code, message] = []] = rows
  assert.deepEqual([state, code], ['FAILED', '100072'])
  assert.match(message ?? '', /NULL result in a non-nullable column/)
})

test('so many failures in a row suspend the task; a success between starts the count anew', async (t) => {
  const f = await withTask(t, 'SUSPEND_TASK_AFTER_NUM_FAILURES = 2', 'INSERT INTO target SELECT id FROM landing')
  await f.run('INSERT INTO landing VALUES (NULL)', 'ALTER TASK k RESUME')
  await pass(f, 10)
  await f.run('DELETE FROM landing')
  await pass(f, 10)
  await f.run('INSERT INTO landing VALUES (NULL)')
  await pass(f, 10)
  assert.equal(await shown(f, 'state'), 'started')
  await pass(f, 10)
  assert.deepEqual(
    [await shown(f, 'state'), await shown(f, 'last_suspended_reason')],
    ['suspended', 'SUSPENDED_DUE_TO_ERRORS'],
  )
  assert.equal((await states(f)).at(-1), 'FAILED_AND_AUTO_SUSPENDED SCHEDULE')
})

test('a task that was started goes on after a restart, in its own schema', async (t) => {
  const f = await withTask(t, whenData, take)
  await f.run('INSERT INTO landing VALUES (1)', 'ALTER TASK k RESUME')
  await f.restart()
  await pass(f, 10)
  assert.equal(await count(f), 1)
})

test('a task that is replaced is suspended and runs the new text', async (t) => {
  const f = await withTask(t, '', 'INSERT INTO target VALUES (1)')
  await f.run(
    'ALTER TASK k RESUME',
    `CREATE OR REPLACE TASK k SCHEDULE = '10 SECONDS' AS INSERT INTO target VALUES (2)`,
  )
  await pass(f, 10)
  assert.equal(await count(f), 0)
  await f.run('ALTER TASK k RESUME')
  await pass(f, 10)
  assert.deepEqual(await f.rows('SELECT id FROM target'), [['2']])
})

test('a task on a warehouse that is not there is refused', async (t) => {
  const f = await openFixture(t)
  await assert.rejects(f.run(`CREATE TASK k WAREHOUSE = other SCHEDULE = '10 SECONDS' AS SELECT 1`), refusal('002003'))
})

test('intervals count from the moment of resuming', () => {
  assert.equal(nextRunMs(1000, 10, 1000), 11_000)
  assert.equal(nextRunMs(1000, 10, 10_999), 11_000)
  assert.equal(nextRunMs(1000, 10, 11_000), 21_000)
  assert.equal(nextRunMs(1000, 10, 95_000), 101_000)
})
