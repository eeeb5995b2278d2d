/**
 * `firn audit` on the real stack: a healthy system has no findings, and what cannot be asked is told and hides nothing.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { endGround } from '../ingest/run-ground.ts'
import { firn } from '../support/firn.ts'
import { type AuditGround, runAudit } from './audit-ground.ts'
import { cures, impatient, isClean, leaves, openWellGround } from './audit-trial.ts'

let ground: AuditGround

before(async () => {
  ground = await openWellGround()
})

after(async () => {
  await ground.down()
  await endGround()
})

describe('an audit', { concurrency: false }, () => {
  test('of a healthy system has no findings, deep or not, as text and as JSON', async () => {
    await isClean(ground)
    await isClean(ground, '--deep')
    const text = await runAudit(['--config', ground.file, '--deep'])
    assert.equal(text.code, 0)
    assert.match(text.stdout, /files: 4 staged, 4 loaded, 4 merged into RUN\.T0\nno findings\n$/)
    const repaired = await ground.audit(...impatient, '--repair', '--deep')
    assert.deepEqual([repaired.code, repaired.repair?.statements], [0, []])
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
      await isClean(ground, ...args)
    }
  })

  test('a repair without its rights says so, and leaves all as it was', async () => {
    const { pipe } = ground.names
    await ground.session().execute(`ALTER PIPE ${pipe.sql} SET PIPE_EXECUTION_PAUSED = TRUE`)
    await ground.session().execute(`REVOKE OPERATE ON PIPE ${pipe.sql} FROM ROLE FIRN_OPERATOR`)
    const [words = ''] = await leaves(ground, ['PIPE_PAUSED'])
    assert.match(words, /^RIGHT_MISSING: .* Run: GRANT OPERATE ON PIPE \S+ TO ROLE FIRN_OPERATOR$/s)
    await ground.grantAgain(pipe.sql)
    await cures(ground)
    await isClean(ground)
  })
})

test('a wrong use is answered with one that works', async () => {
  for (const args of [['--dry-run'], ['--patience', 'soon']]) {
    const { code, stderr } = await firn(['audit', ...args, '--config', ground.file])
    assert.equal(code, 2)
    assert.match(stderr, /for example: firn audit /)
  }
})
