/** What becomes of grants and owners: over a restart, with an object or role that goes, and from hand to hand. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { formerOwner } from '../../../../src/local/warehouse/engine/beforehand.ts'
import { openFixture, refusal } from './engine-fixture.ts'
import { inRole } from './role-fixture.ts'

const around = ['GRANT USAGE ON DATABASE db TO ROLE r', 'GRANT USAGE ON SCHEMA db.public TO ROLE r']

test('roles, grants, owners and integrations are there after a restart', async (t) => {
  const f = await openFixture(t)
  const r = await inRole(f, 'r')
  await f.run(
    ...around,
    'GRANT CREATE TABLE ON SCHEMA public TO ROLE r',
    'GRANT SELECT ON FUTURE TABLES IN SCHEMA public TO ROLE r',
    `CREATE STORAGE INTEGRATION mine TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE
     STORAGE_AWS_ROLE_ARN = 'a' STORAGE_ALLOWED_LOCATIONS = ('s3://cdc/mine/')`,
  )
  await r.run('CREATE TABLE made (id NUMBER)')
  await f.restart()
  const again = await inRole(f, 'r')
  assert.deepEqual(await again.shown('SHOW TABLES', 'owner'), ['R'])
  await again.run('INSERT INTO made VALUES (1)')
  await f.run('CREATE TABLE later (id NUMBER)')
  assert.deepEqual(await again.rows('SELECT * FROM later'), [])
  await assert.rejects(again.run('INSERT INTO later VALUES (1)'), refusal('003001'))
  await assert.rejects(f.run(`CREATE STAGE st URL = 's3://cdc/' STORAGE_INTEGRATION = mine`), refusal('003127'))
})

test('what was revoked stays revoked after a restart', async (t) => {
  const f = await openFixture(t)
  await inRole(f, 'r')
  await f.run('CREATE TABLE t (id NUMBER)', ...around, 'GRANT SELECT ON TABLE t TO ROLE r')
  await f.run('REVOKE SELECT ON TABLE t FROM ROLE r', 'REVOKE ROLE r FROM USER firn')
  await f.restart()
  await assert.rejects(f.run('USE ROLE r'), refusal('003013'))
  const r = await inRole(f, 'r')
  await assert.rejects(r.run('SELECT * FROM t'), refusal('002003'))
})

test('the objects of a folder from before there were owners belong to the default role of the first user', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)')
  await f.engine.close()
  const instance = await DuckDBInstance.create(join(f.dir, 'warehouse.duckdb'))
  const connection = await instance.connect()
  for (const sql of [
    `DELETE FROM _catalog.objects WHERE kind IN ('role', 'warehouse', 'integration')`,
    'ALTER TABLE _catalog.objects DROP COLUMN owner',
    'DROP TABLE _catalog.grants',
    'DROP TABLE _catalog.future_grants',
  ]) {
    await connection.run(sql)
  }
  connection.closeSync()
  instance.closeSync()
  await f.restart()
  const { columns, rows } = await f.run('SHOW TABLES')
  assert.equal(rows[0]?.[columns.findIndex(({ name }) => name === 'owner')], 'ACCOUNTADMIN')
  const hands = {
    users: [{ name: 'U', defaultRole: 'R', roles: [] }],
    roles: [],
    warehouses: [],
    storageIntegrations: [],
  }
  assert.deepEqual([formerOwner(hands), formerOwner({ ...hands, users: [] })], ['R', 'ACCOUNTADMIN'])
  await f.run('DROP TABLE t', `CREATE STAGE st URL = 's3://cdc/' STORAGE_INTEGRATION = FIRN_S3`)
})

test('an object that is dropped or replaced loses its grants; one of the same name has none', async (t) => {
  const f = await openFixture(t)
  const r = await inRole(f, 'r')
  for (const again of ['CREATE OR REPLACE TABLE t (id NUMBER)', 'DROP TABLE t']) {
    await f.run('CREATE OR REPLACE TABLE t (id NUMBER)', ...around, 'GRANT SELECT ON TABLE t TO ROLE r')
    assert.deepEqual(await r.rows('SELECT * FROM t'), [])
    await f.run(again, 'CREATE TABLE IF NOT EXISTS t (id NUMBER)')
    await assert.rejects(r.run('SELECT * FROM t'), refusal('002003'))
  }
  const given = async () => (await r.shown('SHOW GRANTS TO ROLE r', 'granted_on')).toSorted()
  assert.deepEqual(await given(), ['DATABASE', 'SCHEMA'])
  for (const again of ['DROP SCHEMA db.public', 'CREATE OR REPLACE SCHEMA db.public']) {
    await f.run(
      'CREATE SCHEMA IF NOT EXISTS db.public',
      'USE SCHEMA db.public',
      ...around,
      'CREATE TABLE IF NOT EXISTS t (id NUMBER)',
    )
    await f.run('GRANT SELECT ON TABLE t TO ROLE r', again)
    assert.deepEqual(await given(), ['DATABASE'])
    assert.deepEqual((await f.run('SHOW TABLES IN ACCOUNT')).rows, [])
  }
})

test('a role that is dropped leaves what it owned to the one that dropped it, and its name holds nothing', async (t) => {
  const f = await openFixture(t)
  const r = await inRole(f, 'r')
  await f.run(...around, 'GRANT CREATE TABLE ON SCHEMA public TO ROLE r', 'GRANT CREATE ROLE ON ACCOUNT TO ROLE r')
  await r.run('CREATE TABLE t (id NUMBER)', 'CREATE ROLE inner_role')
  await f.run('DROP ROLE r')
  const { columns, rows } = await f.run('SHOW TABLES')
  assert.equal(rows[0]?.[columns.findIndex(({ name }) => name === 'owner')], 'ACCOUNTADMIN')
  await assert.rejects(r.run('SELECT * FROM db.public.t'), refusal('002003'))
  const anew = await inRole(f, 'r')
  await assert.rejects(anew.run('SELECT * FROM db.public.t'), refusal('002003'))
  await assert.rejects(anew.run('CREATE ROLE more'), refusal('003001'))
  await assert.rejects(f.run('DROP ROLE PUBLIC'), refusal('003001'))
  await assert.rejects(f.run('CREATE OR REPLACE ROLE ACCOUNTADMIN'), refusal('003001'))
})

test('a role or integration that has the name of a database goes alone', async (t) => {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE t (id NUMBER)',
    'CREATE ROLE db',
    `CREATE STORAGE INTEGRATION db TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE
     STORAGE_AWS_ROLE_ARN = 'a' STORAGE_ALLOWED_LOCATIONS = ('*')`,
    'DROP ROLE db',
    'DROP INTEGRATION db',
  )
  assert.deepEqual(await f.rows('SELECT * FROM t'), [])
})

test('ownership changes hands with the grants only where it is said what becomes of them', async (t) => {
  const f = await openFixture(t)
  const r = await inRole(f, 'r')
  const owner = await inRole(f, 'new_owner')
  await f.run('CREATE TABLE t (id NUMBER)', ...around, 'GRANT SELECT ON TABLE t TO ROLE r')
  await f.run('GRANT ROLE r TO ROLE new_owner')
  await assert.rejects(f.run('GRANT OWNERSHIP ON TABLE t TO ROLE new_owner'), refusal('003036'))
  await f.run('GRANT OWNERSHIP ON TABLE t TO ROLE new_owner COPY CURRENT GRANTS')
  assert.deepEqual(await r.rows('SELECT * FROM t'), [])
  await assert.rejects(r.run('GRANT OWNERSHIP ON TABLE t TO ROLE r'), refusal('003001'))
  await owner.run('GRANT OWNERSHIP ON TABLE t TO ROLE new_owner REVOKE CURRENT GRANTS')
  await assert.rejects(r.run('SELECT * FROM t'), refusal('002003'))
  await owner.run('DROP TABLE t')
})

test('a task that is started and a pipe that is not paused do not change hands', async (t) => {
  const f = await openFixture(t)
  await inRole(f, 'r')
  await f.run(
    'CREATE TABLE t (id NUMBER)',
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE st URL = 's3://cdc/' STORAGE_INTEGRATION = FIRN_S3`,
    `CREATE PIPE p AS COPY INTO t (id) FROM (SELECT $1:id::NUMBER FROM @st/) FILE_FORMAT = (FORMAT_NAME = 'pq')`,
    `CREATE TASK k WAREHOUSE = FIRN_WH SCHEDULE = '1 MINUTE' AS SELECT 1`,
    'ALTER TASK k RESUME',
  )
  await assert.rejects(f.run('GRANT OWNERSHIP ON TASK k TO ROLE r'), refusal('091421'))
  await assert.rejects(f.run('GRANT OWNERSHIP ON PIPE p TO ROLE r'), /must be paused/)
  await f.run('ALTER TASK k SUSPEND', 'ALTER PIPE p SET PIPE_EXECUTION_PAUSED = TRUE')
  await f.run('GRANT OWNERSHIP ON TASK k TO ROLE r', 'GRANT OWNERSHIP ON PIPE p TO ROLE r')
})

test('grants on all and on future objects reach those of the kind in the schema', async (t) => {
  const f = await openFixture(t)
  const r = await inRole(f, 'r')
  await f.run(
    ...around,
    'CREATE TABLE old (id NUMBER)',
    'CREATE VIEW seen AS SELECT id FROM old',
    'GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE r',
    'CREATE TABLE between_both (id NUMBER)',
    'GRANT ALL ON FUTURE TABLES IN SCHEMA public TO ROLE r',
    'CREATE TABLE young (id NUMBER)',
  )
  assert.deepEqual(await r.shown('SHOW TABLES'), ['OLD', 'YOUNG'])
  assert.deepEqual(await r.shown('SHOW VIEWS'), [])
  await r.run('INSERT INTO young VALUES (1)')
  await assert.rejects(r.run('INSERT INTO old VALUES (1)'), refusal('003001'))
  await f.run(
    'REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM ROLE r',
    'REVOKE ALL ON FUTURE TABLES IN SCHEMA public FROM ROLE r',
    'CREATE TABLE last_one (id NUMBER)',
  )
  assert.deepEqual(await r.shown('SHOW TABLES'), ['YOUNG'])
})

test('a privilege that the kind does not have is refused by its name', async (t) => {
  const f = await openFixture(t)
  await f.run('CREATE TABLE t (id NUMBER)', 'CREATE ROLE r')
  for (const [grant, words] of [
    ['OPERATE ON TABLE t', /'TABLE' for privilege 'OPERATE'/],
    ['SELECT ON SCHEMA public', /'SCHEMA' for privilege 'SELECT'/],
    ['SELECT, NONSENSE ON TABLE t', /'NONSENSE'/],
    ['CREATE TABLE ON ACCOUNT', /'ACCOUNT' for privilege 'CREATE TABLE'/],
    ['USAGE ON ROLE r', /'ROLE' for privilege 'USAGE'/],
  ] as const) {
    await assert.rejects(f.run(`GRANT ${grant} TO ROLE r`), (error: Error) => {
      refusal('003008')(error)
      return words.test(error.message)
    })
  }
  await assert.rejects(f.run('GRANT SELECT ON TABLE t TO ROLE nobody'), /Role 'NOBODY'/)
  await assert.rejects(f.run('GRANT ROLE r TO USER nobody'), /User 'NOBODY'/)
})
