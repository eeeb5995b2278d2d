/**
 * What a plan says is what then happens, to the row and the byte: of a log, of a file, of the stage, on a table that knows
 * newer rows, deleted rows and rows of its own.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type AuditGround, change, openAuditGround } from '../audit/audit-ground.ts'
import { endGround, folder } from '../ingest/run-ground.ts'
import { openSender, operate, plannedBy, ranBy } from './backfill-ground.ts'

type Positions = ReadonlyMap<string, string>

let ground: AuditGround

before(async () => {
  ground = await openAuditGround({}, { ingest: { fileRows: 700 } })
  const sender = openSender(ground, 5, 400)
  await sender.send(3_000)
  await ground.stageMore([
    { id: 9_001, partition: 0, value: 'not json' },
    { id: 9_002, partition: 1, value: '{"operation":"INSERT","before":null,"after":{"name":"no key"}}' },
  ])
  await ground.settled()
})

after(async () => {
  await ground.down()
  await endGround()
})

/** id → position */
async function positions(): Promise<Positions> {
  const rows = await ground.session().query(`SELECT ID, _POSITION AS P FROM ${ground.names.target}`)
  return new Map(rows.map((row) => [String(row['ID']), String(row['P'])]))
}

/** What a run did, as its plan counts it; `ids` are all those of which it brought a change. */
function effectsOf(was: Positions, is: Positions, ids: number) {
  const inserted = [...is.keys()].filter((id) => !was.has(id)).length
  const deleted = [...was.keys()].filter((id) => !is.has(id)).length
  const updated = [...is].filter(([id, position]) => was.has(id) && was.get(id) !== position).length
  return { inserted, updated, deleted, leftAlone: ids - inserted - updated - deleted, belowFloor: 0 }
}

/** Files of the live path do not say how many messages they hold. */
const unknownOfCopies = { messages: 0, rejects: 0, tombstones: 0 }

async function happensAsPlanned(...args: readonly string[]): Promise<ReturnType<typeof effectsOf>> {
  const plan = await plannedBy(ground, ...args)
  const objects = await ground.files()
  const was = await positions()
  const run = await ranBy(ground, ...args)
  assert.deepEqual(run.findings, [])
  const [table] = plan.tables
  assert.ok(table?.effects)
  const ids = Object.values(table.effects).reduce((all, count) => all + count, 0)
  assert.deepEqual(effectsOf(was, await positions(), ids), table.effects)
  const { files, rows, messages, rejects, tombstones } = plan
  const stored = { ...run.stored, ...(args.includes('stage') && unknownOfCopies) }
  // A file's lines are numbered by the second in which the run begins, which may pack into a few bytes more.
  const bytes = args.includes('file') ? stored.bytes : plan.bytes
  assert.deepEqual({ files, bytes, rows, messages, rejects, tombstones }, stored)
  assert.equal((await ground.files()).length - objects.length, files)
  assert.deepEqual({ loaded: run.loaded?.rows, merged: run.merged[0]?.came?.rows }, { loaded: rows, merged: rows })
  return table.effects
}

test('a plan stores nothing', async () => {
  const objects = await ground.files()
  const plan = await plannedBy(ground, '--from', 'log')
  assert.deepEqual(await ground.files(), objects)
  assert.equal(plan.messages, 3_002)
  assert.deepEqual(plan.rejectsByCode, { NOT_JSON: 1, KEY_MISSING: 1 })
  const { code, stdout } = await operate(ground, 'backfill', 'list')
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'there are no runs\n' })
})

test('of a whole log on a table that has it: everything is left alone', async () => {
  const { leftAlone, ...rest } = await happensAsPlanned('--from', 'log')
  assert.ok(leftAlone > 300)
  assert.deepEqual(rest, { inserted: 0, updated: 0, deleted: 0, belowFloor: 0 })
})

test('of a slice, on a table that has lost rows, and rows of which were set back', async () => {
  const { target } = ground.names
  await ground.session().execute(`DELETE FROM ${target} WHERE ID IN (SELECT ID FROM ${target} ORDER BY ID LIMIT 20)`)
  await ground
    .session()
    .execute(`UPDATE ${target} SET _POSITION = '' WHERE ID IN (SELECT ID FROM ${target} ORDER BY ID DESC LIMIT 30)`)
  const { inserted, updated } = await happensAsPlanned('--from', 'log', '--partition', '0,1')
  assert.deepEqual({ inserted, updated }, { inserted: 20, updated: 30 })
})

test('of a slice with a revision: its rows beat their former selves, where nothing is newer', async () => {
  const { updated, deleted, inserted } = await happensAsPlanned('--from', 'log', '--partition', '1', '--revision', '2')
  assert.ok(updated > 100)
  // Deletes beat their tombstones too: nothing is there to be deleted.
  assert.deepEqual({ deleted, inserted }, { deleted: 0, inserted: 0 })
})

test('of a file: it goes below all that the log says', async () => {
  const known = [...(await positions()).keys()].slice(0, 10)
  const lines = [
    ...known.map((id) => `{"key":"${id}","value":${change('UPDATE', Number(id), 77)}}`),
    ...Array.from({ length: 500 }, (_, at) => `{"key":null,"value":${change('INSERT', 20_000 + at)}}`),
    '',
    `{"key":"20001","value":${JSON.stringify(change('UPDATE', 20_001, 5))},"timestamp":"2026-01-31T00:00:00Z"}`,
    `{"key":"20002","value":${change('DELETE', 20_002)}}`,
    '{"key":"x","value":{"no":"envelope"}}',
    '{"key":"x","value":null}',
  ]
  const path = join(folder, 'export.jsonl.gz')
  await writeFile(path, gzipSync(`${lines.join('\n')}\n`))
  const effects = await happensAsPlanned('--from', 'file', '--file', path)
  assert.deepEqual(effects, { inserted: 499, updated: 0, deleted: 0, leftAlone: 11, belowFloor: 0 })
  const row = await ground.one(`SELECT DATA:after:n FROM ${ground.names.target} WHERE ID = '20001'`)
  assert.equal(row, '5')
  assert.equal(
    await ground.one(`SELECT TO_VARCHAR(LAST_UPDATED) FROM ${ground.names.target} WHERE ID = '20001'`),
    '2026-01-31 00:00:00.000',
  )
})

test('of the stage, after rows were lost: what was imported comes back too', async () => {
  await ground.session().execute(`DELETE FROM ${ground.names.target} WHERE ID IN ('20005', '20006')`)
  const before = (await ground.files()).filter((file) => !file.includes('/run-') || file.includes('/e0/')).length
  const { inserted } = await happensAsPlanned('--from', 'stage')
  assert.equal(inserted, 2)
  assert.ok(before > 4)
})
