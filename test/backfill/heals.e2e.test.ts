/**
 * What the runbook says of a truncated landing table, of a pipe that was dropped and made again, and of a target table that
 * has lost rows: one command each, after which the audit finds nothing.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type AuditGround, openAuditGround } from '../audit/audit-ground.ts'
import { impatient, isClean, pause } from '../audit/audit-trial.ts'
import { endGround } from '../ingest/run-ground.ts'
import { firn } from '../support/firn.ts'
import { equalsSource, openSender, operate, ranBy, type Sender, whileMerging } from './backfill-ground.ts'

let ground: AuditGround
let sender: Sender

before(async () => {
  ground = await openAuditGround({ deletes: 'hard' }, { ingest: { fileRows: 300 } })
  sender = openSender(ground, 3)
  await sender.send(2_000)
  await ground.stageMore([{ id: 9_001, partition: 0, value: 'not json' }])
  await ground.settled()
})

after(async () => {
  await ground.down()
  await endGround()
})

async function finds(...codes: readonly string[]): Promise<void> {
  await pause()
  assert.deepEqual((await ground.audit(...impatient, '--deep')).codes, codes)
}

test('a truncated landing table: firn backfill --from stage', async () => {
  const { landing, rejects } = ground.names
  const rows = await ground.one(`SELECT COUNT(*) FROM ${landing.sql}`)
  await ground.session().execute(`TRUNCATE TABLE ${landing.sql}`)
  await finds('ROWS_MISSING')
  await ranBy(ground, '--from', 'stage')
  assert.equal(await ground.one(`SELECT COUNT(*) FROM ${landing.sql}`), rows)
  assert.equal(await ground.one(`SELECT COUNT(*) FROM ${rejects.sql}`), '1')
  await pause()
  await isClean(ground, '--deep')
  await equalsSource(ground, sender.source)
})

test('a target table that has lost rows, whose landing rows were pruned: firn backfill --from stage', async () => {
  const { landing, target } = ground.names
  await ground.session().execute(`DELETE FROM ${landing.sql} WHERE op <> 'x'`)
  await ground.session().execute(`DELETE FROM ${target} WHERE ID LIKE '%1'`)
  await ranBy(ground, '--from', 'stage')
  await pause()
  await isClean(ground, '--deep')
  await equalsSource(ground, sender.source)
})

test('a target table that was dropped: firn migrate, then firn backfill --from stage', async () => {
  const { target, ledger } = ground.names
  const rows = await ground.one(`SELECT COUNT(*) FROM ${target}`)
  await ground.session().execute(`DROP TABLE ${target}`)
  await ground.session().execute(`DELETE FROM ${ledger} WHERE script LIKE '%target%'`)
  const migrated = await firn(['migrate', '--config', ground.file])
  assert.equal(migrated.code, 0, migrated.stderr)
  assert.equal(await ground.one(`SELECT COUNT(*) FROM ${target}`), '0')
  await ranBy(ground, '--from', 'stage')
  assert.equal(await ground.one(`SELECT COUNT(*) FROM ${target}`), rows)
  await pause()
  await isClean(ground, '--deep')
  await equalsSource(ground, sender.source)
})

test('rows that were changed by hand: firn backfill --from log --revision 1', async () => {
  const { target } = ground.names
  await ground.session().execute(`UPDATE ${target} SET DATA = TO_VARIANT('spoilt') WHERE ID LIKE '%2'`)
  await finds('TARGET_ROW_WRONG')
  await ranBy(ground, '--from', 'log', '--revision', '1')
  await pause()
  await isClean(ground, '--deep')
  await equalsSource(ground, sender.source)
})

test('a pipe that was dropped and made again while files waited: firn audit --repair', async () => {
  const { pipe } = ground.names
  await ground.session().execute(`ALTER PIPE ${pipe.sql} SET PIPE_EXECUTION_PAUSED = TRUE`)
  await sender.send(300)
  await ground.stageMore([])
  await ground.session().execute(`DROP PIPE ${pipe.sql}`)
  await ground.session().execute(`DELETE FROM ${ground.names.ledger} WHERE script LIKE '%pipe%'`)
  const migrated = await firn(['migrate', '--config', ground.file])
  assert.equal(migrated.code, 0, migrated.stderr)
  await pause()
  assert.ok((await ground.audit(...impatient)).codes.includes('PIPE_RECREATED'))
  const repaired = await whileMerging(ground, () => operate(ground, 'audit', '--repair', '--patience', '100ms'))
  assert.ok(repaired.code === 0, repaired.stdout)
  await ground.settled()
  await pause()
  await isClean(ground, '--deep')
  await equalsSource(ground, sender.source)
})
