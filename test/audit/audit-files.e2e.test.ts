/**
 * `firn audit` on the real stack: whatever is planted between the stage and the merge is found by its code and no other, and
 * repaired where it can be. Each test leaves the system as it found it.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { judge } from '../../src/audit/judge.ts'
import { gather } from '../../src/commands/audit-evidence.ts'
import type { Session } from '../../src/snowflake/session.ts'
import { endGround, silent, startedRun, untilCommitted } from '../ingest/run-ground.ts'
import { until } from '../support/until.ts'
import type { AuditGround } from './audit-ground.ts'
import {
  cures,
  freshId,
  giveUp,
  impatient,
  isClean,
  isLoaded,
  leaves,
  offsetsOf,
  oneMore,
  openWellGround,
  pause,
} from './audit-trial.ts'

let ground: AuditGround

before(async () => {
  ground = await openWellGround()
})

after(async () => {
  await ground.down()
  await endGround()
})

describe('an audit', { concurrency: false }, () => {
  beforeEach(() => {
    ground.warehouse().turn({ lose: null, fail: null })
  })

  test('finds a file that was deleted before it was loaded, at the end of its partition', async () => {
    ground.warehouse().turn({ lose: '.' })
    const file = await oneMore(ground)
    await ground.stage.remove(`${ground.config.stage.prefix}${file}`)
    const { code, codes, findings } = await ground.audit(...impatient)
    assert.deepEqual([code, codes], [3, ['STAGE_GAP']])
    assert.deepEqual(
      findings.map(({ partition, offsets }) => [partition, offsets]),
      [[0, offsetsOf(file)]],
    )
    assert.match(
      findings[0]?.hint ?? '',
      new RegExp(`Run: firn ack-gap --topic \\S+ --partition 0 --offsets ${offsetsOf(file)}$`),
    )
    await leaves(ground, ['STAGE_GAP'])
    await giveUp(ground, file)
    await isClean(ground)
  })

  test('finds a file that was deleted before it was loaded, between others', async () => {
    ground.warehouse().turn({ lose: '.' })
    const file = await oneMore(ground)
    ground.warehouse().turn({ lose: null })
    await oneMore(ground)
    await ground.stage.remove(`${ground.config.stage.prefix}${file}`)
    await ground.settled()
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual(codes, ['STAGE_GAP'])
    assert.deepEqual(
      findings.map(({ offsets }) => offsets),
      [offsetsOf(file)],
    )
    await giveUp(ground, file)
    await isClean(ground)
  })

  test('finds a load that failed, and loads the file by COPY', async () => {
    ground.warehouse().turn({ fail: '.' })
    const file = await oneMore(ground)
    await until(
      'the load',
      () =>
        ground.one(
          `SELECT COUNT(*) FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => '${ground.names.landing.sql}', START_TIME => DATEADD('hour', -1, CURRENT_TIMESTAMP()))) WHERE status = 'Load failed'`,
        ),
      (count) => count === '1',
    )
    ground.warehouse().turn({ fail: null })
    const { code, codes, findings } = await ground.audit(...impatient)
    assert.deepEqual([code, codes, findings[0]?.files], [3, ['LOAD_FAILED'], [file]])
    assert.match(findings[0]?.seen ?? '', /Error parsing the file/)
    const plan = await ground.audit(...impatient, '--repair', '--dry-run')
    assert.equal(plan.code, 3)
    assert.match(
      plan.repair?.statements[0] ?? '',
      /^COPY INTO [^]*FILES = \('e1\/00000\/\d+-\d+\.parquet'\)\nON_ERROR = SKIP_FILE\nFORCE = TRUE$/,
    )
    assert.deepEqual((await ground.audit(...impatient)).codes, ['LOAD_FAILED'], 'a plan changes nothing')
    await cures(ground)
    await isClean(ground, '--deep')
  })

  test('finds a file whose notification was lost, and lets the pipe take it', async () => {
    ground.warehouse().turn({ lose: '.' })
    const files = [await oneMore(ground), await oneMore(ground)]
    await pause()
    ground.warehouse().turn({ lose: null })
    assert.deepEqual((await ground.audit()).codes, [], 'the default is patient')
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual([codes, findings.map((one) => one.files)], [['FILE_NOT_LOADED'], files.map((file) => [file])])
    const statements = await cures(ground)
    assert.equal(statements.length, 1)
    assert.match(statements[0] ?? '', /^ALTER PIPE \S+ REFRESH PREFIX = 'e1\/00000\/'$/)
    await isClean(ground)
  })

  test('finds rows that are gone from the landing table, and loads their file again', async () => {
    const file = await oneMore(ground)
    await ground.settled()
    await ground
      .session()
      .execute(`DELETE FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${file}' AND file_row_number < 2`)
    await pause()
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual([codes, findings[0]?.files], [['ROWS_MISSING'], [file]])
    await cures(ground)
    await isClean(ground, '--deep')
    await ground.session().execute(`DELETE FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${file}'`)
    await pause()
    assert.deepEqual((await ground.audit(...impatient)).codes, ['ROWS_MISSING'])
    await cures(ground)
    await isClean(ground, '--deep')
  })

  test('finds rows that a stream has passed by, and lets them come again', async () => {
    const file = await oneMore(ground)
    await isLoaded(ground, file)
    await ground
      .session()
      .execute(
        `CREATE OR REPLACE STREAM ${ground.names.stream.sql} ON TABLE ${ground.names.landing.sql} APPEND_ONLY = TRUE`,
      )
    await ground.grantAgain(ground.names.stream.sql)
    await pause()
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual([codes, findings[0]?.files, findings[0]?.table], [['ROWS_UNMERGED'], [file], 'RUN.T0'])
    await cures(ground)
    await isClean(ground, '--deep')
  })

  test('finds rows that wait for their merge, and merges them', async () => {
    const file = await oneMore(ground)
    await isLoaded(ground, file)
    await pause()
    assert.deepEqual((await ground.audit(...impatient)).codes, ['ROWS_UNMERGED'])
    assert.match((await cures(ground))[0] ?? '', /^EXECUTE TASK /)
    await isClean(ground)
  })
})

describe('while everything runs', { concurrency: false }, () => {
  test('nothing that is on its way is a finding, deep or not, and a repair disturbs nothing', async () => {
    const run = await startedRun(ground.config, silent)
    try {
      const over = new AbortController()
      const load = (async () => {
        while (!over.signal.aborted) {
          const ids = Array.from({ length: 20 }, () => freshId())
          await ground.send(ids.map((id) => ({ id, partition: id % 2 })))
          await ground.merge()
        }
      })()
      for (const args of [[], ['--deep'], ['--repair'], ['--repair', '--deep'], [], ['--deep'], []]) {
        const { code, findings } = await ground.audit(...args)
        assert.deepEqual({ code, findings }, { code: 0, findings: [] })
      }
      over.abort()
      await load
      await untilCommitted(ground.config, ground.topic)
    } finally {
      run.stop()
      await run.done
    }
    await ground.settled()
    await isClean(ground, '--deep')
  })
})

describe('between two questions', { concurrency: false }, () => {
  test('what is staged, committed and loaded there is no gap', async () => {
    const session = ground.session()
    let isFirst = true
    const interrupted: Session = {
      ...session,
      query: async (sql, binds) => {
        if (isFirst) {
          isFirst = false
          // The earlier of two files is not loaded yet.
          ground.warehouse().turn({ lose: '.' })
          await oneMore(ground)
          ground.warehouse().turn({ lose: null })
          await isLoaded(ground, await oneMore(ground))
        }
        return await session.query(sql, binds)
      },
    }
    const how = { config: ground.config, logger: silent, isDeep: false, isRepair: false, progress: () => undefined }
    const { topics, failures } = await gather(interrupted, how)
    assert.deepEqual(failures, [])
    const options = { patienceMs: 15 * 60_000, landingDays: 30 }
    assert.deepEqual(
      topics.flatMap((evidence) => judge(evidence, options)),
      [],
    )
    await pause()
    await cures(ground)
    await isClean(ground)
  })
})
