/**
 * Tasks: when one runs, what becomes of a run that fails, and what TASK_HISTORY tells of it.
 *
 * Pages: sql-reference/sql/create-task, sql-reference/sql/alter-task, sql-reference/sql/execute-task, user-guide/tasks-intro,
 * sql-reference/sql/show-tasks, sql-reference/functions/task_history.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../../src/snowflake/session.ts'
import {
  contractTargets,
  endedRuns,
  executeTask,
  firstColumn,
  onEachTarget,
  refused,
  run,
} from '../support/contract.ts'
import { until } from '../support/until.ts'

onEachTarget(contractTargets(), (scratch, { config }) => {
  const compute = config.warehouse === undefined ? '' : `WAREHOUSE = ${config.warehouse}`

  async function shown(name: string): Promise<Row> {
    const [row] = await scratch().session.query(`SHOW TASKS LIKE '${name}' IN SCHEMA ${scratch().database}.S`)
    assert.ok(row)
    return row
  }

  // create-task, usage notes: a task is created suspended; alter-task: RESUME, SUSPEND
  test('a task is created suspended, and starts and stops by ALTER TASK alone', async () => {
    const { session } = scratch()
    await session.execute(`CREATE TASK RESTING ${compute} SCHEDULE = '60 MINUTES' COMMENT = 'rests' AS SELECT 1`)
    const states: unknown[] = [(await shown('RESTING'))['state']]
    for (const action of ['RESUME', 'RESUME', 'SUSPEND', 'SUSPEND']) {
      await session.execute(`ALTER TASK RESTING ${action}`)
      states.push((await shown('RESTING'))['state'])
    }
    assert.deepEqual(states, ['suspended', 'started', 'started', 'suspended', 'suspended'])
  })

  // show-tasks, "Output"
  test('SHOW and DESC tell the columns of a task by name', async () => {
    const { session, database } = scratch()
    await run(
      session,
      'CREATE TABLE LANDING (ID NUMBER)',
      'CREATE STREAM SEEN ON TABLE LANDING APPEND_ONLY = TRUE',
      `CREATE TASK TOLD ${compute} SCHEDULE = '5 MINUTES' COMMENT = 'told' WHEN SYSTEM$STREAM_HAS_DATA('SEEN') AS SELECT 1`,
    )
    const [described] = await session.query('DESC TASK TOLD')
    for (const row of [await shown('TOLD'), described ?? {}]) {
      const { name, database_name, schema_name, comment, schedule, state, definition, warehouse } = row
      assert.deepEqual(
        { name, database_name, schema_name, comment, schedule, state, definition, warehouse },
        {
          name: 'TOLD',
          database_name: database,
          schema_name: 'S',
          comment: 'told',
          schedule: '5 MINUTES',
          state: 'suspended',
          definition: 'SELECT 1',
          warehouse: config.warehouse ?? null,
        },
      )
      assert.match(String(row['condition']), /^SYSTEM\$STREAM_HAS_DATA\('SEEN'\)$/i)
      assert.ok(row['created_on'] instanceof Date)
    }
  })

  // execute-task: a single run, asynchronous, of a suspended task too
  test('EXECUTE TASK runs a suspended task once, in the schema of the task', async () => {
    const { session, database } = scratch()
    await run(
      session,
      'CREATE TABLE DONE (DATABASE_NAME VARCHAR, SCHEMA_NAME VARCHAR)',
      `CREATE TASK ONCE ${compute} SCHEDULE = '60 MINUTES' AS
         INSERT INTO DONE SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()`,
    )
    const history = await executeTask(session, 'ONCE')
    assert.deepEqual(await session.query('SELECT * FROM DONE'), [{ DATABASE_NAME: database, SCHEMA_NAME: 'S' }])
    assert.equal((await shown('ONCE'))['state'], 'suspended')
    const { NAME, DATABASE_NAME, SCHEMA_NAME, STATE, ERROR_CODE, ERROR_MESSAGE, SCHEDULED_FROM } = history
    assert.deepEqual(
      { NAME, DATABASE_NAME, SCHEMA_NAME, STATE, ERROR_CODE, ERROR_MESSAGE, SCHEDULED_FROM },
      {
        NAME: 'ONCE',
        DATABASE_NAME: database,
        SCHEMA_NAME: 'S',
        STATE: 'SUCCEEDED',
        ERROR_CODE: null,
        ERROR_MESSAGE: null,
        SCHEDULED_FROM: 'EXECUTE TASK',
      },
    )
    assert.match(String(history['QUERY_TEXT']), /^INSERT INTO DONE/)
    const [scheduled, started, completed] = ['SCHEDULED_TIME', 'QUERY_START_TIME', 'COMPLETED_TIME'].map((column) =>
      (history[column] as Date).getTime(),
    )
    assert.ok((scheduled ?? 0) <= (started ?? 0) && (started ?? 0) <= (completed ?? 0))
  })

  // user-guide/tasks-intro, sql-reference/transactions: a failed statement of a block leaves nothing behind
  test('a run that fails is rolled back and told in TASK_HISTORY with its error; the next run goes on', async () => {
    const { session } = scratch()
    await run(
      session,
      'CREATE TABLE INPUT (ID NUMBER)',
      'CREATE STREAM PENDING ON TABLE INPUT APPEND_ONLY = TRUE',
      'CREATE TABLE OUTPUT (ID NUMBER NOT NULL)',
      'CREATE TABLE LIMITS (ID NUMBER)',
      `CREATE TASK FAILING ${compute} SCHEDULE = '60 MINUTES' SUSPEND_TASK_AFTER_NUM_FAILURES = 0 AS EXECUTE IMMEDIATE $$
       BEGIN
         BEGIN TRANSACTION;
         INSERT INTO OUTPUT SELECT ID FROM PENDING;
         INSERT INTO OUTPUT SELECT ID FROM LIMITS;
         COMMIT;
       EXCEPTION
         WHEN OTHER THEN
           ROLLBACK;
           RAISE;
       END;
       $$`,
      'INSERT INTO INPUT VALUES (1)',
      'INSERT INTO LIMITS VALUES (2), (NULL)',
    )
    const failed = await executeTask(session, 'FAILING')
    assert.equal(failed['STATE'], 'FAILED')
    assert.match(String(failed['ERROR_MESSAGE']), /non-nullable column/)
    assert.match(String(failed['ERROR_CODE']), /^\d{6}$/)
    assert.deepEqual(await session.query('SELECT ID FROM OUTPUT'), [])
    assert.deepEqual(await firstColumn(session, 'SELECT ID FROM PENDING'), ['1'])
    await session.execute('DELETE FROM LIMITS WHERE ID IS NULL')
    assert.equal((await executeTask(session, 'FAILING', 2))['STATE'], 'SUCCEEDED')
    assert.deepEqual(await firstColumn(session, 'SELECT ID FROM OUTPUT ORDER BY ID'), ['1', '2'])
    assert.deepEqual(await session.query('SELECT ID FROM PENDING'), [])
    const states = (await endedRuns(session, 'FAILING')).map((row) => row['STATE'])
    assert.deepEqual(states, ['FAILED', 'SUCCEEDED'])
    const onlyErrors = `SELECT STATE FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 'FAILING', ERROR_ONLY => TRUE))`
    assert.deepEqual(await firstColumn(session, onlyErrors), ['FAILED'])
  })

  // create-task, SCHEDULE and WHEN: a run whose condition is false is skipped, and does not move the stream
  test('a started task runs by its schedule, and skips its run while the stream of WHEN is empty', async () => {
    const { session } = scratch()
    await run(
      session,
      'CREATE TABLE ARRIVED (ID NUMBER)',
      'CREATE TABLE MOVED (ID NUMBER)',
      'CREATE STREAM WAITING ON TABLE ARRIVED APPEND_ONLY = TRUE',
      `CREATE TASK TICKING ${compute} SCHEDULE = '10 SECONDS' WHEN SYSTEM$STREAM_HAS_DATA('WAITING')
         AS INSERT INTO MOVED SELECT ID FROM WAITING`,
      'ALTER TASK TICKING RESUME',
    )
    const states = async (): Promise<readonly unknown[]> =>
      (await endedRuns(session, 'TICKING')).map((row) => row['STATE'])
    await until('a skipped run', states, (found) => found.includes('SKIPPED'))
    await session.execute('INSERT INTO ARRIVED VALUES (1)')
    await until('a run', states, (found) => found.includes('SUCCEEDED'))
    await session.execute('ALTER TASK TICKING SUSPEND')
    assert.deepEqual(await firstColumn(session, 'SELECT ID FROM MOVED'), ['1'])
    const [first] = await endedRuns(session, 'TICKING')
    assert.equal(first?.['SCHEDULED_FROM'], 'SCHEDULE')
    assert.equal((await states()).filter((state) => state === 'SUCCEEDED').length, 1)
  })

  // create-task, OR REPLACE: the new task is suspended again
  test('a task that is replaced is suspended and has the new text; IF NOT EXISTS keeps the old one', async () => {
    const { session } = scratch()
    const create = (how: string, body: string): string =>
      `${how} REPLACED ${compute} SCHEDULE = '60 MINUTES' AS ${body}`
    await run(session, create('CREATE TASK', 'SELECT 1'), 'ALTER TASK REPLACED RESUME')
    await session.execute(create('CREATE TASK IF NOT EXISTS', 'SELECT 2'))
    const kept = await shown('REPLACED')
    assert.deepEqual([kept['state'], kept['definition']], ['started', 'SELECT 1'])
    await session.execute(create('CREATE OR REPLACE TASK', 'SELECT 3'))
    const replaced = await shown('REPLACED')
    assert.deepEqual([replaced['state'], replaced['definition']], ['suspended', 'SELECT 3'])
  })

  test('a task that is not there can be neither run nor altered, unless IF EXISTS says so', async () => {
    const { session } = scratch()
    for (const sql of ['EXECUTE TASK NO_TASK', 'ALTER TASK NO_TASK RESUME', 'DROP TASK NO_TASK']) {
      await assert.rejects(session.execute(sql), refused('002003', /NO_TASK/), sql)
    }
    await run(session, 'ALTER TASK IF EXISTS NO_TASK SUSPEND', 'DROP TASK IF EXISTS NO_TASK')
  })

  // tasks-triggered; task_history, SCHEDULED_FROM; show-tasks, schedule
  test('a task without a schedule runs when the stream of its WHEN has rows', async () => {
    const { session } = scratch()
    const serverless = config.warehouse === undefined ? `TARGET_COMPLETION_INTERVAL = '1 MINUTES'` : compute
    await run(
      session,
      'CREATE TABLE COMING (ID NUMBER)',
      'CREATE TABLE GONE (ID NUMBER)',
      'CREATE STREAM TRIGGERING ON TABLE COMING APPEND_ONLY = TRUE',
      `CREATE TASK TRIGGERED ${serverless} USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = 10
         WHEN SYSTEM$STREAM_HAS_DATA('TRIGGERING') AS INSERT INTO GONE SELECT ID FROM TRIGGERING`,
      'ALTER TASK TRIGGERED RESUME',
    )
    assert.equal((await shown('TRIGGERED'))['schedule'], null)
    for (const id of ['1', '2']) {
      await session.execute(`INSERT INTO COMING VALUES (${id})`)
      await until(
        'a run',
        () => firstColumn(session, 'SELECT ID FROM GONE'),
        (ids) => ids.includes(id),
      )
    }
    await session.execute('ALTER TASK TRIGGERED SUSPEND')
    const ended = (await endedRuns(session, 'TRIGGERED')).filter((row) => row['STATE'] !== 'SKIPPED')
    assert.deepEqual(
      ended.map((row) => [row['STATE'], row['SCHEDULED_FROM']]),
      [
        ['SUCCEEDED', 'TRIGGER'],
        ['SUCCEEDED', 'TRIGGER'],
      ],
    )
  })

  // create-task, parameters
  test('what a task cannot be is refused', async () => {
    const { session } = scratch()
    const when = `WHEN SYSTEM$STREAM_HAS_DATA('NO_STREAM')`
    const create = (options: string): string => `CREATE TASK WRONG ${options} AS SELECT 1`
    for (const sql of [
      create(`SCHEDULE = 'USING CRON * * * * *'`),
      create(`SCHEDULE = 'USING CRON 61 * * * * UTC'`),
      create(`SCHEDULE = 'USING CRON * * * * * Mars/Olympus'`),
      create(when),
      create(`TARGET_COMPLETION_INTERVAL = '5 SECONDS' ${when}`),
      create(`${compute} USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = 9 ${when}`),
      create(`TARGET_COMPLETION_INTERVAL = '1 MINUTES' USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = 604801 ${when}`),
    ]) {
      await assert.rejects(session.execute(sql), refused(null, /./), sql)
    }
    await session.execute(`CREATE TASK BY_HAND ${compute} AS SELECT 1`)
    await assert.rejects(session.execute('ALTER TASK BY_HAND RESUME'), refused(null, /./))
    await session.execute(create(`${compute} SCHEDULE = 'USING CRON 0 9-17 * JAN-JUN SUN,MON-FRI Europe/Berlin'`))
    assert.match(String((await shown('WRONG'))['schedule']), /^USING CRON 0 9-17/)
  })
})
