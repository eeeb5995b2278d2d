/**
 * `firn audit` on the real stack: a healthy system has no findings, each fault that is planted is found by its code and no
 * other, and a repair cures what can be cured. One system throughout: each test leaves it as it found it.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { renderScripts } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { endGround, silent, startedRun, untilCommitted } from '../ingest/run-ground.ts'
import { firn } from '../support/firn.ts'
import { until } from '../support/until.ts'
import { type AuditGround, change, openAuditGround, runAudit } from './audit-ground.ts'

let ground: AuditGround
let nextId = 1_000

/** Nothing that these tests do takes long. */
const impatient = ['--patience', '100ms'] as const

async function isClean(...args: readonly string[]): Promise<void> {
  const { code, findings } = await ground.audit(...impatient, ...args)
  assert.deepEqual({ code, findings }, { code: 0, findings: [] })
}

/** The repair says that all is cured; whatever was loaded is then merged. */
async function cures(...args: readonly string[]): Promise<readonly string[]> {
  const { code, repair } = await ground.audit(...impatient, '--repair', ...args)
  assert.equal(code, 0, JSON.stringify(repair, null, 1))
  await ground.settled()
  return repair?.statements ?? []
}

/** What a repair leaves to a person. */
async function leaves(codes: readonly string[], ...args: readonly string[]): Promise<readonly string[]> {
  const { code, repair } = await ground.audit(...impatient, '--repair', ...args)
  assert.equal(code, 3)
  const left = repair?.treatments.filter(({ cured }) => cured === false) ?? []
  assert.deepEqual([...new Set(left.map((one) => one.code))].sort(), codes)
  return left.flatMap(({ words }) => words)
}

/** One more file, with rows of its own. */
async function oneMore(): Promise<string> {
  const known = await ground.files()
  const ids = Array.from({ length: 5 }, () => nextId++)
  await ground.stageMore(ids.map((id) => ({ id, partition: 0 })))
  const fresh = (await ground.files()).filter((file) => !known.includes(file))
  assert.equal(fresh.length, 1)
  return fresh[0] ?? ''
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_200))

before(async () => {
  ground = await openAuditGround()
  await ground.stageMore([1, 2, 3, 4, 5, 6].map((id) => ({ id, partition: id % 2 })))
  await ground.stageMore([
    { id: 1, partition: 1, value: change('UPDATE', 1, 2) },
    { id: 2, partition: 0, value: change('DELETE', 2) },
    { id: 3, partition: 1, value: 'not json' },
  ])
  await ground.settled()
})

after(async () => {
  await ground.down()
  await endGround()
})

describe('an audit', { concurrency: false }, () => {
  beforeEach(() => {
    ground.warehouse().turn({ lose: null, fail: null })
  })

  test('of a healthy system has no findings, deep or not, as text and as JSON', async () => {
    await isClean()
    await isClean('--deep')
    const text = await runAudit(['--config', ground.file, '--deep'])
    assert.equal(text.code, 0)
    assert.match(text.stdout, /files: 4 staged, 4 loaded, 4 merged into RUN\.T0\nno findings\n$/)
    const repaired = await ground.audit(...impatient, '--repair', '--deep')
    assert.deepEqual([repaired.code, repaired.repair?.statements], [0, []])
  })

  test('finds a file that was deleted before it was loaded, at the end of its partition', async () => {
    ground.warehouse().turn({ lose: '.' })
    const file = await oneMore()
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
    await leaves(['STAGE_GAP'])
    await giveUp(file)
    await isClean()
  })

  test('finds a file that was deleted before it was loaded, between others', async () => {
    ground.warehouse().turn({ lose: '.' })
    const file = await oneMore()
    ground.warehouse().turn({ lose: null })
    await oneMore()
    await ground.stage.remove(`${ground.config.stage.prefix}${file}`)
    await ground.settled()
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual(codes, ['STAGE_GAP'])
    assert.deepEqual(
      findings.map(({ offsets }) => offsets),
      [offsetsOf(file)],
    )
    await giveUp(file)
    await isClean()
  })

  test('finds a load that failed, and loads the file by COPY', async () => {
    ground.warehouse().turn({ fail: '.' })
    const file = await oneMore()
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
    await cures()
    await isClean('--deep')
  })

  test('finds a file whose notification was lost, and lets the pipe take it', async () => {
    ground.warehouse().turn({ lose: '.' })
    const files = [await oneMore(), await oneMore()]
    await pause()
    ground.warehouse().turn({ lose: null })
    assert.deepEqual((await ground.audit()).codes, [], 'the default is patient')
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual([codes, findings.map((one) => one.files)], [['FILE_NOT_LOADED'], files.map((file) => [file])])
    const statements = await cures()
    assert.equal(statements.length, 1)
    assert.match(statements[0] ?? '', /^ALTER PIPE \S+ REFRESH PREFIX = 'e1\/00000\/'$/)
    await isClean()
  })

  test('finds rows that are gone from the landing table, and loads their file again', async () => {
    const file = await oneMore()
    await ground.settled()
    await ground
      .session()
      .execute(`DELETE FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${file}' AND file_row_number < 2`)
    await pause()
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual([codes, findings[0]?.files], [['ROWS_MISSING'], [file]])
    await cures()
    await isClean('--deep')
    await ground.session().execute(`DELETE FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${file}'`)
    await pause()
    assert.deepEqual((await ground.audit(...impatient)).codes, ['ROWS_MISSING'])
    await cures()
    await isClean('--deep')
  })

  test('finds rows that a stream has passed by, and lets them come again', async () => {
    const file = await oneMore()
    await until(
      'the load',
      () => ground.one(`SELECT COUNT(*) FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${file}'`),
      (count) => count === '5',
    )
    await ground
      .session()
      .execute(
        `CREATE OR REPLACE STREAM ${ground.names.stream.sql} ON TABLE ${ground.names.landing.sql} APPEND_ONLY = TRUE`,
      )
    await ground.grantAgain(ground.names.stream.sql)
    await pause()
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual([codes, findings[0]?.files, findings[0]?.table], [['ROWS_UNMERGED'], [file], 'RUN.T0'])
    await cures()
    await isClean('--deep')
  })

  test('finds rows that wait for their merge, and merges them', async () => {
    const file = await oneMore()
    await until(
      'the load',
      () => ground.one(`SELECT COUNT(*) FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${file}'`),
      (count) => count === '5',
    )
    await pause()
    assert.deepEqual((await ground.audit(...impatient)).codes, ['ROWS_UNMERGED'])
    assert.match((await cures())[0] ?? '', /^EXECUTE TASK /)
    await isClean()
  })
})

describe('while everything runs', { concurrency: false }, () => {
  test('nothing that is on its way is a finding, deep or not, and a repair disturbs nothing', async () => {
    const run = await startedRun(ground.config, silent)
    try {
      let isOver = false
      const load = (async () => {
        while (!isOver) {
          const ids = Array.from({ length: 20 }, () => nextId++)
          await ground.send(ids.map((id) => ({ id, partition: id % 2 })))
          await ground.merge()
        }
      })()
      for (const args of [[], ['--deep'], ['--repair'], ['--repair', '--deep'], [], ['--deep'], []]) {
        const { code, findings } = await ground.audit(...args)
        assert.deepEqual({ code, findings }, { code: 0, findings: [] })
      }
      isOver = true
      await load
      await untilCommitted(ground.config, ground.topic)
    } finally {
      run.stop()
      await run.done
    }
    await ground.settled()
    await isClean('--deep')
  })
})

describe('a deep audit', { concurrency: false }, () => {
  test('finds a row of the target that was deleted by hand, and brings it back', async () => {
    await ground.session().execute(`DELETE FROM ${ground.names.target} WHERE ID IN ('4', '5')`)
    assert.deepEqual((await ground.audit(...impatient)).codes, [], 'only a deep one looks at rows')
    const { codes, findings } = await ground.audit(...impatient, '--deep')
    assert.deepEqual([codes, findings[0]?.ids], [['TARGET_ROW_MISSING'], ['4', '5']])
    await cures('--deep')
    await isClean('--deep')
  })

  test('finds a row that was changed by hand, shows no content, and leaves it to its owner', async () => {
    await ground.session().execute(`UPDATE ${ground.names.target} SET DATA = TO_VARIANT('secret') WHERE ID = '4'`)
    const { codes, findings, stdout } = await ground.audit(...impatient, '--deep')
    assert.deepEqual([codes, findings[0]?.ids], [['TARGET_ROW_WRONG'], ['4']])
    assert.doesNotMatch(stdout, /secret/)
    const [words = ''] = await leaves(['TARGET_ROW_WRONG'], '--deep')
    assert.match(words, /the owner of the target deletes these rows, then repair again$/)
    await ground.session().execute(`DELETE FROM ${ground.names.target} WHERE ID = '4'`)
    await cures('--deep')
    await isClean('--deep')
  })

  test('finds a row that holds an older change, and one that should be deleted', async () => {
    const { target } = ground.names
    const tombstones = ground.names.tombstones.sql
    await ground.session().execute(`UPDATE ${target} SET _POSITION = '00001..0.0' WHERE ID = '1'`)
    await ground
      .session()
      .execute(
        `INSERT INTO ${target} (ID, DATA, LAST_UPDATED, _POSITION) SELECT '2', DATA, LAST_UPDATED, '00001..0.0' FROM ${target} WHERE ID = '4'`,
      )
    const found = await ground.audit(...impatient, '--deep')
    assert.deepEqual(found.codes, ['TARGET_ROW_KEPT', 'TARGET_ROW_STALE'])
    await leaves(['TARGET_ROW_KEPT'], '--deep')
    await ground.settled()
    await ground.session().execute(`DELETE FROM ${tombstones} WHERE id = '2'`)
    assert.deepEqual((await ground.audit(...impatient, '--deep')).codes, ['TARGET_ROW_KEPT'])
    await cures('--deep')
    await isClean('--deep')
    await ground.session().execute(`DELETE FROM ${tombstones} WHERE id = '2'`)
    assert.deepEqual((await ground.audit(...impatient, '--deep')).codes, ['TOMBSTONE_MISSING'])
    await cures('--deep')
    await isClean('--deep')
  })
})

describe('of the objects', { concurrency: false }, () => {
  test('a suspended task is found and resumed', async () => {
    for (const name of [ground.names.task.sql, ground.names.retention.sql]) {
      await ground.session().execute(`ALTER TASK ${name} SUSPEND`)
      assert.deepEqual((await ground.audit(...impatient)).codes, ['TASK_SUSPENDED'])
      assert.deepEqual(await cures(), [`ALTER TASK ${name} RESUME`])
      await isClean()
    }
  })

  test('a failing task is found with its error, and left to a person', async () => {
    await ground.session().execute(`DROP TABLE ${ground.names.mergeRejects}`)
    const file = await oneMore()
    await until(
      'the load',
      () => ground.one(`SELECT COUNT(*) FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${file}'`),
      (count) => count === '5',
    )
    await ground.merge()
    const { code, codes, findings } = await ground.audit()
    assert.deepEqual([code, codes], [3, ['TASK_FAILING']])
    assert.match(findings[0]?.seen ?? '', /failed: 002003 .*MERGE_REJECTS.*does not exist/)
    const made = renderScripts(await readTemplates(), ground.config).flatMap(({ statements }) => statements)
    const remake = made.find((statement) => statement.includes('.MERGE_REJECTS ('))
    await ground.session().execute(remake ?? '')
    await ground.grantAgain(ground.names.mergeRejects)
    await ground.merge()
    await isClean('--deep')
  })

  test('a paused pipe is found and resumed', async () => {
    await ground.session().execute(`ALTER PIPE ${ground.names.pipe.sql} SET PIPE_EXECUTION_PAUSED = TRUE`)
    assert.deepEqual((await ground.audit(...impatient)).codes, ['PIPE_PAUSED'])
    await oneMore()
    await pause()
    assert.deepEqual((await ground.audit(...impatient)).codes, ['FILE_NOT_LOADED', 'PIPE_PAUSED'])
    await cures()
    await isClean()
  })

  test('a pipe that was made anew is found, told of what waited, and noted', async () => {
    const { pipe } = ground.names
    const scripts = renderScripts(await readTemplates(), ground.config).flatMap(({ statements }) => statements)
    const made = scripts.find((statement) => statement.startsWith(`CREATE PIPE IF NOT EXISTS ${pipe.sql}\n`)) ?? ''
    ground.warehouse().turn({ lose: '.' })
    const file = await oneMore()
    await pause()
    ground.warehouse().turn({ lose: null })
    await ground.session().execute(made.replace('CREATE PIPE IF NOT EXISTS', 'CREATE OR REPLACE PIPE'))
    assert.deepEqual((await ground.audit()).codes, ['PIPE_MISSING'], 'the rights on it went with the former one')
    await ground.grantAgain(pipe.sql)
    const { codes, findings } = await ground.audit()
    assert.deepEqual(codes, ['PIPE_RECREATED'])
    assert.match(findings[0]?.seen ?? '', /has lost its load history$/)
    const { code, repair } = await ground.audit('--repair')
    assert.equal(code, 0)
    assert.deepEqual(
      repair?.statements.map((text) => text.split(' ', 2).join(' ')),
      ['ALTER PIPE', 'UPDATE CDC.FIRN.PIPES'],
    )
    await ground.settled()
    assert.equal(
      await ground.one(
        `SELECT COUNT(DISTINCT file_row_number) FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${file}'`,
      ),
      '5',
    )
    await isClean('--deep')
  })

  test('a pipe that is gone is found', async () => {
    const scripts = renderScripts(await readTemplates(), ground.config).flatMap(({ statements }) => statements)
    await ground.session().execute(`DROP PIPE ${ground.names.pipe.sql}`)
    assert.deepEqual((await ground.audit(...impatient)).codes, ['PIPE_MISSING'])
    await leaves(['PIPE_MISSING'])
    for (const statement of scripts) if (statement.includes('_PIPE_2')) await ground.session().execute(statement)
    assert.deepEqual((await ground.audit(...impatient)).codes, ['PIPE_RECREATED'])
    await cures()
    await isClean()
  })

  test('a stream that is gone is found, with the statement of its owner', async () => {
    await ground.session().execute(`DROP STREAM ${ground.names.stream.sql}`)
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual(codes, ['STREAM_MISSING'])
    await leaves(['STREAM_MISSING'])
    for (const statement of findings[0]?.hint.split(' Run: ')[1]?.split('; ') ?? [])
      await ground.session().execute(statement)
    await ground.merge()
    await isClean('--deep')
  })

  test('a stream that is close to stale is found, and kept fresh by a run of its task', async () => {
    await ground.ageStreams(12)
    assert.deepEqual((await ground.audit(...impatient)).codes, ['STREAM_NEAR_STALE'])
    assert.deepEqual(
      (await ground.audit(...impatient)).codes,
      ['STREAM_NEAR_STALE'],
      'to be looked at does not keep it fresh',
    )
    await cures()
    await isClean()
  })

  test('a stale stream is found, with the statement of its owner', async () => {
    await ground.ageStreams(15)
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual(codes, ['STREAM_STALE'])
    await leaves(['STREAM_STALE'])
    for (const statement of findings[0]?.hint.split(' Run: ')[1]?.split('; ') ?? [])
      await ground.session().execute(statement)
    await ground.merge()
    await isClean('--deep')
  })
})

describe('what cannot be asked', { concurrency: false }, () => {
  const nowhere = 'http://127.0.0.1:1'
  const parts: readonly [name: string, variable: Readonly<Record<string, string>>, code: RegExp, there: RegExp][] = [
    [
      'Snowflake',
      { FIRN_WAREHOUSE_ACCESS_URL: nowhere },
      /WAREHOUSE_UNREACHABLE/,
      /files: \d+ staged, \? loaded, \? merged/,
    ],
    ['the stage', { FIRN_STAGE_ENDPOINT: nowhere }, /STAGE_UNREACHABLE/, /files: \? staged, \d+ loaded, \d+ merged/],
    ['Kafka', { FIRN_KAFKA_BROKERS: '127.0.0.1:1' }, /KAFKA_UNREACHABLE/, /files: \d+ staged, \d+ loaded, \d+ merged/],
  ]
  for (const [name, variable, failure, there] of parts) {
    test(`${name} that does not answer fails the command, hides nothing of the rest, and is no finding`, async () => {
      const { code, stdout, stderr } = await runAudit(['--config', ground.file, ...impatient], variable)
      assert.equal(code, 1)
      assert.match(stderr, failure)
      assert.match(stdout, there)
      assert.match(stdout, /no findings\n$/)
    })
  }

  test('a right that is missing is named, by the statement that gives it', async () => {
    const rights: readonly (readonly [grant: string, args: readonly string[], role: string])[] = [
      [`SELECT ON TABLE ${ground.names.target}`, ['--deep'], 'FIRN_OPERATOR'],
      [`SELECT ON TABLE ${ground.names.tombstones.sql}`, ['--deep'], 'FIRN_OPERATOR'],
      [`SELECT ON TABLE ${ground.names.mergedFiles}`, [], 'FIRN_INGEST'],
    ]
    for (const [right, args, role] of rights) {
      await ground.session().execute(`REVOKE ${right} FROM ROLE ${role}`)
      const { code, codes, stderr } = await ground.audit(...impatient, ...args)
      assert.deepEqual([code, codes], [1, []])
      const grant = `GRANT ${right} TO ROLE ${role}`
      assert.ok(stderr.includes(`Run: ${grant}\n`), stderr)
      assert.equal(stderr.match(/RIGHT_MISSING/g)?.length, 1)
      await ground.session().execute(grant)
      await isClean(...args)
    }
  })

  test('a repair without its rights says so, and leaves all as it was', async () => {
    const { pipe } = ground.names
    await ground.session().execute(`ALTER PIPE ${pipe.sql} SET PIPE_EXECUTION_PAUSED = TRUE`)
    await ground.session().execute(`REVOKE OPERATE ON PIPE ${pipe.sql} FROM ROLE FIRN_OPERATOR`)
    const [words = ''] = await leaves(['PIPE_PAUSED'])
    assert.match(words, /^RIGHT_MISSING: .* Run: GRANT OPERATE ON PIPE \S+ TO ROLE FIRN_OPERATOR$/s)
    await ground.grantAgain(pipe.sql)
    await cures()
    await isClean()
  })
})

test('a wrong use is answered with one that works', async () => {
  for (const args of [['--dry-run'], ['--patience', 'soon']]) {
    const { code, stderr } = await firn(['audit', ...args, '--config', ground.file])
    assert.equal(code, 2)
    assert.match(stderr, /for example: firn audit /)
  }
})

/** `<topic>/e1/00000/<first>-<last>.parquet` → `first-last` without zeros. */
function offsetsOf(file: string): string {
  const [, first = '', last = ''] = /(\d+)-(\d+)\.parquet$/.exec(file) ?? []
  return `${BigInt(first)}-${BigInt(last)}`
}

async function giveUp(file: string): Promise<void> {
  const { code, stderr } = await firn([
    ...['ack-gap', '--config', ground.file, '--topic', ground.topic, '--partition', '0'],
    ...['--offsets', offsetsOf(file), '--discard'],
  ])
  assert.equal(code, 0, stderr)
}
