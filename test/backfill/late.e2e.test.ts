/**
 * What the runbook says of a topic that was begun at its end, and of a table that was added to a topic later: one command
 * each, after which the table is what the source holds.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { configSchema } from '../../src/config.ts'
import { tableNames } from '../../src/warehouse/names.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { type AuditGround, openAuditGround } from '../audit/audit-ground.ts'
import { isClean, pause } from '../audit/audit-trial.ts'
import { endGround } from '../ingest/run-ground.ts'
import { firn } from '../support/firn.ts'
import { equalsSource, openSender, ranBy, type Sender, targetRows, whileMerging } from './backfill-ground.ts'

let ground: AuditGround
let sender: Sender

before(async () => {
  ground = await openAuditGround({ deletes: 'hard', start: 'latest' }, { ingest: { fileRows: 300 } })
  sender = openSender(ground, 5)
  await sender.send(900)
  // The epoch begins here.
  await ground.stageMore([])
  await sender.send(300)
  await ground.stageMore([])
  await ground.settled()
})

after(async () => {
  await ground.down()
  await endGround()
})

test('a topic that was begun with start: latest: firn backfill --from log', async () => {
  const { size } = await targetRows(ground)
  assert.ok(size > 0 && size < sender.source.rows().size)
  const { stored } = await ranBy(ground, '--from', 'log')
  assert.equal(stored.messages, 1_200)
  await pause()
  await isClean(ground, '--deep')
  await equalsSource(ground, sender.source)
})

test('a table that was added when the landing rows were pruned: firn migrate, then firn backfill --from stage', async () => {
  await ground.session().execute(`DELETE FROM ${ground.names.landing.sql} WHERE op <> 'x'`)
  const raw = parse(await readFile(ground.file, 'utf8')) as {
    readonly tables: readonly Readonly<Record<string, unknown>>[]
  }
  const more = { ...raw, tables: [...raw.tables, { ...raw.tables[0], table: 'SHOP.ADDED' }] }
  const file = `${ground.file}-more.yaml`
  await writeFile(file, stringify(more))
  const migrated = await firn(['migrate', '--config', file])
  assert.equal(migrated.code, 0, migrated.stderr)

  const config = configSchema.parse(more)
  const added = config.tables[1]
  assert.ok(added)
  const names = { ...ground.names, ...tableNames(warehouseOf(config), added) }
  const both = { ...ground, file, config, names, table: added }
  await whileMerging(ground, () => ranBy(both, '--from', 'stage'))
  await equalsSource(both, sender.source)
  await equalsSource(ground, sender.source)
})
