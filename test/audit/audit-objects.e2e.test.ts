/**
 * `firn audit` on the real stack: each object that is gone, stands still or was made anew is found by its code and no other.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { renderScripts } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { endGround } from '../ingest/run-ground.ts'
import type { AuditGround } from './audit-ground.ts'
import { cures, impatient, isClean, isLoaded, leaves, oneMore, openWellGround, pause } from './audit-trial.ts'

let ground: AuditGround

before(async () => {
  ground = await openWellGround()
})

after(async () => {
  await ground.down()
  await endGround()
})

describe('of the objects', { concurrency: false }, () => {
  test('a suspended task is found and resumed', async () => {
    for (const name of [ground.names.task.sql, ground.names.retention.sql]) {
      await ground.session().execute(`ALTER TASK ${name} SUSPEND`)
      assert.deepEqual((await ground.audit(...impatient)).codes, ['TASK_SUSPENDED'])
      assert.deepEqual(await cures(ground), [`ALTER TASK ${name} RESUME`])
      await isClean(ground)
    }
  })

  test('a failing task is found with its error, and left to a person', async () => {
    await ground.session().execute(`DROP TABLE ${ground.names.mergeRejects}`)
    const file = await oneMore(ground)
    await isLoaded(ground, file)
    await ground.merge()
    const { code, codes, findings } = await ground.audit()
    assert.deepEqual([code, codes], [3, ['TASK_FAILING']])
    assert.match(findings[0]?.seen ?? '', /failed: 002003 .*MERGE_REJECTS.*does not exist/)
    const made = renderScripts(await readTemplates(), ground.config).flatMap(({ statements }) => statements)
    const remake = made.find((statement) => statement.includes('.MERGE_REJECTS ('))
    await ground.session().execute(remake ?? '')
    await ground.grantAgain(ground.names.mergeRejects)
    await ground.merge()
    await isClean(ground, '--deep')
  })

  test('a paused pipe is found and resumed', async () => {
    await ground.session().execute(`ALTER PIPE ${ground.names.pipe.sql} SET PIPE_EXECUTION_PAUSED = TRUE`)
    assert.deepEqual((await ground.audit(...impatient)).codes, ['PIPE_PAUSED'])
    await oneMore(ground)
    await pause()
    assert.deepEqual((await ground.audit(...impatient)).codes, ['FILE_NOT_LOADED', 'PIPE_PAUSED'])
    await cures(ground)
    await isClean(ground)
  })

  test('a pipe that was made anew is found, told of what waited, and noted', async () => {
    const { pipe } = ground.names
    const scripts = renderScripts(await readTemplates(), ground.config).flatMap(({ statements }) => statements)
    const made = scripts.find((statement) => statement.startsWith(`CREATE PIPE IF NOT EXISTS ${pipe.sql}\n`)) ?? ''
    ground.warehouse().turn({ lose: '.' })
    const file = await oneMore(ground)
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
    await isClean(ground, '--deep')
  })

  test('a pipe that is gone is found', async () => {
    const scripts = renderScripts(await readTemplates(), ground.config).flatMap(({ statements }) => statements)
    await ground.session().execute(`DROP PIPE ${ground.names.pipe.sql}`)
    assert.deepEqual((await ground.audit(...impatient)).codes, ['PIPE_MISSING'])
    await leaves(ground, ['PIPE_MISSING'])
    for (const statement of scripts) if (statement.includes('_PIPE_2')) await ground.session().execute(statement)
    assert.deepEqual((await ground.audit(...impatient)).codes, ['PIPE_RECREATED'])
    await cures(ground)
    await isClean(ground)
  })

  test('a stream that is gone is found, with the statement of its owner', async () => {
    await ground.session().execute(`DROP STREAM ${ground.names.stream.sql}`)
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual(codes, ['STREAM_MISSING'])
    await leaves(ground, ['STREAM_MISSING'])
    for (const statement of findings[0]?.hint.split(' Run: ')[1]?.split('; ') ?? [])
      await ground.session().execute(statement)
    await ground.merge()
    await isClean(ground, '--deep')
  })

  test('a stream that is close to stale is found, and kept fresh by a run of its task', async () => {
    await ground.ageStreams(12)
    assert.deepEqual((await ground.audit(...impatient)).codes, ['STREAM_NEAR_STALE'])
    assert.deepEqual(
      (await ground.audit(...impatient)).codes,
      ['STREAM_NEAR_STALE'],
      'to be looked at does not keep it fresh',
    )
    await cures(ground)
    await isClean(ground)
  })

  test('a stale stream is found, with the statement of its owner', async () => {
    await ground.ageStreams(15)
    const { codes, findings } = await ground.audit(...impatient)
    assert.deepEqual(codes, ['STREAM_STALE'])
    await leaves(ground, ['STREAM_STALE'])
    for (const statement of findings[0]?.hint.split(' Run: ')[1]?.split('; ') ?? [])
      await ground.session().execute(statement)
    await ground.merge()
    await isClean(ground, '--deep')
  })
})
