/** The merge task, run by the development warehouse's engine: what becomes of landing rows, however they arrive. */
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

/** Numbers from 0 up to `limit`, the same again for the same seed. */
function dice(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

/** Changes of a few rows, some of which the warehouse cannot parse, and rejects between them. */
function history(roll: (limit: number) => number): readonly LandingRow[] {
  return Array.from({ length: 150 }, (_, offset) => {
    const op = ['c', 'u', 'u', 'd', 'd', 'r', 'x', 't'][roll(8)] ?? 'c'
    const isChange = op !== 'x' && op !== 't'
    const order = String(roll(9)).padStart(3, '0')
    return {
      op,
      id: isChange ? `row ${roll(25)}` : null,
      position: isChange ? `${order}.${op === 'd' ? 1 : 0}.${String(offset).padStart(5, '0')}` : null,
      before: [null, '{"v":1,"v":2}', '{not json'][roll(3)] ?? null,
      after: op === 'd' ? null : ([`{"v":${offset}}`, null, `{"v":${offset}}`, ''][roll(4)] ?? null),
      kafkaTimestamp: String(offset),
    }
  })
}

/** What the target must hold: of each id the change with the largest position, unless that is a delete. */
function fold(rows: readonly LandingRow[]): readonly (readonly (string | null)[])[] {
  const newest = new Map<string, LandingRow>()
  for (const row of rows) {
    if (row.id === null || row.position === null || row.before === '{not json' || row.after === '') continue
    const known = newest.get(row.id)?.position ?? ''
    if (row.position > known) newest.set(row.id, row)
  }
  return [...newest.values()]
    .filter(({ op }) => op !== 'd')
    .sort((a, b) => ((a.id ?? '') < (b.id ?? '') ? -1 : 1))
    .map(({ op, id, position, before, after }) => {
      const operation = op === 'u' ? 'UPDATE' : 'INSERT'
      const data = `{"after":${after ?? 'null'},"before":${before === null ? 'null' : '{"v":2}'},"operation":"${operation}"}`
      return [id, position, data]
    })
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`in any order, repetition and grouping the same rows give the same table (seed ${seed})`, async (t) => {
    const roll = dice(seed)
    const fixture = await openMerge(t)
    const rows = history(roll)
    const again = Array.from({ length: 60 }, () => rows[roll(rows.length)]).filter((row) => row !== undefined)
    const waiting = [...rows, ...again].map((row) => ({ row, at: roll(1_000_000) })).sort((a, b) => a.at - b.at)
    while (waiting.length > 0) {
      const file = waiting.splice(0, 1 + roll(20))
      await land(
        fixture,
        file.map(({ row }) => row),
      )
      if (roll(2) === 0) await merge(fixture)
    }
    await merge(fixture)
    assert.deepEqual(await target(fixture, 'id, _position, TO_JSON(data)'), fold(rows))
  })
}
