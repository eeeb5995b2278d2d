/** The merge task at the ends of the calendar. That it converges is test/convergence's, what the SQL says test/contract's. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { renderScripts } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { type Fixture, openFixture } from '../local/warehouse/engine/engine-fixture.ts'
import { exampleConfig } from '../support/config.ts'

type LandingRow = {
  readonly op: string
  readonly id: string | null
  readonly position: string | null
  readonly before: string | null
  readonly after: string | null
  readonly kafkaTimestamp: string | null
}

async function openMerge(t: TestContext): Promise<Fixture> {
  const fixture = await openFixture(t)
  const config = exampleConfig({ tables: [{ topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'] }] })
  await fixture.run('USE ROLE FIRN_OWNER')
  for (const { statements } of renderScripts(await readTemplates(), config)) await fixture.run(...statements)
  return fixture
}

let files = 0

/** Every call is another file; what a file holds may come again in a later one. */
async function land(fixture: Fixture, rows: readonly LandingRow[]): Promise<void> {
  files += 1
  const values = rows.map(
    ({ op, id, position, before, after, kafkaTimestamp }, index) =>
      `('shop.customers', 0, ${index}, ${kafkaTimestamp ?? 'NULL'}, 0, '${op}', ${text(id)}, ${text(position)}, ` +
      `${text(before)}, ${text(after)}, 'file ${files}', ${index}, CURRENT_TIMESTAMP())`,
  )
  await fixture.run(
    `INSERT INTO CDC.FIRN.SHOP_CUSTOMERS_LANDING (kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index,
      op, id, position, before, after, file_name, file_row_number, load_time) VALUES ${values.join(', ')}`,
  )
}

const text = (value: string | null): string => (value === null ? 'NULL' : `'${value}'`)

async function merge(fixture: Fixture): Promise<void> {
  await fixture.run('EXECUTE TASK CDC.FIRN.SHOP_CUSTOMERS_MERGE')
  await fixture.engine.tasksSettled()
}

const target = (fixture: Fixture, columns: string): Promise<readonly (readonly (string | null)[])[]> =>
  fixture.rows(`SELECT ${columns} FROM CDC.SHOP.CUSTOMERS ORDER BY id`)

test('a change without a time, or with one beyond the calendar, is applied as any other', async (t) => {
  const fixture = await openMerge(t)
  const times = { a: null, b: '0', c: '1700000000123', d: '253402300799999', e: '253402300800000', f: '9'.repeat(18) }
  const rows = Object.entries(times).map(([id, kafkaTimestamp]) => {
    return { op: 'c', id, position: '1', before: null, after: '{}', kafkaTimestamp }
  })
  await land(fixture, rows)
  await merge(fixture)
  assert.deepEqual(await target(fixture, 'id, last_updated'), [
    ['a', '0.000000000'],
    ['b', '0.000000000'],
    ['c', '1700000000.123000000'],
    ['d', '253402300799.999000000'],
    ['e', '253402300799.999000000'],
    ['f', '253402300799.999000000'],
  ])
})
