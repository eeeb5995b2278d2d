/** The view of rejects, and retention, over landing rows put in by hand: what is open, what resolves it, and what stays resolved. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { renderScripts } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { type Fixture, openFixture } from '../local/warehouse/engine/engine-fixture.ts'
import { exampleConfig } from '../support/config.ts'

const landing = 'CDC.FIRN.SHOP_CUSTOMERS_LANDING'
const view = 'CDC.FIRN.SHOP_CUSTOMERS_REJECTS'
const second = 'CDC.FIRN.SHOP_SECOND_REJECTS'
const customers = { topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'] }

type Landed = {
  readonly op: string
  readonly offset: number
  readonly partition?: number
  readonly rowIndex?: number
  readonly revision?: number
  readonly after?: string
  readonly error?: string
  /** from the topic on */
  readonly file: string
  /** a time, for what is stored at another one than loaded; none where it was loaded by the first release */
  readonly stagedAt?: string
  readonly days?: number
}

const live = (first: number, last: number, epoch = 1): string =>
  `e${epoch}/00000/${String(first).padStart(20, '0')}-${String(last).padStart(20, '0')}.parquet`
const ofRun = (first: number, epoch = 1): string => `run-fix/${live(first, first, epoch)}`

async function land(fixture: Fixture, ...rows: readonly Landed[]): Promise<void> {
  const literal = (text: string | undefined): string => (text === undefined ? 'NULL' : `'${text}'`)
  const values = rows.map((row, at) => {
    const { op, offset, partition = 0, rowIndex = 0, revision = 0, after = '{}', error, file, stagedAt, days = 0 } = row
    const isReject = op === 'x'
    const change = isReject
      ? 'NULL, NULL, NULL'
      : `'id ${offset}', '00001.${offset}.${rowIndex}.${revision}', '${after}'`
    return `('shop.customers', ${partition}, ${offset}, 1000, ${rowIndex}, '${op}', ${change},
      ${isReject ? literal(error ?? 'NOT_JSON: it is none') : 'NULL'}, ${isReject ? "'AAEC'" : 'NULL'},
      'firn/shop.customers/${file}', ${at}, DATEADD('day', -${days}, CURRENT_TIMESTAMP()), ${literal(stagedAt)}::TIMESTAMP_NTZ)`
  })
  await fixture.run(
    `INSERT INTO ${landing} (kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index, op, id, position, after,
       error, raw, file_name, file_row_number, load_time, staged_at)
     VALUES ${values.join(', ')}`,
  )
}

async function openTables(t: TestContext, tables: readonly object[] = [customers]): Promise<Fixture> {
  const fixture = await openFixture(t)
  const config = exampleConfig({ tables })
  await fixture.run('USE ROLE FIRN_OWNER')
  for (const { statements } of renderScripts(await readTemplates(), config)) await fixture.run(...statements)
  return fixture
}

async function runTask(fixture: Fixture, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await fixture.run(`EXECUTE TASK CDC.FIRN.SHOP_${name}`)
    await fixture.engine.tasksSettled()
  }
}

/** `epoch partition offset row_index op error` of what is open. */
async function open(fixture: Fixture, name = view): Promise<readonly string[]> {
  const rows = await fixture.rows(
    `SELECT epoch, kafka_partition, kafka_offset, row_index, op, error FROM ${name} ORDER BY 1, 2, 3, 4`,
  )
  return rows.map((row) => row.join(' '))
}

const refused = 'JSON_REFUSED: the warehouse cannot parse before or after'

test('a reject is open until changes of the same epoch, partition and offset have landed', async (t) => {
  const fixture = await openTables(t)
  await land(
    fixture,
    { op: 'x', offset: 1, file: live(0, 9) },
    { op: 'x', offset: 2, file: live(0, 9) },
    { op: 'x', offset: 3, file: ofRun(3, 0) },
    { op: 'c', offset: 4, file: live(0, 9) },
  )
  const all = ['0 0 3 0 x NOT_JSON: it is none', '1 0 1 0 x NOT_JSON: it is none', '1 0 2 0 x NOT_JSON: it is none']
  assert.deepEqual(await open(fixture), all)
  // Other places: another epoch, another partition, another offset.
  await land(
    fixture,
    { op: 'c', offset: 1, file: live(0, 9, 2) },
    { op: 'c', offset: 1, partition: 1, file: live(0, 9) },
    { op: 'c', offset: 3, file: live(0, 9) },
  )
  assert.deepEqual(await open(fixture), all)
  await land(fixture, { op: 'd', offset: 1, rowIndex: 1, revision: 1, file: ofRun(1) })
  assert.deepEqual(await open(fixture), [all[0], all[2]])
  await land(fixture, { op: 'u', offset: 3, file: ofRun(3, 0) })
  assert.deepEqual(await open(fixture), [all[2]])
})

test('what is rejected again is one row, by the file that was stored last, and keeps the time at which it was first seen', async (t) => {
  const fixture = await openTables(t)
  const again = { op: 'x', offset: 1, error: 'KEY_MISSING: no id', file: ofRun(1), stagedAt: '2026-01-02 00:00:00' }
  await land(
    fixture,
    { op: 'x', offset: 1, file: live(0, 9), stagedAt: '2026-01-01 00:00:00', days: 3 },
    { ...again, days: 2 },
    // Loaded once more, after the other.
    { op: 'x', offset: 1, file: live(0, 9), stagedAt: '2026-01-01 00:00:00' },
    { op: 'x', offset: 2, file: live(0, 9) },
    { op: 'x', offset: 2, error: 'NOT_UTF8: no', file: ofRun(2), stagedAt: '2026-01-02 00:00:00' },
  )
  assert.deepEqual(await open(fixture), ['1 0 1 0 x KEY_MISSING: no id', '1 0 2 0 x NOT_UTF8: no'])
  const age = `SELECT DATEDIFF('day', first_seen, SYSDATE()) FROM ${view} WHERE kafka_offset = 1`
  assert.deepEqual(await fixture.rows(age), [['3']])
})

test('what the merge has refused is open until a later revision of the same change has landed', async (t) => {
  const fixture = await openTables(t)
  const broken = { op: 'u', offset: 1, after: '{"n":' }
  await land(fixture, { ...broken, file: live(0, 9) }, { ...broken, rowIndex: 1, file: live(0, 9) })
  await runTask(fixture, 'CUSTOMERS_MERGE')
  // Twice in the books, once in the view.
  await land(fixture, { ...broken, file: live(0, 9) })
  await runTask(fixture, 'CUSTOMERS_MERGE')
  assert.deepEqual(await open(fixture), [`1 0 1 0 u ${refused}`, `1 0 1 1 u ${refused}`])
  await land(
    fixture,
    { op: 'u', offset: 1, revision: 1, file: live(0, 9, 2) },
    { op: 'u', offset: 1, rowIndex: 1, revision: 2, file: ofRun(1) },
  )
  assert.deepEqual(await open(fixture), [`1 0 1 0 u ${refused}`])
  // One that is refused again takes the place of the first.
  await land(fixture, { op: 't', offset: 1, revision: 1, file: ofRun(1) })
  assert.deepEqual(await open(fixture), [])
  await runTask(fixture, 'CUSTOMERS_MERGE')
  assert.deepEqual(await open(fixture), ['1 0 1 0 t OP_UNKNOWN: the merge does not know this op'])
})

test('a file that is not named as Firn names one has no epoch, and its rejects are listed all the same', async (t) => {
  const fixture = await openTables(t)
  await land(fixture, { op: 'x', offset: 1, file: 'by-hand.parquet' }, { op: 'x', offset: 2, file: 'a/b/c.parquet' })
  assert.deepEqual(await open(fixture), [' 0 1 0 x NOT_JSON: it is none', ' 0 2 0 x NOT_JSON: it is none'])
})

test('retention removes what is resolved before what resolves it, for every table of the topic', async (t) => {
  const fixture = await openTables(t, [customers, { ...customers, table: 'SHOP.SECOND' }])
  const merges = ['CUSTOMERS_MERGE', 'SECOND_MERGE']
  await land(
    fixture,
    { op: 'x', offset: 1, file: live(0, 9), days: 50 },
    { op: 'x', offset: 2, file: live(0, 9), days: 50 },
    { op: 'u', offset: 3, after: '{"n":', file: live(0, 9), days: 50 },
  )
  await runTask(fixture, ...merges)
  await land(
    fixture,
    { op: 'c', offset: 1, revision: 1, file: ofRun(1), days: 40 },
    { op: 'u', offset: 3, revision: 1, file: ofRun(3), days: 40 },
    // Its file was loaded again, and what is young is counted by an audit.
    { op: 'x', offset: 4, file: live(4, 4) },
    { op: 'c', offset: 4, revision: 1, file: ofRun(4), days: 40 },
  )
  await runTask(fixture, ...merges)
  const left = ['1 0 2 0 x NOT_JSON: it is none']
  const rows = async () => (await fixture.rows(`SELECT op, kafka_offset FROM ${landing} ORDER BY 2, 1`)).map(String)
  assert.deepEqual([await open(fixture), await open(fixture, second)], [left, left])
  await runTask(fixture, 'CUSTOMERS_RETENTION')
  assert.deepEqual(await rows(), ['x,2', 'c,4', 'x,4'])
  assert.deepEqual([await open(fixture), await open(fixture, second)], [left, left])
  assert.deepEqual(await fixture.rows('SELECT COUNT(*) FROM CDC.FIRN.MERGE_REJECTS'), [['0']])
  await fixture.run(`UPDATE ${landing} SET load_time = DATEADD('day', -40, load_time)`)
  await runTask(fixture, 'SECOND_RETENTION')
  assert.deepEqual(await rows(), ['x,2'])
  assert.deepEqual(await open(fixture), left)
})

test('retention leaves a reject alone that a table of the topic has yet to merge', async (t) => {
  const fixture = await openTables(t, [customers, { ...customers, table: 'SHOP.SECOND' }])
  await land(
    fixture,
    { op: 'x', offset: 1, file: live(0, 9), days: 50 },
    { op: 'c', offset: 1, revision: 1, file: ofRun(1), days: 50 },
  )
  await runTask(fixture, 'CUSTOMERS_MERGE', 'CUSTOMERS_RETENTION')
  assert.deepEqual(await fixture.rows(`SELECT COUNT(*) FROM ${landing}`), [['2']])
  await runTask(fixture, 'SECOND_MERGE', 'CUSTOMERS_RETENTION')
  assert.deepEqual(await fixture.rows(`SELECT COUNT(*) FROM ${landing}`), [['0']])
})
