/** What a role can reach: nothing without a privilege, and each thing with the ones that it takes and no fewer. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { type Fixture, openFixture, refusal } from './engine-fixture.ts'
import { inRole, type RoleSession } from './role-fixture.ts'

const pipe = (name: string): string =>
  `CREATE PIPE ${name} AUTO_INGEST = TRUE AS COPY INTO landing (id) FROM (SELECT $1:id::NUMBER FROM @stg/in/)
   FILE_FORMAT = (FORMAT_NAME = 'pq')`
const task = (name: string): string =>
  `CREATE TASK ${name} WAREHOUSE = FIRN_WH SCHEDULE = '10 SECONDS' AS INSERT INTO target SELECT id FROM s`

/** One object of each kind, all of them the administrator's. */
async function withObjects(t: TestContext): Promise<Fixture> {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE landing (id NUMBER)',
    'CREATE TABLE target (id NUMBER)',
    'CREATE STREAM s ON TABLE landing APPEND_ONLY = TRUE',
    'CREATE VIEW v AS SELECT id FROM landing',
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE stg URL = 's3://cdc/' STORAGE_INTEGRATION = FIRN_S3`,
    pipe('p'),
    'ALTER PIPE p SET PIPE_EXECUTION_PAUSED = TRUE',
    task('k'),
    'CREATE ROLE other',
  )
  return f
}

/** Statements, and all that each takes. */
const cases: readonly { readonly sql: string; readonly grants: readonly string[] }[] = [
  inSchema('SELECT * FROM landing', 'SELECT ON TABLE landing'),
  inSchema('SELECT * FROM v', 'SELECT ON VIEW v'),
  inSchema('SELECT * FROM s', 'SELECT ON STREAM s', 'SELECT ON TABLE landing'),
  inSchema('SELECT 1 WHERE EXISTS (SELECT 1 FROM target)', 'SELECT ON TABLE target'),
  inSchema('INSERT INTO target VALUES (1)', 'INSERT ON TABLE target'),
  inSchema('INSERT INTO target SELECT id FROM landing', 'INSERT ON TABLE target', 'SELECT ON TABLE landing'),
  inSchema('UPDATE target SET id = 2', 'UPDATE ON TABLE target'),
  inSchema('DELETE FROM target', 'DELETE ON TABLE target'),
  inSchema('TRUNCATE TABLE target', 'TRUNCATE ON TABLE target'),
  inSchema(
    `MERGE INTO target t USING landing l ON t.id = l.id WHEN MATCHED THEN DELETE
     WHEN NOT MATCHED THEN INSERT (id) VALUES (l.id)`,
    'INSERT ON TABLE target',
    'DELETE ON TABLE target',
    'SELECT ON TABLE landing',
  ),
  inSchema(
    'MERGE INTO target t USING (SELECT id FROM s) l ON t.id = l.id WHEN MATCHED THEN UPDATE SET id = l.id',
    'UPDATE ON TABLE target',
    'SELECT ON STREAM s',
    'SELECT ON TABLE landing',
  ),
  inSchema('CREATE TABLE made (id NUMBER)', 'CREATE TABLE ON SCHEMA public'),
  inSchema('CREATE TABLE IF NOT EXISTS made (id NUMBER)', 'CREATE TABLE ON SCHEMA public'),
  inSchema('CREATE VIEW made AS SELECT id FROM landing', 'CREATE VIEW ON SCHEMA public', 'SELECT ON TABLE landing'),
  inSchema('CREATE FILE FORMAT made TYPE = PARQUET', 'CREATE FILE FORMAT ON SCHEMA public'),
  inSchema(
    `CREATE STAGE made URL = 's3://cdc/' STORAGE_INTEGRATION = FIRN_S3`,
    'CREATE STAGE ON SCHEMA public',
    'USAGE ON INTEGRATION FIRN_S3',
  ),
  inSchema(
    pipe('made'),
    'CREATE PIPE ON SCHEMA public',
    'SELECT ON TABLE landing',
    'INSERT ON TABLE landing',
    'USAGE ON STAGE stg',
    'USAGE ON FILE FORMAT pq',
  ),
  inSchema(
    'CREATE STREAM made ON TABLE landing APPEND_ONLY = TRUE',
    'CREATE STREAM ON SCHEMA public',
    'SELECT ON TABLE landing',
  ),
  inSchema(task('made'), 'CREATE TASK ON SCHEMA public', 'USAGE ON WAREHOUSE FIRN_WH'),
  inSchema('CREATE OR REPLACE TABLE target (id NUMBER)', 'OWNERSHIP ON TABLE target', 'CREATE TABLE ON SCHEMA public'),
  inSchema('ALTER TABLE target ADD COLUMN made NUMBER DEFAULT 1', 'OWNERSHIP ON TABLE target'),
  inSchema(
    `COPY INTO landing (id) FROM (SELECT $1:id::NUMBER FROM @stg/in/) FILE_FORMAT = (FORMAT_NAME = 'pq')`,
    'SELECT ON TABLE landing',
    'INSERT ON TABLE landing',
    'USAGE ON STAGE stg',
    'USAGE ON FILE FORMAT pq',
  ),
  inSchema('ALTER TASK k RESUME', 'OPERATE ON TASK k'),
  inSchema('ALTER TASK k SUSPEND', 'OPERATE ON TASK k'),
  inSchema('EXECUTE TASK k', 'OPERATE ON TASK k'),
  inSchema('DESC TASK k', 'MONITOR ON TASK k'),
  inSchema('ALTER PIPE p SET PIPE_EXECUTION_PAUSED = TRUE', 'OPERATE ON PIPE p'),
  inSchema('ALTER PIPE p REFRESH', 'OPERATE ON PIPE p'),
  inSchema('DESC PIPE p', 'MONITOR ON PIPE p'),
  inSchema(`SELECT SYSTEM$PIPE_STATUS('p')`, 'MONITOR ON PIPE p'),
  inSchema(`SELECT SYSTEM$STREAM_HAS_DATA('s')`, 'SELECT ON STREAM s'),
  inSchema(
    `SELECT * FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => 'LANDING', START_TIME => CURRENT_TIMESTAMP()))`,
    'INSERT ON TABLE landing',
  ),
  inSchema('DESC TABLE landing', 'REFERENCES ON TABLE landing'),
  inSchema('DESC VIEW v', 'SELECT ON VIEW v'),
  inSchema('DESC STREAM s', 'SELECT ON STREAM s'),
  inSchema('DESC STAGE stg', 'USAGE ON STAGE stg'),
  inSchema('DESC FILE FORMAT pq', 'USAGE ON FILE FORMAT pq'),
  inSchema(`COMMENT ON TABLE target IS 'x'`, 'OWNERSHIP ON TABLE target'),
  inSchema('DROP TABLE target', 'OWNERSHIP ON TABLE target'),
  inSchema('DROP PIPE p', 'OWNERSHIP ON PIPE p'),
  inSchema('GRANT SELECT ON TABLE target TO ROLE other', 'OWNERSHIP ON TABLE target'),
  inSchema('REVOKE SELECT ON TABLE target FROM ROLE other', 'OWNERSHIP ON TABLE target'),
  inSchema('GRANT SELECT ON ALL VIEWS IN SCHEMA db.public TO ROLE other', 'OWNERSHIP ON VIEW v'),
  inSchema('GRANT OWNERSHIP ON TABLE target TO ROLE other', 'OWNERSHIP ON TABLE target'),
  inSchema('SHOW GRANTS ON TABLE target', 'SELECT ON TABLE target'),
  inDatabase('CREATE SCHEMA db.made', 'CREATE SCHEMA ON DATABASE db'),
  inDatabase('USE SCHEMA db.public', 'USAGE ON SCHEMA db.public'),
  inDatabase('GRANT SELECT ON FUTURE VIEWS IN SCHEMA db.public TO ROLE other', 'OWNERSHIP ON SCHEMA db.public'),
  inDatabase('DROP SCHEMA db.public', 'OWNERSHIP ON SCHEMA db.public'),
  onAccount('USE DATABASE db', 'USAGE ON DATABASE db'),
  onAccount('DROP DATABASE db', 'OWNERSHIP ON DATABASE db'),
  onAccount('CREATE DATABASE made', 'CREATE DATABASE ON ACCOUNT'),
  onAccount('CREATE ROLE made', 'CREATE ROLE ON ACCOUNT'),
  onAccount(
    `CREATE STORAGE INTEGRATION made TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE
     STORAGE_AWS_ROLE_ARN = 'a' STORAGE_ALLOWED_LOCATIONS = ('s3://cdc/')`,
    'CREATE INTEGRATION ON ACCOUNT',
  ),
  onAccount('USE WAREHOUSE FIRN_WH', 'USAGE ON WAREHOUSE FIRN_WH'),
  onAccount('DESC INTEGRATION FIRN_S3', 'USAGE ON INTEGRATION FIRN_S3'),
  onAccount('DROP INTEGRATION FIRN_S3', 'OWNERSHIP ON INTEGRATION FIRN_S3'),
  onAccount('DROP ROLE other', 'OWNERSHIP ON ROLE other'),
  onAccount('GRANT ROLE other TO USER FIRN', 'OWNERSHIP ON ROLE other'),
  onAccount('REVOKE ROLE other FROM USER FIRN', 'OWNERSHIP ON ROLE other'),
  onAccount('SHOW GRANTS TO ROLE other', 'OWNERSHIP ON ROLE other'),
  onAccount('GRANT SELECT ON TABLE db.public.target TO ROLE other', 'MANAGE GRANTS ON ACCOUNT'),
]

type Case = (typeof cases)[number]

function onAccount(sql: string, ...grants: readonly string[]): Case {
  return { sql, grants }
}

function inDatabase(sql: string, ...grants: readonly string[]): Case {
  return { sql, grants: ['USAGE ON DATABASE db', ...grants] }
}

function inSchema(sql: string, ...grants: readonly string[]): Case {
  return inDatabase(sql, 'USAGE ON SCHEMA db.public', ...grants)
}

const around = inSchema('').grants

/** No such object for the role, too few privileges, or a name that is taken by what the role may not see. */
const refusedForRole = { name: 'SqlError', sqlState: /^(02000|42501|42710)$/ }

test('a role that was granted nothing is refused every statement that names an object', async (t) => {
  const f = await withObjects(t)
  const nobody = await inRole(f, 'nobody')
  for (const { sql } of cases) await assert.rejects(nobody.run(sql), refusedForRole, sql)
})

test('a statement is refused where one of the privileges that it takes is missing', async (t) => {
  const f = await withObjects(t)
  for (const [index, { sql, grants }] of cases.entries()) {
    for (const [left, missing] of grants.entries()) {
      const role = `r${String(index)}_${String(left)}`
      const session = await inRole(f, role)
      await give(f, role, grants.toSpliced(left, 1))
      await assert.rejects(session.run(sql), refusedForRole, `${sql} without ${missing}`)
    }
  }
})

test('where it takes OWNERSHIP or OPERATE, all other privileges on the object together do not do', async (t) => {
  const f = await withObjects(t)
  for (const [index, { sql, grants }] of cases.entries()) {
    const [grant, privilege = '', object = ''] =
      grants.map((each) => /^(OWNERSHIP|OPERATE) ON (?!ROLE)(.*)$/.exec(each)).find((found) => found !== null) ?? []
    if (grant === undefined) continue
    const role = `r${String(index)}`
    const session = await inRole(f, role)
    await give(f, role, [...grants.filter((each) => each !== grant), `ALL ON ${object}`])
    if (privilege === 'OPERATE') await f.run(`REVOKE OPERATE ON ${object} FROM ROLE ${role}`)
    await assert.rejects(session.run(sql), refusal('003001'), sql)
  }
})

test('a statement takes no more than those privileges', async (t) => {
  for (const { sql, grants } of cases) {
    const f = await withObjects(t)
    const session = await inRole(f, 'enough')
    await give(f, 'enough', grants)
    await assert.doesNotReject(session.run(sql), sql)
  }
})

/** By the administrator. */
async function give(f: Fixture, role: string, grants: readonly string[]): Promise<void> {
  for (const grant of grants) {
    await f.run(`GRANT ${grant} TO ROLE ${role}${grant.startsWith('OWNERSHIP') ? ' COPY CURRENT GRANTS' : ''}`)
  }
}

test('what a role holds nothing on is not there for it; what it holds too little on refuses', async (t) => {
  const f = await withObjects(t)
  const r = await inRole(f, 'r')
  await assert.rejects(r.run('SELECT * FROM db.public.landing'), /Database 'DB' does not exist or not authorized/)
  await f.run('GRANT USAGE ON DATABASE db TO ROLE r')
  await assert.rejects(r.run('SELECT * FROM db.public.landing'), /Schema 'DB.PUBLIC' does not exist or not authorized/)
  await f.run('GRANT MONITOR ON SCHEMA db.public TO ROLE r')
  await assert.rejects(
    r.run('SELECT * FROM db.public.landing'),
    /Insufficient privileges to operate on schema 'PUBLIC'/,
  )
  await f.run('GRANT USAGE ON SCHEMA db.public TO ROLE r')
  await assert.rejects(r.run('SELECT * FROM db.public.landing'), refusal('002003'))
  await assert.rejects(r.run('CREATE TABLE x (id NUMBER)'), refusal('003001'))
  await f.run('GRANT INSERT ON TABLE landing TO ROLE r')
  await assert.rejects(r.run('SELECT * FROM landing'), /Insufficient privileges to operate on table 'LANDING'/)
  await assert.rejects(r.run('DROP TABLE landing'), refusal('003001'))
  await assert.rejects(r.run('DROP TABLE target'), refusal('002003'))
  assert.match((await r.rows('DROP TABLE IF EXISTS target'))[0]?.[0] ?? '', /already dropped/)
  assert.deepEqual(await f.rows('SELECT COUNT(*) FROM target'), [['0']])
  await r.run(
    'ALTER TABLE IF EXISTS target ADD COLUMN more NUMBER',
    `COMMENT IF EXISTS ON TABLE target IS 'x'`,
    'ALTER TASK IF EXISTS k RESUME',
    'ALTER PIPE IF EXISTS p SET PIPE_EXECUTION_PAUSED = FALSE',
    'ALTER PIPE IF EXISTS p REFRESH',
  )
  assert.equal((await f.rows('DESC TABLE target')).length, 1)
  assert.equal((await f.run('SHOW TASKS')).rows[0]?.includes('started'), false)
  await f.run('GRANT MONITOR ON PIPE p TO ROLE r')
  await assert.rejects(r.run('ALTER PIPE IF EXISTS p REFRESH'), refusal('003001'))
  await f.run('GRANT CREATE TABLE ON SCHEMA public TO ROLE r')
  await assert.rejects(r.run('CREATE TABLE IF NOT EXISTS target (id NUMBER)'), refusal('003041'))
  await assert.rejects(r.run('CREATE OR REPLACE TABLE landing (id NUMBER)'), refusal('003001'))
})

test('SHOW lists what the role holds some privilege on, and nothing else', async (t) => {
  const f = await withObjects(t)
  const r = await inRole(f, 'r')
  const listed = async (session: RoleSession): Promise<readonly (readonly (string | null)[])[]> => {
    const kinds = ['DATABASES', 'SCHEMAS', 'TABLES', 'VIEWS', 'STREAMS', 'STAGES', 'FILE FORMATS', 'PIPES', 'TASKS']
    const found = []
    for (const kind of kinds) found.push(await session.shown(`SHOW ${kind} IN ACCOUNT`))
    return [...found, await session.shown('SHOW INTEGRATIONS')]
  }
  assert.deepEqual((await listed(r)).flat(), [])
  await give(f, 'r', ['SELECT ON TABLE landing', 'MONITOR ON TASK k', 'SELECT ON VIEW v'])
  assert.deepEqual((await listed(r)).flat(), [])
  await give(f, 'r', [...around, 'USAGE ON INTEGRATION FIRN_S3'])
  assert.deepEqual(await listed(r), [['DB'], ['PUBLIC'], ['LANDING'], ['V'], [], [], [], [], ['K'], ['FIRN_S3']])
  await f.run('GRANT MANAGE GRANTS ON ACCOUNT TO ROLE r')
  assert.deepEqual(await r.shown('SHOW PIPES IN ACCOUNT'), ['P'])
  await assert.rejects(r.run(`SELECT SYSTEM$PIPE_STATUS('p')`), refusal('003001'))
})

test('TASK_HISTORY shows the tasks that the role may watch; MONITOR EXECUTION all of them', async (t) => {
  const f = await withObjects(t)
  const r = await inRole(f, 'r')
  await give(f, 'r', around)
  await f.run('USE SCHEMA db.public', 'EXECUTE TASK k')
  await f.engine.tasksSettled()
  const runs = async (): Promise<number> =>
    (await r.rows('SELECT name FROM TABLE(db.INFORMATION_SCHEMA.TASK_HISTORY())')).length
  await r.run('USE SCHEMA db.public')
  assert.equal(await runs(), 0)
  await f.run('GRANT MONITOR ON TASK k TO ROLE r')
  assert.equal(await runs(), 1)
  await f.run('REVOKE MONITOR ON TASK k FROM ROLE r', 'GRANT MONITOR EXECUTION ON ACCOUNT TO ROLE r')
  assert.equal(await runs(), 1)
})

test('a role has what the roles granted to it have, over any number of steps, until one is revoked', async (t) => {
  const f = await withObjects(t)
  const top = await inRole(f, 'upper')
  await f.run('CREATE ROLE mid', 'CREATE ROLE low', 'GRANT ROLE low TO ROLE mid', 'GRANT ROLE mid TO ROLE upper')
  await give(f, 'low', [...around, 'SELECT ON TABLE landing'])
  assert.deepEqual(await top.rows('SELECT * FROM db.public.landing'), [])
  await assert.rejects(f.run('GRANT ROLE upper TO ROLE low'), refusal('001003'))
  await assert.rejects(f.run('GRANT ROLE low TO ROLE low'), refusal('001003'))
  await top.run('USE ROLE low', 'USE ROLE upper')
  await f.run('REVOKE ROLE low FROM ROLE mid')
  await assert.rejects(top.run('SELECT * FROM db.public.landing'), refusal('002003'))
  await assert.rejects(top.run('USE ROLE low'), refusal('003013'))
  await f.run('GRANT ROLE low TO ROLE PUBLIC')
  assert.deepEqual(await top.rows('SELECT * FROM db.public.landing'), [])
})

test('a login or USE ROLE with a role that the user does not have is refused', async (t) => {
  const f = await withObjects(t)
  await assert.rejects(f.engine.openSession('FIRN', { role: 'OTHER' }), refusal('390189'))
  await assert.rejects(f.engine.openSession('STRANGER', { role: 'ACCOUNTADMIN' }), refusal('390189'))
  await assert.rejects(f.run('USE ROLE other'), refusal('003013'))
  await f.run('GRANT ROLE other TO USER firn', 'USE ROLE other')
  const session = await f.engine.openSession('FIRN', { role: 'OTHER', database: 'DB' })
  assert.deepEqual([session.state.role, session.state.database], ['OTHER', null])
  await session.close()
  assert.equal((await f.open()).state.role, 'ACCOUNTADMIN')
})
