/**
 * What a backfill refuses, in one line with what to do, before anything is stored; and how a run is held, stopped, gone on
 * with and given up.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { command } from '../../src/commands/backfill.ts'
import { type AuditGround, change, openAuditGround } from '../audit/audit-ground.ts'
import { admin, endGround, folder, recreateTopic, sendIds } from '../ingest/run-ground.ts'
import { startFirn } from '../support/firn.ts'
import { until } from '../support/until.ts'
import { openSender, operate, operator, plannedBy, ranBy, type RunTold } from './backfill-ground.ts'

let ground: AuditGround

before(async () => {
  ground = await openAuditGround({}, { ingest: { fileRows: 100 } })
  await openSender(ground, 1, 200).send(1_500)
  await ground.stageMore([])
  // What the log has lost the stage still has.
  await admin.deleteTopicRecords({ topic: ground.topic, partitions: [{ partition: 0, offset: '100' }] })
  await ground.settled()
})

after(async () => {
  await ground.down()
  await endGround()
})

/** Everything under the ground's prefix, but for who holds a run. */
async function everything(): Promise<string> {
  const hash = createHash('sha256')
  for await (const { key, etag } of ground.stage.list(ground.config.stage.prefix)) {
    if (!key.includes('/holders/')) hash.update(`${key} ${etag ?? ''}\n`)
  }
  return hash.digest('hex')
}

type Refusal = readonly [
  name: string,
  args: readonly string[],
  code: number,
  line: RegExp,
  env?: Record<string, string>,
]

const refusals: readonly Refusal[] = [
  ['an unknown topic', ['--topic', 'nosuch', '--from', 'log'], 2, /USAGE: no table .* topic nosuch; there are run\./],
  ['an unknown source', ['--from', 'kafka'], 2, /--from kafka is none of log, stage, rejects, file; for example: firn/],
  ['no source', [], 2, /--from is missing/],
  ['a partition that is not there', ['--from', 'log', '--partition', '7'], 2, /no partition 7: there are 0 to 1/],
  ['offsets of all partitions', ['--from', 'log', '--offsets', '0-9'], 2, /those of one partition.*add --partition/],
  [
    'offsets that the log has lost',
    ['--from', 'log', '--partition', '0', '--offsets', '50-149'],
    2,
    /offsets 50-149 .* outside of the log, which holds 100-\d+: of these offsets, 100-149 are there; files on the stage hold some of them: firn backfill --topic \S+ --from stage --partition 0 --offsets 50-149/,
  ],
  [
    'offsets that are not there yet',
    ['--from', 'log', '--partition', '1', '--offsets', '900000-900009'],
    2,
    /outside of the log, which holds 0-\d+: it has not come so far yet/,
  ],
  ['a time that is none', ['--from', 'log', '--since', 'yesterday'], 2, /--since yesterday is no time such as/],
  ['a time in which nothing lies', ['--from', 'log', '--since', '2100-01-01T00:00:00Z'], 2, /nothing of topic/],
  ['a revision of copies', ['--from', 'stage', '--revision', '1'], 2, /--revision does not go with --from stage/],
  ['no file', ['--from', 'file'], 2, /--from file needs --file PATH/],
  ['a file that is not there', ['--from', 'file', '--file', '/no/such'], 2, /\/no\/such cannot be read/],
  ['a name with capitals', ['--from', 'log', '--name', 'A'], 2, /small letters, digits and hyphens/],
  ['a name that nobody began', ['--name', 'nobody'], 2, /there is no run nobody .* to go on with/],
  [
    'no rights at Snowflake',
    ['--from', 'log'],
    1,
    /RIGHT_MISSING|WAREHOUSE_DENIED/,
    { FIRN_WAREHOUSE_ROLE: 'FIRN_READER' },
  ],
  [
    'no rights on the stage',
    ['--from', 'log', '--stage-only'],
    1,
    /STAGE_DENIED/,
    { FIRN_STAGE_SECRET_ACCESS_KEY: 'x' },
  ],
  ['no brokers', ['--from', 'log'], 1, /KAFKA_UNREACHABLE/, { FIRN_KAFKA_BROKERS: '127.0.0.1:1' }],
]

describe('refused, and nothing is stored:', () => {
  for (const [name, args, code, line, env = {}] of refusals) {
    test(name, async () => {
      const was = await everything()
      const ended = startFirn(['backfill', ...args, '--config', ground.file], { ...operator, ...env })
      const { code: found, stdout, stderr } = await ended.finished
      assert.deepEqual({ code: found, stdout }, { code, stdout: '' }, stderr)
      assert.match(stderr, line)
      assert.match(stderr, /^firn: [A-Z_]+: [^\n]+\n {2}[^\n]+\n$/)
      assert.equal(await everything(), was)
    })
  }

  test('a file with a line that is no message, and it is named', async () => {
    const path = join(folder, 'bad.jsonl')
    await writeFile(path, '{"key":"1","value":{}}\n{"key":"1","payload":{}}\n')
    const { code, stderr } = await operate(ground, 'backfill', '--from', 'file', '--file', path, '--yes')
    assert.equal(code, 1)
    assert.match(stderr, /LINE_INVALID: .*bad.jsonl, line 2 has a member "payload"; known are key, value/)
  })
})

describe('a run', () => {
  const slow = ['--from', 'log', '--rate', '20', '--no-wait', '--config'] as const

  test('is worked on by one process at a time, and goes on where it was interrupted', async () => {
    const args = ['backfill', '--name', 'slow', ...slow, ground.file, '--json']
    const first = startFirn(args, operator)
    await until(
      'the hold',
      () => ground.stage.head(`${ground.config.stage.prefix}_firn/${ground.topic}/runs/slow.json`),
      Boolean,
    )
    await until('a file', async () => (await ground.files()).some((file) => file.includes('/run-slow/')), Boolean)
    const second = await startFirn(args, operator).finished
    assert.equal(second.code, 1)
    assert.match(second.stderr, /RUN_HELD: the run slow of .* is worked on by process \d+ on /)
    const running = await operate(ground, 'backfill', 'status', 'slow', '--json')
    assert.equal((JSON.parse(running.stdout) as RunTold).state, 'running')

    first.process.kill('SIGTERM')
    const { code, stderr } = await first.finished
    assert.equal(code, 1)
    assert.match(stderr, /RUN_INTERRUPTED: .*\n.* goes on where it stopped. Run: firn backfill --topic \S+ --name slow/)
    const stopped = await operate(ground, 'backfill', 'status', 'slow', '--json')
    assert.equal((JSON.parse(stopped.stdout) as RunTold).state, 'stopped')

    const other = await operate(ground, 'backfill', '--name', 'slow', '--from', 'log', '--partition', '1')
    assert.equal(other.code, 2)
    assert.match(other.stderr, /begun with other parameters: partitions null, not \[1\]/)
    const { stored, state } = await ranBy(ground, '--name', 'slow')
    assert.deepEqual({ messages: stored.messages, state }, { messages: 1_400, state: 'finished' })
    const again = await operate(ground, 'backfill', '--name', 'slow')
    assert.equal(again.code, 0)
    assert.match(again.stderr, /the run slow is finished already/)
  })

  test('of a file goes on by the command that its interruption names', async () => {
    const path = join(folder, 'long.jsonl')
    const lines = Array.from({ length: 400 }, (_, at) => `{"key":"9","value":${change('UPDATE', 90_000 + at)}}\n`)
    await writeFile(path, lines.join(''))
    const asked = ['--from', 'file', '--file', path, '--name', 'imported', '--revision', '1']
    const first = startFirn(['backfill', ...asked, '--rate', '20', '--no-wait', '--config', ground.file], operator)
    await until('a file', async () => (await ground.files()).some((file) => file.includes('/run-imported/')), Boolean)
    first.process.kill('SIGTERM')
    const { code, stderr } = await first.finished
    assert.equal(code, 1)
    const command = /Run: firn backfill (--topic \S+ --name imported --file PATH)$/m.exec(stderr)?.[1] ?? stderr
    const { stored, state } = await ranBy(ground, ...command.replace('PATH', path).split(' '))
    assert.deepEqual({ messages: stored.messages, state }, { messages: 400, state: 'finished' })
  })

  test('that is cancelled ends, and is not gone on with', async () => {
    const run = startFirn(['backfill', '--name', 'given-up', ...slow, ground.file], operator)
    await until('a file', async () => (await ground.files()).some((file) => file.includes('/run-given-up/')), Boolean)
    assert.equal((await operate(ground, 'backfill', 'cancel', 'given-up')).code, 0)
    const { code, stderr } = await run.finished
    assert.equal(code, 2)
    assert.match(stderr, /the run given-up was cancelled/)
    assert.equal((await operate(ground, 'backfill', '--name', 'given-up')).code, 2)
    const { stdout } = await operate(ground, 'backfill', 'list')
    assert.match(stdout, /cancelled .*given-up/)
    assert.match(stdout, /finished .*slow/)
    assert.equal((await operate(ground, 'backfill', 'cancel', 'slow')).code, 2)
  })

  test('of which nobody is sure is planned and asked for where a terminal is attached', async () => {
    const ask = async (answer: string) => {
      const shown: string[] = []
      const terminal = Object.assign(
        new Writable({
          write(chunk: Buffer, _encoding, done) {
            shown.push(chunk.toString())
            if (chunk.toString().includes('[y/N]')) stdin.write(answer)
            done()
          },
        }),
        { isTTY: true },
      )
      const stdin = Object.assign(new PassThrough(), { isTTY: true })
      const io = { stdin, stdout: terminal, stderr: terminal, env: operator, signal: new AbortController().signal }
      const args = ['--from', 'log', '--partition', '1', '--name', 'asked', '--no-wait', '--config', ground.file]
      const code = await command.run(args, io)
      return { code, text: shown.join('') }
    }
    const was = await everything()
    const no = await ask('n\n')
    assert.equal(no.code, 0)
    assert.match(no.text, /plan of backfill asked .*\n.*partition 1 {2}offsets 0-/)
    assert.match(
      no.text,
      /changes {3}RUN\.T0: 0 rows inserted, 0 updated, 0 deleted; [\d,]+ left alone, as new or newer there/,
    )
    assert.match(no.text, /nothing was stored/)
    assert.equal(await everything(), was)
    const yes = await ask('y\n')
    assert.equal(yes.code, 0)
    assert.match(yes.text, /\[#{24}\] 100 %/)
  })
})

describe('below a floor', () => {
  const floor = async (position: string): Promise<void> => {
    await ground
      .session()
      .execute(`INSERT INTO ${ground.names.floors} SELECT '${ground.table.table}', '${position}', SYSDATE(), 'test'`)
  }

  test('a range is refused unless it runs to the end of what was merged', async () => {
    await floor(await ground.one(`SELECT MAX(position) FROM ${ground.names.landing.sql}`))
    const was = await everything()
    const { code, stderr } = await operate(
      ground,
      'backfill',
      '--from',
      'log',
      '--partition',
      '1',
      '--offsets',
      '10-19',
      '--yes',
    )
    assert.equal(code, 1)
    assert.match(stderr, /RANGE_BELOW_FLOOR: what would be replayed begins at 00001\S+, below the floor of RUN\.T0/)
    assert.equal(await everything(), was)
    await plannedBy(ground, '--from', 'log', '--partition', '1')
    await plannedBy(ground, '--from', 'stage')
    const path = join(folder, 'late.jsonl')
    await writeFile(path, '{"key":"1","value":{"operation":"INSERT","before":null,"after":{"id":77777}}}\n')
    const file = await operate(ground, 'backfill', '--from', 'file', '--file', path, '--yes')
    assert.equal(file.code, 1)
    assert.match(file.stderr, /RANGE_BELOW_FLOOR/)
  })
})

test('a topic that was created again is not the log that was staged', async () => {
  await recreateTopic(ground.topic, 2)
  await sendIds(
    ground.topic,
    Array.from({ length: 3_000 }, (_, at) => at),
  )
  const was = await everything()
  const { code, stderr } = await operate(ground, 'backfill', '--from', 'log', '--yes')
  assert.equal(code, 1)
  assert.match(stderr, /LOG_REPLACED: .* another message than the one that was staged/)
  assert.equal(await everything(), was)
})
