/**
 * What cannot be applied is accounted for and harms nothing beside it; and what the README says of erasing an id, of tables
 * that have rows already, and of raising a floor is what happens.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { executeTask } from '../support/contract.ts'
import { change, customers, Places } from '../support/places.ts'

let places: Places

before(async () => {
  places = await Places.open()
})

after(() => places.close())

/** A block of SQL in the README that begins so, for a test's database. */
async function readmeSql(begin: string, database: string): Promise<readonly string[]> {
  const text = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const block = [...text.matchAll(/```sql\n([^]*?)```/g)]
    .map(([, sql = '']) => sql)
    .find((sql) => sql.startsWith(begin))
  assert.ok(block, begin)
  return block
    .replace(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim().replaceAll(/\bCDC\b/g, database))
    .filter((statement) => statement !== '')
}

async function merged(name: string) {
  const place = await places.make(name)
  await place.migrate()
  await places.session.execute(`ALTER TASK ${place.merge} SUSPEND`)
  await places.session.execute(`USE SCHEMA ${place.database}.FIRN`)
  let runs = 0
  return { ...place, run: () => executeTask(places.session, 'SHOP_CUSTOMERS_MERGE', ++runs) }
}

describe('what cannot be applied, and what people do by hand', { concurrency: false }, () => {
  test('a reject, JSON that the warehouse refuses, and the longest value: each is accounted for, and the rest is applied', async () => {
    const { put, count, rows, run, landing, target, database } = await merged('LIMITS')
    const long = 'x'.repeat(16 * 2 ** 20)
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    await put(
      0,
      change('c', 'before', 0),
      { op: 'x', error: 'NOT_JSON: it is none', raw: 'AAEC' },
      { ...change('u', 'refused', 2), after: '{"s":"\\ud800"}' },
      { ...change('u', 'broken', 3), before: '{"v":' },
      { ...change('c', 'long', 4), after: `{"id":"long","text":"${long}"}` },
      { ...change('c', 'deep', 5), after: `{"id":"deep","list":${deep}}` },
      change('c', 'after', 6),
    )
    await count(landing, 7)
    assert.equal((await run())['STATE'], 'SUCCEEDED')
    const ids = await rows(`SELECT ID FROM ${target} ORDER BY ID`)
    const refused = await rows(
      `SELECT kafka_offset, SPLIT_PART(error, ':', 1), raw FROM ${database}.FIRN.SHOP_CUSTOMERS_REJECTS ORDER BY kafka_offset`,
    )
    // Whether it parses what is nested so deeply is the warehouse's; it must be one or the other.
    const isDeepApplied = ids.includes('deep')
    assert.deepEqual(
      ids.filter((one) => one !== 'deep'),
      ['after', 'before', 'long'],
    )
    assert.deepEqual(refused, [
      '1 NOT_JSON AAEC',
      '2 JSON_REFUSED ',
      '3 JSON_REFUSED ',
      ...(isDeepApplied ? [] : ['5 JSON_REFUSED ']),
    ])
    assert.deepEqual(await rows(`SELECT LENGTH(DATA:after.text::VARCHAR) FROM ${target} WHERE ID = 'long'`), [
      String(long.length),
    ])
    const counts = `SELECT row_count, reject_count FROM ${database}.FIRN.MERGED_FILES WHERE target_table = 'SHOP.CUSTOMERS'`
    assert.deepEqual(await rows(counts), [`7 ${isDeepApplied ? 3 : 4}`])
  })

  test('an id that was erased is nowhere any more, and no replay brings it back', async () => {
    const { put, count, rows, run, landing, target, database } = await merged('ERASED')
    await put(0, change('c', '4711', 0), change('c', 'other', 1))
    await count(landing, 2)
    await run()
    await put(2, change('d', '4711', 2), { ...change('u', '4711', 3), after: 'no json' })
    await count(landing, 4)
    await run()
    const [files = '', ...statements] = await readmeSql('SELECT DISTINCT file_name', database)
    assert.equal((await rows(files)).length, 2)
    for (const statement of statements) await places.session.execute(statement)
    for (const relation of [target, `${target}_HISTORY`, `${target}_LIVE`]) {
      assert.deepEqual(await rows(`SELECT ID FROM ${relation} ORDER BY ID`), ['other'])
    }
    for (const relation of [landing, `${database}.FIRN.MERGE_REJECTS`]) {
      assert.deepEqual(await rows(`SELECT id FROM ${relation} WHERE id = '4711'`), [])
    }
    await put(4, change('c', '4711', 0), change('c', 'third', 5))
    await count(`${landing} WHERE id = 'third'`, 1)
    await run()
    assert.deepEqual(await rows(`SELECT ID FROM ${target} ORDER BY ID`), ['other', 'third'])
  })

  test('rows that a table had before take no part where a change has come, and are there where none has', async () => {
    const { put, count, rows, run, landing, target, database } = await merged('HAD_ROWS')
    await put(0, change('u', 'changed', 0), change('d', 'deleted', 1))
    await count(landing, 2)
    await run()
    const { session } = places
    await session.execute(
      `CREATE TABLE ${database}.FIRN.MY_EXPORT (ID VARCHAR, ROW_JSON VARIANT, EXPORTED_AT TIMESTAMP_NTZ)`,
    )
    for (const id of ['changed', 'deleted', 'quiet', 'later']) {
      await session.execute(
        `INSERT INTO ${database}.FIRN.MY_EXPORT SELECT '${id}', PARSE_JSON('{"id":"${id}","old":true}'), SYSDATE()`,
      )
    }
    for (const statement of await readmeSql('INSERT INTO CDC.SHOP.CUSTOMERS', database))
      await session.execute(statement)
    await put(2, change('u', 'later', 2))
    await count(landing, 3)
    await run()
    assert.deepEqual(await rows(`SELECT ID, COALESCE(DATA:after.old::VARCHAR, 'new') FROM ${target} ORDER BY ID`), [
      'changed new',
      'later new',
      'quiet true',
    ])
  })

  test('retention prunes what every table has merged long ago, and keeps rejects, what is young, and what is not merged', async () => {
    const { put, count, rows, run, landing, migrate, configure, database } = await merged('RETENTION')
    await configure([customers, { ...customers, table: 'SHOP.SECOND' }])
    await migrate()
    for (const task of ['CUSTOMERS', 'SECOND']) {
      await places.session.execute(`ALTER TASK ${database}.FIRN.SHOP_${task}_MERGE SUSPEND`)
    }
    await put(0, change('c', 'both', 0), { op: 'x', error: 'NOT_JSON: it is none', raw: 'AAEC' })
    await count(landing, 2)
    await run()
    await executeTask(places.session, 'SHOP_SECOND_MERGE')
    await put(2, change('c', 'one table', 2))
    await count(landing, 3)
    await run()
    await put(3, change('c', 'none', 3))
    await count(landing, 4)
    // Merged by both, and young.
    await places.session.execute(`UPDATE ${landing} SET load_time = DATEADD('day', -40, load_time)`)
    await put(4, change('c', 'young', 4))
    await count(landing, 5)
    const left = () => rows(`SELECT COALESCE(id, 'reject') FROM ${landing} ORDER BY kafka_offset`)
    await executeTask(places.session, 'SHOP_CUSTOMERS_RETENTION')
    assert.deepEqual(await left(), ['reject', 'one table', 'none', 'young'])
    // Once both have merged all of it, what is old goes too.
    await run()
    await executeTask(places.session, 'SHOP_SECOND_MERGE', 2)
    await executeTask(places.session, 'SHOP_CUSTOMERS_RETENTION', 2)
    assert.deepEqual(await left(), ['reject', 'young'])
    for (const table of ['CUSTOMERS', 'SECOND']) {
      const ids = await rows(`SELECT ID FROM ${database}.SHOP.${table} ORDER BY ID`)
      assert.deepEqual(ids, ['both', 'none', 'one table', 'young'])
    }
  })

  test('a floor lets tombstones go; what comes below it for a row that is not there is listed, not applied', async () => {
    const { put, count, rows, run, landing, target, database } = await merged('FLOOR')
    await put(0, change('c', 'gone', 0), change('d', 'gone', 1), change('c', 'there', 2))
    await count(landing, 3)
    await run()
    await places.session.execute(`DELETE FROM ${landing} WHERE kafka_offset < 2`)
    for (const statement of await readmeSql('INSERT INTO CDC.FIRN.FLOORS', database))
      await places.session.execute(statement)
    await executeTask(places.session, 'SHOP_CUSTOMERS_RETENTION')
    assert.deepEqual(await rows(`SELECT id FROM ${database}.FIRN.SHOP_CUSTOMERS_TOMBSTONES`), [])
    await put(3, change('c', 'gone', 0), change('u', 'there', 4))
    await count(`${landing} WHERE kafka_offset >= 3`, 2)
    await run()
    assert.deepEqual(await rows(`SELECT ID FROM ${target} ORDER BY ID`), ['there'])
    const listed = `SELECT id, SPLIT_PART(error, ':', 1) FROM ${database}.FIRN.MERGE_REJECTS`
    assert.deepEqual(await rows(listed), ['gone BELOW_FLOOR'])
  })
})
