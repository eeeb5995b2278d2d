/**
 * Who may run, watch and make tasks and pipes, and whose rights they run with.
 *
 * Pages: user-guide/tasks-intro ("Task security"), sql-reference/sql/create-task, sql-reference/sql/alter-task,
 * sql-reference/sql/execute-task, sql-reference/functions/task_history, sql-reference/sql/create-pipe,
 * sql-reference/sql/alter-pipe, sql-reference/sql/show-pipes, sql-reference/functions/system_pipe_status,
 * sql-reference/functions/copy_history, sql-reference/sql/grant-ownership.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { executeTask, firstColumn, onEachTarget, refused, run } from '../support/contract.ts'
import { openScratchRoles, type ScratchRoles } from '../support/contract-roles.ts'
import { stageTargets } from '../support/contract-stage.ts'

const targets = stageTargets().flatMap(({ adminRole, ...rest }) => (adminRole === null ? [] : [{ ...rest, adminRole }]))

onEachTarget(targets, (scratch, target) => {
  const { config, stage, storageIntegration } = target
  const schema = `${config.database}.S`
  const compute = config.warehouse === undefined ? '' : `WAREHOUSE = ${config.warehouse}`
  const pipe = (name: string) =>
    `CREATE PIPE ${name} AUTO_INGEST = TRUE AS COPY INTO BASE (ID) FROM (SELECT $1:id::NUMBER FROM @FILES/none/)
     FILE_FORMAT = (FORMAT_NAME = 'SHAPE')`
  const task = (name: string, options = compute) =>
    `CREATE TASK ${name} ${options} SCHEDULE = '60 MINUTES' AS INSERT INTO DONE SELECT CURRENT_ROLE(), ID FROM BASE`
  let roles: ScratchRoles
  let made = 0

  before(async () => {
    roles = await openScratchRoles(target)
    await run(
      scratch().session,
      'CREATE TABLE BASE (ID NUMBER)',
      'INSERT INTO BASE VALUES (1)',
      'CREATE TABLE DONE (ROLE VARCHAR, ID NUMBER)',
      'CREATE FILE FORMAT SHAPE TYPE = PARQUET',
      `CREATE STAGE FILES URL = 's3://${stage.bucket}/${stage.prefix}' STORAGE_INTEGRATION = ${storageIntegration}`,
      pipe('FEED'),
      task('WORK'),
    )
  })
  after(async () => {
    await roles.drop()
  })

  async function fresh(...grants: readonly string[]) {
    made += 1
    const role = roles.name(`R${made}`)
    const session = await roles.open(`R${made}`, ...grants)
    const grant = (privileges: string) => roles.admin.execute(`GRANT ${privileges} TO ROLE ${role}`)
    return { session, role, grant }
  }

  // alter-task, execute-task, show-tasks: OPERATE runs, MONITOR sees
  test('OPERATE on a task resumes, suspends and runs it; MONITOR only shows it', async () => {
    const { session, grant } = await fresh()
    const shown = () => session.query(`SHOW TASKS IN SCHEMA ${schema}`)
    const acts = ['ALTER TASK WORK RESUME', 'ALTER TASK WORK SUSPEND', 'EXECUTE TASK WORK']
    for (const act of [...acts, 'DESC TASK WORK']) {
      await assert.rejects(session.execute(act), refused(null, /WORK.*does not exist/s), act)
    }
    assert.deepEqual(await shown(), [])
    await grant(`MONITOR ON TASK ${schema}.WORK`)
    assert.deepEqual(
      (await shown()).map((row) => row['name']),
      ['WORK'],
    )
    await session.execute('DESC TASK WORK')
    for (const act of acts)
      await assert.rejects(session.execute(act), refused('003001', /Insufficient privileges/), act)
    await grant(`OPERATE ON TASK ${schema}.WORK`)
    await run(session, ...acts)
    await assert.rejects(session.execute('DROP TASK WORK'), refused('003001', /Insufficient privileges/))
  })

  // tasks-intro, "Task security"; create-task, "Access control requirements"
  test('a task runs with the rights of the role that owns it, and only where that may run tasks', async () => {
    const { session, role, grant } = await fresh(
      `CREATE TASK ON SCHEMA ${schema}`,
      `INSERT ON TABLE ${schema}.DONE`,
      `SELECT ON TABLE ${schema}.BASE`,
    )
    await session.execute(task('MINE'))
    for (const act of ['ALTER TASK MINE RESUME', 'EXECUTE TASK MINE']) {
      await assert.rejects(session.execute(act), refused('091089', /EXECUTE TASK privilege must be granted/), act)
    }
    await grant('EXECUTE TASK ON ACCOUNT')
    if (compute === '') await grant('EXECUTE MANAGED TASK ON ACCOUNT')
    const runner = await fresh(`OPERATE ON TASK ${schema}.MINE`)
    const { STATE } = await executeTask(runner.session, 'MINE')
    assert.equal(STATE, 'SUCCEEDED')
    const took = await firstColumn(scratch().session, `SELECT ID FROM DONE WHERE ROLE = '${role}'`)
    assert.deepEqual(took, ['1'])
    await roles.admin.execute(`REVOKE SELECT ON TABLE ${schema}.BASE FROM ROLE ${role}`)
    const failed = await executeTask(runner.session, 'MINE', 2)
    assert.equal(failed['STATE'], 'FAILED')
    assert.match(String(failed['ERROR_MESSAGE']), /BASE.*does not exist or not authorized/s)
  })

  // tasks-intro: EXECUTE MANAGED TASK for a task without a warehouse
  test('a task without a warehouse takes EXECUTE MANAGED TASK', async () => {
    const { session, grant } = await fresh(`CREATE TASK ON SCHEMA ${schema}`, 'EXECUTE TASK ON ACCOUNT')
    // Snowflake may ask for the privilege already when the task is made.
    await assert.rejects(
      run(session, `CREATE TASK MANAGED SCHEDULE = '60 MINUTES' AS SELECT 1`, 'ALTER TASK MANAGED RESUME'),
      refused(null, /EXECUTE MANAGED TASK|Insufficient privileges/),
    )
    await grant('EXECUTE MANAGED TASK ON ACCOUNT')
    await run(
      session,
      `CREATE TASK IF NOT EXISTS MANAGED SCHEDULE = '60 MINUTES' AS SELECT 1`,
      'ALTER TASK MANAGED RESUME',
    )
    await session.execute('ALTER TASK MANAGED SUSPEND')
  })

  // task_history, "Usage notes"
  test('TASK_HISTORY shows runs of tasks that the role may watch, and with MONITOR EXECUTION of all', async () => {
    await executeTask(scratch().session, 'WORK', 1 + (await endedCount()))
    const { session, grant } = await fresh()
    const seen = async () =>
      (await firstColumn(session, `SELECT NAME FROM TABLE(${config.database}.INFORMATION_SCHEMA.TASK_HISTORY())`))
        .length
    assert.equal(await seen(), 0)
    await grant('MONITOR EXECUTION ON ACCOUNT')
    assert.ok((await seen()) > 0)
    const watcher = await fresh(`MONITOR ON TASK ${schema}.WORK`)
    const names = await firstColumn(
      watcher.session,
      `SELECT DISTINCT NAME FROM TABLE(${config.database}.INFORMATION_SCHEMA.TASK_HISTORY())`,
    )
    assert.deepEqual(names, ['WORK'])
  })

  async function endedCount(): Promise<number> {
    const [count] = await firstColumn(
      scratch().session,
      `SELECT COUNT(*) FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 'WORK')) WHERE STATE NOT IN ('SCHEDULED', 'EXECUTING')`,
    )
    return Number(count)
  }

  // create-pipe, "Access control requirements"
  test('a pipe takes privileges on all that it names', async () => {
    const { session, grant } = await fresh(`CREATE PIPE ON SCHEMA ${schema}`)
    for (const privilege of [
      `SELECT ON TABLE ${schema}.BASE`,
      `INSERT ON TABLE ${schema}.BASE`,
      `USAGE ON STAGE ${schema}.FILES`,
      `USAGE ON FILE FORMAT ${schema}.SHAPE`,
    ]) {
      await assert.rejects(
        session.execute(pipe('OWN_FEED')),
        refused(null, /not authorized|Insufficient privileges/),
        privilege,
      )
      await grant(privilege)
    }
    await run(session, pipe('OWN_FEED'), 'DROP PIPE OWN_FEED')
  })

  // alter-pipe, show-pipes, desc-pipe, system_pipe_status
  test('OPERATE on a pipe pauses and refreshes it; MONITOR only shows it', async () => {
    const { session, grant } = await fresh()
    const acts = ['ALTER PIPE FEED REFRESH', 'ALTER PIPE FEED SET PIPE_EXECUTION_PAUSED = FALSE']
    const looks = ['DESC PIPE FEED', `SELECT SYSTEM$PIPE_STATUS('${schema}.FEED')`]
    for (const sql of [...acts, ...looks]) {
      await assert.rejects(session.execute(sql), refused(null, /FEED.*does not exist/s), sql)
    }
    assert.deepEqual(await session.query(`SHOW PIPES IN SCHEMA ${schema}`), [])
    await grant(`MONITOR ON PIPE ${schema}.FEED`)
    await run(session, ...looks)
    assert.equal((await session.query(`SHOW PIPES IN SCHEMA ${schema}`)).length, 1)
    for (const sql of acts)
      await assert.rejects(session.execute(sql), refused('003001', /Insufficient privileges/), sql)
    await grant(`OPERATE ON PIPE ${schema}.FEED`)
    await run(session, ...acts)
  })

  // copy_history, "Usage notes"
  test('COPY_HISTORY takes a privilege on the table', async () => {
    const { session, grant } = await fresh()
    const history = `SELECT FILE_NAME FROM TABLE(${config.database}.INFORMATION_SCHEMA.COPY_HISTORY(
      TABLE_NAME => '${schema}.BASE', START_TIME => DATEADD('hour', -1, CURRENT_TIMESTAMP())))`
    await assert.rejects(session.query(history), refused(null, /does not exist or not authorized/))
    await grant(`INSERT ON TABLE ${schema}.BASE`)
    assert.deepEqual(await session.query(history), [])
  })

  // grant-ownership, "Usage notes": pipes must be paused, tasks suspended
  test('a started task and a running pipe do not change hands', async () => {
    const { session } = scratch()
    const { role } = await fresh()
    await run(session, pipe('PASSED_FEED'), task('PASSED_WORK'), 'ALTER TASK PASSED_WORK RESUME')
    const gifts = ['TASK PASSED_WORK', 'PIPE PASSED_FEED'].map((what) => `GRANT OWNERSHIP ON ${what} TO ROLE ${role}`)
    for (const gift of gifts) await assert.rejects(session.execute(gift), refused(null, /suspended|paused/), gift)
    await run(
      session,
      'ALTER TASK PASSED_WORK SUSPEND',
      'ALTER PIPE PASSED_FEED SET PIPE_EXECUTION_PAUSED = TRUE',
      ...gifts,
    )
  })
})
