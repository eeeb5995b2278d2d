/** Tasks that wait for their stream instead of a time, and tasks with a cron expression. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fixture, openFixture, refusal } from './engine-fixture.ts'

const take = 'INSERT INTO target SELECT id FROM s'
const triggered = `TARGET_COMPLETION_INTERVAL = '1 MINUTES' USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = 10
  WHEN SYSTEM$STREAM_HAS_DATA('s')`

async function withTask(t: Parameters<typeof openFixture>[0], options: string, body = take): Promise<Fixture> {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE landing (id NUMBER)',
    'CREATE TABLE target (id NUMBER NOT NULL)',
    'CREATE STREAM s ON TABLE landing APPEND_ONLY = TRUE',
    `CREATE TASK k ${options} AS ${body}`,
  )
  return f
}

async function pass(f: Fixture, seconds: number): Promise<void> {
  f.clock.advance(seconds * 1000)
  await f.engine.tasksSettled()
}

async function insert(f: Fixture, id: number | null): Promise<void> {
  await f.run(`INSERT INTO landing VALUES (${String(id ?? 'NULL')})`)
  await f.engine.tasksSettled()
}

const states = async (f: Fixture) =>
  (
    await f.rows(
      `SELECT state, scheduled_from FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 'K')) ORDER BY scheduled_time`,
    )
  ).map((row) => row.join(' '))
const taken = async (f: Fixture) => (await f.rows('SELECT id FROM target ORDER BY id')).map(([id]) => Number(id))

test('a triggered task runs when its stream has rows, not more often than it says, and rests while there are none', async (t) => {
  const f = await withTask(t, triggered)
  await insert(f, 1)
  assert.deepEqual(await taken(f), [])
  await f.run('ALTER TASK k RESUME')
  await f.engine.tasksSettled()
  assert.deepEqual(await taken(f), [1])
  await pass(f, 3)
  await insert(f, 2)
  await insert(f, 3)
  assert.deepEqual(await taken(f), [1])
  await pass(f, 7)
  assert.deepEqual(await taken(f), [1, 2, 3])
  await pass(f, 3600)
  await insert(f, 4)
  assert.deepEqual(await taken(f), [1, 2, 3, 4])
  assert.deepEqual(await states(f), ['SUCCEEDED TRIGGER', 'SUCCEEDED TRIGGER', 'SUCCEEDED TRIGGER'])
  await f.run('ALTER TASK k SUSPEND')
  await insert(f, 5)
  await pass(f, 3600)
  assert.deepEqual(await taken(f), [1, 2, 3, 4])
})

test('it runs again where rows came while it ran, or where it failed and left them', async (t) => {
  const f = await withTask(t, triggered)
  await f.run('ALTER TASK k RESUME')
  await insert(f, null)
  await pass(f, 10)
  await f.run('DELETE FROM landing')
  await f.engine.tasksSettled()
  await pass(f, 10)
  await insert(f, 1)
  await pass(f, 10)
  assert.deepEqual(await states(f), ['FAILED TRIGGER', 'FAILED TRIGGER', 'SUCCEEDED TRIGGER'])
  assert.deepEqual(await taken(f), [1])
})

test('rows that come while it runs are taken by the next run', async (t) => {
  const f = await withTask(t, triggered)
  const other = await f.open()
  t.after(() => other.close())
  await f.run('ALTER TASK k RESUME')
  await other.execute('BEGIN', {}, '')
  await other.execute('INSERT INTO target VALUES (100)', {}, '')
  // The run that the commit starts has to wait for no one; the one after it finds what came then.
  const waiting = f.run('INSERT INTO landing VALUES (1)')
  await other.execute('COMMIT', {}, '')
  await waiting
  await f.run('INSERT INTO landing VALUES (2)')
  await f.engine.tasksSettled()
  await pass(f, 10)
  assert.deepEqual(await taken(f), [1, 2, 100])
})

test('an empty stream is looked at every twelve hours, which keeps it fresh', async (t) => {
  const f = await withTask(t, triggered)
  await f.run('ALTER TASK k RESUME')
  await f.engine.tasksSettled()
  for (let half = 0; half < 40; half += 1) await pass(f, 12 * 3600)
  await insert(f, 1)
  assert.deepEqual(await taken(f), [1])
  assert.ok((await states(f)).includes('SKIPPED TRIGGER'))
})

test('a triggered task goes on after a restart, with what came meanwhile', async (t) => {
  const f = await withTask(t, triggered)
  await f.run('ALTER TASK k RESUME')
  await f.engine.tasksSettled()
  await f.run('ALTER TASK k SUSPEND', 'INSERT INTO landing VALUES (1)', 'ALTER TASK k RESUME')
  await f.restart()
  await f.engine.tasksSettled()
  assert.deepEqual(await taken(f), [1])
})

test('a cron expression runs a task at its minutes', async (t) => {
  const f = await withTask(t, `SCHEDULE = 'USING CRON 30 * * * * UTC'`, 'INSERT INTO target VALUES (1)')
  await f.run('ALTER TASK k RESUME')
  await pass(f, 29 * 60)
  assert.deepEqual(await taken(f), [])
  await pass(f, 60)
  await pass(f, 3600)
  assert.deepEqual(await taken(f), [1, 1])
  assert.deepEqual(await states(f), ['SUCCEEDED SCHEDULE', 'SUCCEEDED SCHEDULE'])
})

test('what would never run cannot be resumed', async (t) => {
  const f = await withTask(t, '', 'INSERT INTO target VALUES (1)')
  await assert.rejects(f.run('ALTER TASK k RESUME'), /neither a schedule nor a stream/)
  await f.run('EXECUTE TASK k')
  await f.engine.tasksSettled()
  assert.deepEqual(await taken(f), [1])
  await f.run(`CREATE TASK lost WAREHOUSE = FIRN_WH WHEN SYSTEM$STREAM_HAS_DATA('no_stream') AS SELECT 1`)
  await assert.rejects(f.run('ALTER TASK lost RESUME'), refusal('002003'))
})
