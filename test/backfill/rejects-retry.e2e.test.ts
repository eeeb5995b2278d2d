/**
 * A bug in a dialect makes rejects of messages that are none; once it is mended, `firn rejects retry` lands them, and every
 * message is counted once.
 */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { type AuditGround, openAuditGround } from '../audit/audit-ground.ts'
import { impatient, isClean, pause } from '../audit/audit-trial.ts'
import { endGround, folder, untilCommitted } from '../ingest/run-ground.ts'
import { startFirn } from '../support/firn.ts'
import { equalsSource, openSender, operate, type RunTold, type Sender, whileMerging } from './backfill-ground.ts'

let ground: AuditGround
let sender: Sender

before(async () => {
  ground = await openAuditGround()
  sender = openSender(ground, 7, 120)
  const ingester = startFirn(['run', '--config', ground.file], {}, await spoiltTree())
  await sender.send(1_000)
  await ground.send([
    { id: 9_001, partition: 0, value: 'not json' },
    { id: 9_002, partition: 1, value: '{"operation":"INSERT","before":null,"after":{"name":"no key"}}' },
  ])
  await untilCommitted(ground.config, ground.topic)
  ingester.process.kill('SIGTERM')
  await ingester.finished
  await ground.settled()
})

after(async () => {
  await ground.down()
  await endGround()
})

/** The whole program, with a dialect that does not know updates; its main.ts. */
async function spoiltTree(): Promise<string> {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const tree = await mkdtemp(join(folder, 'spoilt-'))
  for (const part of ['src', 'sql', 'package.json']) await cp(join(root, part), join(tree, part), { recursive: true })
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'))
  const dialect = join(tree, 'src/envelope/plain.ts')
  const text = await readFile(dialect, 'utf8')
  const sound = "['UPDATE', "
  assert.equal(text.split(sound).length, 2)
  await writeFile(dialect, text.replace(sound, "['UPDATED', "))
  return join(tree, 'src/main.ts')
}

const rejects = async () => {
  const { code, stdout } = await operate(ground, 'rejects', 'list', '--json')
  const { groups } = JSON.parse(stdout) as { groups: readonly { code: string; count: number }[] }
  return { code, counts: Object.fromEntries(groups.map((group) => [group.code, group.count])) }
}

const landed = () =>
  ground.one(`SELECT COUNT(DISTINCT kafka_partition || '/' || kafka_offset) FROM ${ground.names.landing.sql}`)

test('retry lands what became changes, leaves the others, and the counts close', async () => {
  const found = await rejects()
  const updates = found.counts['OPERATION_UNKNOWN'] ?? 0
  assert.ok(updates > 100)
  assert.deepEqual(found, { code: 3, counts: { KEY_MISSING: 1, NOT_JSON: 1, OPERATION_UNKNOWN: updates } })
  assert.equal(await landed(), '1002')

  const planned = await operate(ground, 'rejects', 'retry', '--plan', '--json')
  assert.equal(planned.code, 0, planned.stderr)
  const { plan } = JSON.parse(planned.stdout) as { plan: { rows: number; rejectsByCode: Record<string, number> } }
  assert.deepEqual(plan.rejectsByCode, { KEY_MISSING: 1, NOT_JSON: 1 })

  const run = await whileMerging(ground, () =>
    operate(ground, 'rejects', 'retry', '--yes', '--json', '--name', 'mended'),
  )
  assert.equal(run.code, 0, run.stdout + run.stderr)
  const told = JSON.parse(run.stdout) as RunTold
  assert.deepEqual(
    { rows: told.stored.rows, messages: told.stored.messages, rejects: told.stored.rejects, still: told.stillRejected },
    { rows: plan.rows, messages: updates, rejects: 0, still: 2 },
  )
  assert.deepEqual(await rejects(), { code: 3, counts: { KEY_MISSING: 1, NOT_JSON: 1 } })
  assert.equal(await landed(), '1002')
  await equalsSource(ground, sender.source)
  await pause()
  await isClean(ground, '--deep')
})

test('a file of single messages fills no hole', async () => {
  const [victim] = (await ground.files()).filter((file) => !file.includes('/run-'))
  assert.ok(victim !== undefined)
  await ground.stage.remove(`${ground.config.stage.prefix}${victim}`)
  await ground.session().execute(`DELETE FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${victim}'`)
  await ground.session().execute(`DELETE FROM ${ground.names.mergedFiles} WHERE file_name LIKE '%${victim}'`)
  assert.ok((await ground.audit(...impatient)).codes.includes('STAGE_GAP'))
})

test('nothing more to retry is said so', async () => {
  const typo = await operate(ground, 'rejects', 'list', '--code', 'OPERATION_UNKOWN')
  assert.equal(typo.code, 2)
  assert.match(typo.stderr, /--code OPERATION_UNKOWN is none of .*OPERATION_UNKNOWN.*JSON_REFUSED/)
  const { code, stderr } = await operate(ground, 'rejects', 'retry', '--code', 'OPERATION_UNKNOWN', '--yes')
  assert.equal(code, 2)
  assert.match(stderr, /no reject of .* that is open is one that was asked for/)
})
