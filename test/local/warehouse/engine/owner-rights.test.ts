/** Views, tasks and pipes work with the rights of the role that owns them, whoever asks. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Fixture, openFixture, parquetOf, refusal, until } from './engine-fixture.ts'
import { inRole, type RoleSession } from './role-fixture.ts'

type Owned = { readonly f: Fixture; readonly owner: RoleSession; readonly reader: RoleSession }

/** A role that may make things in DB.PUBLIC and read LANDING, which is the administrator's; and one that may enter only. */
async function withOwner(t: TestContext): Promise<Owned> {
  const f = await openFixture(t)
  await f.run('CREATE TABLE landing (id NUMBER)', 'INSERT INTO landing VALUES (1)')
  const owner = await inRole(f, 'owner_role')
  const reader = await inRole(f, 'reader_role')
  for (const role of ['owner_role', 'reader_role']) {
    await f.run(`GRANT USAGE ON DATABASE db TO ROLE ${role}`, `GRANT USAGE ON SCHEMA db.public TO ROLE ${role}`)
  }
  await f.run('GRANT ALL ON SCHEMA db.public TO ROLE owner_role', 'GRANT SELECT ON TABLE landing TO ROLE owner_role')
  return { f, owner, reader }
}

test('a view reads what its owner may read, for whoever may read the view', async (t) => {
  const { f, owner, reader } = await withOwner(t)
  await owner.run('CREATE VIEW v AS SELECT id FROM landing', 'CREATE VIEW outer_v AS SELECT id FROM v')
  await owner.run('GRANT SELECT ON VIEW outer_v TO ROLE reader_role')
  assert.deepEqual(await reader.rows('SELECT * FROM outer_v'), [['1']])
  for (const hidden of ['landing', 'v']) {
    await assert.rejects(reader.run(`SELECT * FROM ${hidden}`), refusal('002003'))
    await assert.rejects(reader.run(`SELECT * FROM outer_v JOIN ${hidden} h ON TRUE`), refusal('002003'))
  }
  await f.run(
    'REVOKE SELECT ON TABLE landing FROM ROLE owner_role',
    'GRANT SELECT ON TABLE landing TO ROLE reader_role',
  )
  await assert.rejects(reader.run('SELECT * FROM outer_v'), refusal('002003'))
})

test('a view over a view asks the owner of each for what it names', async (t) => {
  const { f, owner, reader } = await withOwner(t)
  await owner.run('CREATE VIEW v AS SELECT id FROM landing', 'GRANT SELECT ON VIEW v TO ROLE reader_role')
  await f.run('GRANT CREATE VIEW ON SCHEMA public TO ROLE reader_role')
  await reader.run('CREATE VIEW mine AS SELECT id FROM v')
  assert.deepEqual(await reader.rows('SELECT * FROM mine'), [['1']])
  await owner.run('REVOKE SELECT ON VIEW v FROM ROLE reader_role')
  await assert.rejects(reader.run('SELECT * FROM mine'), refusal('002003'))
  await assert.rejects(f.run('SELECT * FROM mine'), refusal('002003'))
})

const task = `CREATE TASK k WAREHOUSE = FIRN_WH SCHEDULE = '10 SECONDS' WHEN SYSTEM$STREAM_HAS_DATA('s') AS
  INSERT INTO target SELECT id FROM s`

async function lastRun(f: Fixture): Promise<readonly (string | null)[]> {
  await f.engine.tasksSettled()
  const rows = await f.rows(
    'SELECT state, error_code, error_message FROM TABLE(db.INFORMATION_SCHEMA.TASK_HISTORY()) ORDER BY scheduled_time DESC LIMIT 1',
  )
  return rows[0] ?? []
}

test('a task runs with the rights of its owner, not of who runs it; and only while the owner may run tasks', async (t) => {
  const { f, owner, reader } = await withOwner(t)
  await f.run('GRANT USAGE ON WAREHOUSE FIRN_WH TO ROLE owner_role', 'GRANT EXECUTE TASK ON ACCOUNT TO ROLE owner_role')
  await owner.run(
    'CREATE TABLE target (id NUMBER, role VARCHAR)',
    'CREATE STREAM s ON TABLE landing APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE',
    task.replace('target SELECT id', 'target SELECT id, CURRENT_ROLE()'),
    'GRANT OPERATE ON TASK k TO ROLE reader_role',
  )
  await reader.run('EXECUTE TASK k')
  assert.equal((await lastRun(f))[0], 'SUCCEEDED')
  assert.deepEqual(await owner.rows('SELECT * FROM target'), [['1', 'OWNER_ROLE']])
  await reader.run('ALTER TASK k RESUME')
  await f.run('INSERT INTO landing VALUES (2)', 'REVOKE SELECT ON TABLE landing FROM ROLE owner_role')
  f.clock.advance(10_000)
  const [state, code, message] = await lastRun(f)
  assert.deepEqual([state, code], ['FAILED', '002003'])
  assert.match(message ?? '', /LANDING/)
  await f.run('REVOKE EXECUTE TASK ON ACCOUNT FROM ROLE owner_role')
  f.clock.advance(10_000)
  assert.deepEqual((await lastRun(f)).slice(0, 2), ['FAILED', '091089'])
})

test("a task's WHEN is asked with the rights of its owner", async (t) => {
  const { f, owner } = await withOwner(t)
  await f.run('CREATE STREAM s ON TABLE landing APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE')
  await f.run('GRANT USAGE ON WAREHOUSE FIRN_WH TO ROLE owner_role', 'GRANT EXECUTE TASK ON ACCOUNT TO ROLE owner_role')
  await owner.run('CREATE TABLE target (id NUMBER)', task, 'EXECUTE TASK k')
  const [state, code, message] = await lastRun(f)
  assert.deepEqual([state, code], ['FAILED', '002003'])
  assert.match(message ?? '', /Stream 'DB.PUBLIC.S'/)
})

test('a task is resumed and run only where its owner may run tasks: EXECUTE MANAGED TASK without a warehouse', async (t) => {
  const { f, owner } = await withOwner(t)
  await f.run('GRANT USAGE ON WAREHOUSE FIRN_WH TO ROLE owner_role')
  await owner.run(`CREATE TASK k WAREHOUSE = FIRN_WH SCHEDULE = '10 SECONDS' AS SELECT 1`)
  await owner.run(`CREATE TASK serverless SCHEDULE = '10 SECONDS' AS SELECT 1`)
  for (const sql of ['ALTER TASK k RESUME', 'EXECUTE TASK k', 'ALTER TASK serverless RESUME']) {
    await assert.rejects(owner.run(sql), /EXECUTE TASK privilege must be granted to owner role/)
    // Who asks does not matter.
    await assert.rejects(f.run(sql), refusal('091089'))
  }
  await f.run('GRANT EXECUTE TASK ON ACCOUNT TO ROLE owner_role')
  await owner.run('ALTER TASK k RESUME', 'EXECUTE TASK k')
  await assert.rejects(owner.run('ALTER TASK serverless RESUME'), /EXECUTE MANAGED TASK privilege/)
  await f.run('GRANT EXECUTE MANAGED TASK ON ACCOUNT TO ROLE owner_role')
  await owner.run('ALTER TASK serverless RESUME', 'ALTER TASK k SUSPEND')
  await f.run('REVOKE USAGE ON WAREHOUSE FIRN_WH FROM ROLE owner_role')
  await assert.rejects(owner.run('ALTER TASK k RESUME'), /USAGE privilege on the task's warehouse/)
})

test('a pipe loads while its owner may use what it names; what comes meanwhile is loaded later', async (t) => {
  const { f, owner } = await withOwner(t)
  await f.run(
    'GRANT USAGE ON INTEGRATION FIRN_S3 TO ROLE owner_role',
    'GRANT INSERT ON TABLE landing TO ROLE owner_role',
  )
  await owner.run(
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE st URL = 's3://cdc/' STORAGE_INTEGRATION = FIRN_S3`,
    `CREATE PIPE p AUTO_INGEST = TRUE AS COPY INTO landing (id) FROM (SELECT $1:id::NUMBER FROM @st/in/)
     FILE_FORMAT = (FORMAT_NAME = 'pq')`,
  )
  const loaded = async (): Promise<number> => (await f.rows('SELECT id FROM landing')).length
  const arrive = async (key: string): Promise<void> => {
    f.stage.objects.set(key, await parquetOf('SELECT 7 AS id'))
    await f.queue.give({ bucket: 'cdc', key, size: 1, stagedMs: f.clock.nowMs() })
  }
  await arrive('in/a.parquet')
  await until(async () => (await loaded()) === 2)
  await f.run('REVOKE INSERT ON TABLE landing FROM ROLE owner_role')
  await arrive('in/b.parquet')
  const [[text] = []] = await owner.rows(`SELECT SYSTEM$PIPE_STATUS('p')`)
  const status = JSON.parse(text ?? '') as { readonly executionState: string; readonly pendingFileCount: number }
  assert.deepEqual([status.executionState, status.pendingFileCount], ['STALLED_COMPILATION_ERROR', 1])
  assert.match(String(await owner.shown('SHOW PIPES', 'invalid_reason')), /OWNER_ROLE.*table 'DB.PUBLIC.LANDING'/)
  assert.equal(await loaded(), 2)
  await f.run('GRANT INSERT ON TABLE landing TO ROLE owner_role')
  await until(async () => (await loaded()) === 3)
})

test('a privilege that goes while a file is on its way keeps the file waiting', async (t) => {
  const { f, owner } = await withOwner(t)
  const pipe = (name: string, table: string, path: string): string =>
    `CREATE PIPE ${name} AUTO_INGEST = TRUE AS COPY INTO ${table} (id) FROM (SELECT $1:id::NUMBER FROM @st/${path})
     FILE_FORMAT = (FORMAT_NAME = 'pq')`
  await f.run(
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE st URL = 's3://cdc/' STORAGE_INTEGRATION = FIRN_S3`,
    'GRANT USAGE ON FILE FORMAT pq TO ROLE owner_role',
    'GRANT USAGE ON STAGE st TO ROLE owner_role',
    'GRANT INSERT ON TABLE landing TO ROLE owner_role',
    'CREATE TABLE others (id NUMBER)',
    pipe('admins', 'others', 'on/'),
  )
  await owner.run(pipe('owned', 'landing', 'in/'))
  const get = f.stage.get.bind(f.stage)
  f.stage.get = async (key) => {
    f.stage.get = get
    await f.run('REVOKE INSERT ON TABLE landing FROM ROLE owner_role')
    return get(key)
  }
  // Fetched together, loaded in this order: once the second one is there, the first one has had its turn.
  const keys = ['in/a.parquet', 'on/b.parquet']
  for (const key of keys) f.stage.objects.set(key, await parquetOf('SELECT 7 AS id'))
  await f.queue.give(...keys.map((key) => ({ bucket: 'cdc', key, size: 1, stagedMs: f.clock.nowMs() })))
  const count = async (table: string): Promise<number> => (await f.rows(`SELECT id FROM ${table}`)).length
  await until(async () => (await count('others')) === 1)
  assert.equal(await count('landing'), 1)
  await f.run('GRANT INSERT ON TABLE landing TO ROLE owner_role')
  await until(async () => (await count('landing')) === 2)
})
