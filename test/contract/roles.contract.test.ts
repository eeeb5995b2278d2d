/**
 * Roles, what is granted to them, and what they are refused without it.
 *
 * Pages: user-guide/security-access-control-overview, user-guide/security-access-control-privileges,
 * sql-reference/sql/create-role, sql-reference/sql/drop-role, sql-reference/sql/show-roles, sql-reference/sql/use-role,
 * sql-reference/sql/grant-role, sql-reference/sql/revoke-role, sql-reference/sql/grant-privilege,
 * sql-reference/sql/revoke-privilege, sql-reference/sql/grant-ownership, sql-reference/sql/show-grants.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { connectSnowflake, type Row, type Session } from '../../src/snowflake/session.ts'
import { firstColumn, onEachTarget, refused, run } from '../support/contract.ts'
import { openScratchRoles, type ScratchRoles, roleTargets } from '../support/contract-roles.ts'

const hidden = (name: string) => refused('002003', new RegExp(`${name}.*does not exist or not authorized`, 's'))
const insufficient = (name: string) =>
  refused('003001', new RegExp(`Insufficient privileges to operate on.*${name}`, 's'))

onEachTarget(roleTargets(), (scratch, target) => {
  const { config } = target
  let roles: ScratchRoles
  let made = 0

  before(async () => {
    roles = await openScratchRoles(target)
    await run(
      scratch().session,
      'CREATE TABLE BASE (ID NUMBER)',
      'INSERT INTO BASE VALUES (1)',
      'CREATE TABLE GOAL (ID NUMBER)',
      'CREATE VIEW LOOK AS SELECT ID FROM BASE',
      'CREATE STREAM FLOW ON TABLE BASE APPEND_ONLY = TRUE SHOW_INITIAL_ROWS = TRUE',
      'CREATE FILE FORMAT SHAPE TYPE = PARQUET',
    )
  })
  after(async () => {
    await roles.drop()
  })

  /** A session in a role of its own, which may enter the schema; and a door to grant it more. */
  async function fresh(...grants: readonly string[]) {
    made += 1
    const short = `R${made}`
    const role = roles.name(short)
    const session = await roles.open(short, ...grants)
    const grant = (privileges: string) => roles.admin.execute(`GRANT ${privileges} TO ROLE ${role}`)
    const revoke = (privileges: string) => roles.admin.execute(`REVOKE ${privileges} FROM ROLE ${role}`)
    return { session, role, grant, revoke }
  }

  const whole = (name: string): string => `${config.database}.S.${name}`

  // create-role, drop-role, show-roles
  test('a role is made, kept by IF NOT EXISTS, shown with its owner, and dropped', async () => {
    const { admin } = roles
    const role = roles.name('MADE')
    await run(admin, `CREATE ROLE ${role} COMMENT = 'made'`, `CREATE ROLE IF NOT EXISTS ${role} COMMENT = 'other'`)
    await assert.rejects(admin.execute(`CREATE ROLE ${role}`), refused('002002', /already exists/))
    const [row] = await admin.query(`SHOW ROLES LIKE '${role}'`)
    const { name, comment, owner, assigned_to_users, granted_to_roles, granted_roles } = row ?? {}
    assert.deepEqual([name, comment, owner], [role, 'made', target.adminRole])
    assert.deepEqual([assigned_to_users, granted_to_roles, granted_roles].map(Number), [0, 0, 0])
    await admin.execute(`DROP ROLE ${role}`)
    await assert.rejects(admin.execute(`DROP ROLE ${role}`), refused(null, /MADE.*does not exist/s))
    await admin.execute(`DROP ROLE IF EXISTS ${role}`)
    assert.deepEqual(await admin.query(`SHOW ROLES LIKE '${role}'`), [])
  })

  // use-role; security-access-control-overview, "Roles"
  test('a role is used only where it was granted to the user, at login and by USE ROLE', async () => {
    const { admin } = roles
    const role = roles.name('STRANGE')
    await admin.execute(`CREATE ROLE ${role}`)
    await assert.rejects(scratch().session.execute(`USE ROLE ${role}`), refused('003013', /STRANGE.*is not assigned/s))
    await assert.rejects(
      connectSnowflake({ ...config, role }),
      (error) =>
        error instanceof Failure && error.code === 'WAREHOUSE_DENIED' && /STRANGE.*not granted/s.test(error.message),
    )
    await admin.execute(`DROP ROLE ${role}`)
  })

  // grant-role, revoke-role; security-access-control-overview, "Role hierarchy and privilege inheritance"
  test('a role has the privileges of the roles that are granted to it, until they are revoked', async () => {
    const { admin } = roles
    const upper = await fresh()
    const lower = await fresh(`SELECT ON TABLE ${whole('BASE')}`)
    await assert.rejects(upper.session.query('SELECT ID FROM BASE'), hidden('BASE'))
    await admin.execute(`GRANT ROLE ${lower.role} TO ROLE ${upper.role}`)
    assert.deepEqual(await firstColumn(upper.session, 'SELECT ID FROM BASE'), ['1'])
    await admin.execute(`REVOKE ROLE ${lower.role} FROM ROLE ${upper.role}`)
    await assert.rejects(upper.session.query('SELECT ID FROM BASE'), hidden('BASE'))
  })

  // security-access-control-privileges, "Database privileges", "Schema privileges": USAGE
  test('what lies in a database or schema that may not be entered is not there', async () => {
    const { session, revoke, grant } = await fresh(`SELECT ON TABLE ${whole('BASE')}`)
    await revoke(`USAGE ON SCHEMA ${config.database}.S`)
    await assert.rejects(session.query(`SELECT * FROM ${whole('BASE')}`), refused('002003', /not authorized/))
    await grant(`USAGE ON SCHEMA ${config.database}.S`)
    await revoke(`USAGE ON DATABASE ${config.database}`)
    await assert.rejects(session.query(`SELECT * FROM ${whole('BASE')}`), hidden(config.database))
    await assert.rejects(session.execute(`USE DATABASE ${config.database}`), refused(null, /does not exist/))
  })

  // security-access-control-privileges, "Table privileges", "View privileges", "Stream privileges"
  test('a query and each DML take their own privilege', async () => {
    const { session, grant } = await fresh()
    const steps: readonly (readonly [sql: string, object: string, privilege: string])[] = [
      ['INSERT INTO GOAL VALUES (5)', 'GOAL', 'INSERT ON TABLE'],
      ['SELECT * FROM GOAL', 'GOAL', 'SELECT ON TABLE'],
      ['UPDATE GOAL SET ID = 6', 'GOAL', 'UPDATE ON TABLE'],
      ['DELETE FROM GOAL', 'GOAL', 'DELETE ON TABLE'],
      ['TRUNCATE TABLE GOAL', 'GOAL', 'TRUNCATE ON TABLE'],
    ]
    for (const [index, [sql, object, privilege]] of steps.entries()) {
      await assert.rejects(session.execute(sql), index === 0 ? hidden(object) : insufficient(object), sql)
      await grant(`${privilege} ${whole(object)}`)
      await session.execute(sql)
    }
    await assert.rejects(session.query('SELECT * FROM LOOK'), hidden('LOOK'))
    await grant(`SELECT ON VIEW ${whole('LOOK')}`)
    assert.deepEqual(await firstColumn(session, 'SELECT ID FROM LOOK'), ['1'])
  })

  // user-guide/streams-intro, "Access control privileges"; system_stream_has_data
  test('a stream takes SELECT on itself and on its table', async () => {
    const { session, grant } = await fresh(`SELECT ON TABLE ${whole('BASE')}`)
    await assert.rejects(session.query('SELECT ID FROM FLOW'), hidden('FLOW'))
    await assert.rejects(session.query(`SELECT SYSTEM$STREAM_HAS_DATA('FLOW')`), refused(null, /FLOW/))
    await grant(`SELECT ON STREAM ${whole('FLOW')}`)
    assert.deepEqual(await firstColumn(session, 'SELECT ID FROM FLOW'), ['1'])
    assert.equal((await firstColumn(session, `SELECT SYSTEM$STREAM_HAS_DATA('FLOW')`))[0], true)
  })

  // sql-reference/sql/merge: SELECT on the source, and what its clauses do to the target
  test('a MERGE takes what its clauses do', async () => {
    const { session, grant } = await fresh(
      `SELECT ON TABLE ${whole('BASE')}`,
      `SELECT, INSERT ON TABLE ${whole('GOAL')}`,
    )
    const merge = (clause: string) => `MERGE INTO GOAL g USING BASE b ON g.ID = b.ID ${clause}`
    await session.execute(merge('WHEN NOT MATCHED THEN INSERT (ID) VALUES (b.ID)'))
    for (const [clause, privilege] of [
      ['WHEN MATCHED THEN UPDATE SET ID = b.ID', 'UPDATE'],
      ['WHEN MATCHED THEN DELETE', 'DELETE'],
    ] as const) {
      await assert.rejects(session.execute(merge(clause)), insufficient('GOAL'), clause)
      await grant(`${privilege} ON TABLE ${whole('GOAL')}`)
      await session.execute(merge(clause))
    }
  })

  // security-access-control-privileges, "Schema privileges", "Database privileges", "Global privileges"
  test('to make an object takes CREATE on what it goes into, and its maker owns it', async () => {
    const { session, role, grant } = await fresh()
    for (const [kind, rest] of [
      ['TABLE', '(ID NUMBER)'],
      ['VIEW', 'AS SELECT 1 AS ONE'],
      ['FILE FORMAT', 'TYPE = PARQUET'],
    ] as const) {
      await assert.rejects(session.execute(`CREATE ${kind} OWN_ONE ${rest}`), insufficient('S'), kind)
      await grant(`CREATE ${kind} ON SCHEMA ${config.database}.S`)
      await session.execute(`CREATE ${kind} OWN_ONE ${rest}`)
      const [row] = await session.query(`SHOW ${kind}S LIKE 'OWN_ONE' IN SCHEMA ${config.database}.S`)
      assert.equal(row?.['owner'], role, kind)
      await session.execute(`DROP ${kind} OWN_ONE`)
    }
    await assert.rejects(session.execute(`CREATE SCHEMA ${config.database}.OWN_ONE`), insufficient(config.database))
    await assert.rejects(session.execute(`CREATE DATABASE ${config.database}_OWN`), refused('003001', /account/i))
    await assert.rejects(session.execute(`CREATE ROLE ${roles.name('OWN')}`), refused('003001', /account/i))
  })

  // security-access-control-privileges: OWNERSHIP
  test('to drop, replace or grant on an object takes its ownership', async () => {
    const { session, grant } = await fresh(`SELECT ON TABLE ${whole('GOAL')}`)
    await grant(`CREATE TABLE ON SCHEMA ${config.database}.S`)
    await assert.rejects(session.execute('DROP TABLE GOAL'), insufficient('GOAL'))
    await assert.rejects(session.execute('CREATE OR REPLACE TABLE GOAL (ID NUMBER)'), insufficient('GOAL'))
    await assert.rejects(
      session.execute(`GRANT SELECT ON TABLE GOAL TO ROLE ${roles.name('R1')}`),
      refused(null, /Insufficient privileges/),
    )
    await assert.rejects(session.execute('DROP TABLE BASE'), refused(null, /BASE.*does not exist/s))
    await assert.rejects(
      session.execute('CREATE TABLE IF NOT EXISTS BASE (ID NUMBER)'),
      refused('003041', /BASE.*already exists, but current role has no privileges on it/s),
    )
    await session.execute('DROP TABLE IF EXISTS BASE')
    assert.deepEqual(await firstColumn(scratch().session, 'SELECT ID FROM BASE'), ['1'])
  })

  // grant-privilege: privileges are those of the kind
  test('a privilege that an object of the kind does not have is refused by its name', async () => {
    const { role } = await fresh()
    const { session } = scratch()
    for (const [privilege, on] of [
      ['OPERATE', 'TABLE BASE'],
      ['INSERT', 'STREAM FLOW'],
      ['SELECT', `SCHEMA ${config.database}.S`],
    ] as const) {
      await assert.rejects(
        session.execute(`GRANT ${privilege} ON ${on} TO ROLE ${role}`),
        refused(null, new RegExp(privilege)),
        privilege,
      )
    }
    await assert.rejects(
      session.execute('GRANT SELECT ON TABLE BASE TO ROLE NO_SUCH_ROLE'),
      refused(null, /NO_SUCH_ROLE/),
    )
  })

  // show-grants, "Output"; grant-ownership
  test('SHOW GRANTS tells what is granted on an object, to a role and to a user', async () => {
    const { session, role } = await fresh(`SELECT, INSERT ON TABLE ${whole('BASE')}`)
    const told = (rows: readonly Row[]) =>
      rows
        .filter((row) => row['granted_on'] !== 'WAREHOUSE')
        .map((row) =>
          [row['privilege'], row['granted_on'], row['name'], row['granted_to'], row['grantee_name']].join(' '),
        )
        .sort()
    assert.deepEqual(
      told(await session.query(`SHOW GRANTS TO ROLE ${role}`)),
      [
        `INSERT TABLE ${whole('BASE')} ROLE ${role}`,
        `SELECT TABLE ${whole('BASE')} ROLE ${role}`,
        `USAGE DATABASE ${config.database} ROLE ${role}`,
        `USAGE SCHEMA ${config.database}.S ROLE ${role}`,
      ].sort(),
    )
    const on = told(await session.query('SHOW GRANTS ON TABLE BASE'))
    assert.ok(on.includes(`SELECT TABLE ${whole('BASE')} ROLE ${role}`), on.join())
    const [owner] = await firstColumn(scratch().session, 'SELECT CURRENT_ROLE()')
    assert.ok(on.includes(`OWNERSHIP TABLE ${whole('BASE')} ROLE ${String(owner)}`), on.join())
    const [user] = await firstColumn(session, 'SELECT CURRENT_USER()')
    for (const whose of ['', `TO USER ${String(user)}`]) {
      const rows = await session.query(`SHOW GRANTS ${whose}`)
      const mine = rows.find((row) => row['role'] === role)
      assert.deepEqual([mine?.['granted_to'], mine?.['grantee_name']], ['USER', user], whose)
    }
  })

  // grant-ownership
  test('ownership goes to another role, with the grants where it is said so', async () => {
    const { session } = scratch()
    const { session: heir, role } = await fresh()
    const reader = await fresh()
    await run(session, 'CREATE TABLE HEIRLOOM (ID NUMBER)', `GRANT SELECT ON TABLE HEIRLOOM TO ROLE ${reader.role}`)
    const give = `GRANT OWNERSHIP ON TABLE HEIRLOOM TO ROLE ${role}`
    await assert.rejects(session.execute(give), refused('003036', /Dependent grant of privilege 'SELECT'/))
    await session.execute(`${give} COPY CURRENT GRANTS`)
    assert.deepEqual(await reader.session.query('SELECT * FROM HEIRLOOM'), [])
    await assert.rejects(session.query('SELECT * FROM HEIRLOOM'), hidden('HEIRLOOM'))
    await run(heir, 'INSERT INTO HEIRLOOM VALUES (1)', 'DROP TABLE HEIRLOOM')
  })

  // grant-privilege, "Future grants on database or schema objects", and ON ALL
  test('grants on all objects of a schema reach those that are there, on future ones those that will be', async () => {
    const { session } = scratch()
    await run(session, `CREATE SCHEMA ${config.database}.T`, `USE SCHEMA ${config.database}.T`)
    const { session: reader, role } = await fresh(`USAGE ON SCHEMA ${config.database}.T`)
    await run(
      session,
      'CREATE TABLE FIRST_ONE (ID NUMBER)',
      `GRANT SELECT ON ALL TABLES IN SCHEMA ${config.database}.T TO ROLE ${role}`,
      'CREATE TABLE SECOND_ONE (ID NUMBER)',
    )
    await roles.admin.execute(`GRANT SELECT ON FUTURE TABLES IN SCHEMA ${config.database}.T TO ROLE ${role}`)
    await run(session, 'CREATE TABLE THIRD_ONE (ID NUMBER)', `USE SCHEMA ${config.database}.S`)
    const names = await reader.query(`SHOW TABLES IN SCHEMA ${config.database}.T`)
    assert.deepEqual(
      names.map((row) => row['name']),
      ['FIRST_ONE', 'THIRD_ONE'],
    )
  })

  // show-tables and its likes, "Usage notes": only objects on which the role has some privilege
  test('SHOW lists only what the role has some privilege on', async () => {
    const { session } = await fresh(`INSERT ON TABLE ${whole('GOAL')}`)
    const shown = async (asked: Session, kind: string) =>
      (await asked.query(`SHOW ${kind} IN SCHEMA ${config.database}.S`)).map((row) => row['name'])
    assert.deepEqual(await shown(session, 'TABLES'), ['GOAL'])
    for (const kind of ['VIEWS', 'STREAMS', 'FILE FORMATS']) assert.deepEqual(await shown(session, kind), [], kind)
    assert.deepEqual(await shown(scratch().session, 'STREAMS'), ['FLOW'])
  })

  // create-view, "Usage notes"; user-guide/views-introduction: a view is read with its owner's privileges
  test('who may read a view needs nothing on what it names', async () => {
    const { session } = await fresh(`SELECT ON VIEW ${whole('LOOK')}`)
    assert.deepEqual(await firstColumn(session, 'SELECT ID FROM LOOK'), ['1'])
    await assert.rejects(session.query('SELECT LOOK.ID FROM LOOK JOIN BASE ON LOOK.ID = BASE.ID'), hidden('BASE'))
  })
})
