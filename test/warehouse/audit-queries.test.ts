/** The queries of the audit: what a DBA reads of them, and what they find in a target that was tampered with. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { renderQuery, renderScripts } from '../../src/warehouse/render.ts'
import { readAuditTemplates, readTemplates } from '../../src/warehouse/scripts.ts'
import { type Fixture, openFixture } from '../local/warehouse/engine/engine-fixture.ts'
import { exampleConfig } from '../support/config.ts'
import { matchesGolden } from '../support/golden.ts'

const templates = await readAuditTemplates()
const values = { limit: '2', epoch_start: '00001.' }
const modes = [
  { deletes: 'hard', data: 'message' },
  { deletes: 'soft', data: 'row' },
] as const

function configOf(mode: (typeof modes)[number]) {
  const config = exampleConfig({ tables: [{ topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'], ...mode }] })
  const [table] = config.tables
  assert.ok(table)
  return { config, table }
}

test('a reviewer sees the queries for each way to keep a target', async () => {
  const texts = modes.flatMap((mode) => {
    const subject = { ...configOf(mode), values }
    return templates.map(
      ({ file }) =>
        `-- ${file}, ${mode.deletes} deletes, data: ${mode.data}\n\n${renderQuery(templates, file, subject)};\n\n`,
    )
  })
  await matchesGolden('audit-queries.sql', texts.join(''))
})

type Landed = {
  readonly id: string
  readonly op: string
  readonly position: string
  readonly after?: string
  readonly partition?: number
  readonly file?: string
}

/** Each row in a file of its own. */
async function land(fixture: Fixture, rows: readonly Landed[]): Promise<void> {
  const values = rows.map(({ id, op, position, after, partition = 0, file }, at) => {
    const text = after === undefined ? 'NULL' : `'${after}'`
    return `('shop.customers', ${partition}, ${at}, 1000, 0, '${op}', '${id}', '${position}', NULL, ${text}, 'firn/${file ?? `f${at}`}', 0, CURRENT_TIMESTAMP())`
  })
  await fixture.run(
    `INSERT INTO CDC.FIRN.SHOP_CUSTOMERS_LANDING (kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index, op, id,
      position, before, after, file_name, file_row_number, load_time) VALUES ${values.join(', ')}`,
  )
}

/** A table whose landing rows are merged. */
async function openTable(t: TestContext, mode: (typeof modes)[number], rows: readonly Landed[]) {
  const fixture = await openFixture(t)
  const { config, table } = configOf(mode)
  const scripts = renderScripts(await readTemplates(), config)
  await fixture.run(...scripts.flatMap(({ statements }) => statements))
  await land(fixture, rows)
  await fixture.run('EXECUTE TASK CDC.FIRN.SHOP_CUSTOMERS_MERGE')
  await fixture.engine.tasksSettled()
  const query = (file: string) => renderQuery(templates, file, { config, table, values })
  const found = async (): Promise<readonly string[]> =>
    (await fixture.rows(query('10_target.sql'))).map(([code, id, file, mendable, total]) =>
      [code, id, file, mendable, total].join(' '),
    )
  return { fixture, found, unordered: () => fixture.rows(query('20_unordered.sql')) }
}

const target = 'CDC.SHOP.CUSTOMERS'
const tombstones = 'CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES'
const insert = (id: string, position: string): string =>
  `INSERT INTO ${target} (ID, DATA, LAST_UPDATED, _POSITION) SELECT '${id}', TO_VARIANT(1), SYSDATE(), '${position}'`
const raiseFloor = (fixture: Fixture, floor: string): Promise<unknown> =>
  fixture.run(
    `INSERT INTO CDC.FIRN.FLOORS (target_table, floor, raised_at, raised_by) SELECT 'SHOP.CUSTOMERS', '${floor}', SYSDATE(), 'test'`,
  )

const history: readonly Landed[] = [
  { id: 'kept', op: 'c', position: '00001.1', after: '{"n":1}' },
  { id: 'kept', op: 'u', position: '00001.3', after: '{"n":3}' },
  { id: 'kept', op: 'u', position: '00001.4', after: '{"n":' },
  { id: 'gone', op: 'c', position: '00001.1', after: '{"n":1}' },
  { id: 'gone', op: 'd', position: '00001.2' },
]

test('with hard deletes each way in which a target can differ is told', async (t) => {
  const { fixture, found } = await openTable(t, modes[0], history)
  assert.deepEqual(await found(), [])
  await fixture.run(`UPDATE ${target} SET LAST_UPDATED = SYSDATE()`)
  assert.deepEqual(await found(), ['TARGET_ROW_WRONG kept firn/f1 0 1'])
  await fixture.run(`UPDATE ${target} SET _POSITION = '00001.2'`)
  assert.deepEqual(await found(), ['TARGET_ROW_STALE kept firn/f1 1 1'])
  await fixture.run(`UPDATE ${target} SET _POSITION = '00001.5'`)
  assert.deepEqual(await found(), [], 'a newer one may have come by a file that is pruned')
  await fixture.run(`DELETE FROM ${target}`)
  assert.deepEqual(await found(), ['TARGET_ROW_MISSING kept firn/f1 1 1'])
  await fixture.run(`INSERT INTO ${tombstones} (id, position) VALUES ('kept', '00001.5')`)
  assert.deepEqual(await found(), [], 'nor is one that a newer delete has removed')
  await fixture.run(insert('kept', '00001.3'), insert('gone', '00001.1'))
  assert.deepEqual(await found(), ['TARGET_ROW_KEPT gone firn/f4 0 2', 'TARGET_ROW_KEPT kept firn/f1 0 2'])
  await fixture.run(`DELETE FROM ${tombstones}`)
  assert.deepEqual(await found(), ['TARGET_ROW_KEPT gone firn/f4 1 1', 'TARGET_ROW_WRONG kept firn/f1 0 1'])
  await fixture.run(`DELETE FROM ${target}`)
  assert.deepEqual(await found(), ['TARGET_ROW_MISSING kept firn/f1 1 1', 'TOMBSTONE_MISSING gone firn/f4 1 1'])
})

test('below the floor nothing is expected of a row that is not there, and as much as ever of one that is', async (t) => {
  const { fixture, found } = await openTable(t, modes[0], history)
  await raiseFloor(fixture, '00001.9')
  await fixture.run(`DELETE FROM ${tombstones}`, `UPDATE ${target} SET LAST_UPDATED = SYSDATE()`)
  assert.deepEqual(await found(), ['TARGET_ROW_WRONG kept firn/f1 0 1'])
  await fixture.run(`DELETE FROM ${target}`)
  assert.deepEqual(await found(), [])
})

test('with soft deletes a deleted row must be there, and be marked', async (t) => {
  const { fixture, found } = await openTable(t, modes[1], history)
  assert.deepEqual(await found(), [])
  await fixture.run(`UPDATE ${target} SET _DELETED = NULL`)
  assert.deepEqual(await found(), ['TARGET_ROW_WRONG gone firn/f4 0 1'])
  await fixture.run(`DELETE FROM ${target}`)
  assert.deepEqual(await found(), ['TARGET_ROW_MISSING gone firn/f4 1 2', 'TARGET_ROW_MISSING kept firn/f1 1 2'])
})

test('what is loaded and not merged yet is not looked at', async (t) => {
  const { fixture, found } = await openTable(t, modes[0], history)
  await land(fixture, [
    { id: 'kept', op: 'u', position: '00001.6', after: '{"n":6}', file: 'late' },
    { id: 'new', op: 'c', position: '00001.6', after: '{"n":6}', file: 'late' },
  ])
  assert.deepEqual(await found(), [])
})

test('so many rows of a kind are listed, and all are counted', async (t) => {
  const rows = ['a', 'b', 'c', 'd'].map((id) => ({ id, op: 'c', position: '00001.1', after: '{}' }))
  const { fixture, found } = await openTable(t, modes[0], rows)
  await fixture.run(`DELETE FROM ${target} WHERE ID <> 'd'`)
  assert.deepEqual(await found(), ['TARGET_ROW_MISSING a firn/f0 1 3', 'TARGET_ROW_MISSING b firn/f1 1 3'])
})

test('ids whose changes come from several partitions of this epoch are listed', async (t) => {
  const at = (id: string, partition: number, epoch: number) => ({
    id,
    partition,
    op: 'u',
    position: `0000${epoch}.${partition}`,
    after: '{}',
  })
  const rows = [at('a', 0, 1), at('a', 1, 1), at('b', 0, 1), at('b', 0, 1), at('c', 0, 1), at('c', 1, 2)]
  const { unordered } = await openTable(t, modes[0], rows)
  assert.deepEqual(await unordered(), [['a', '1']])
})
