/**
 * One schema, whichever way leads there: a fresh database, a second run, an upgrade from the first release with rows in
 * every state, and a second table on a topic. What it is stands in golden/schema.txt.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { loadConfig } from '../../src/config-source.ts'
import { ledgerStatement } from '../../src/warehouse/migrations.ts'
import { renderScripts } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { splitStatements } from '../../src/warehouse/statements.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { firn } from '../support/firn.ts'
import { matchesGolden } from '../support/golden.ts'
import { change, customers, Places } from '../support/places.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const { s3 } = testStack()
const firstRelease = new URL('../fixtures/schemas/first-release.sql', import.meta.url)

let places: Places

before(async () => {
  places = await Places.open()
})

after(() => places.close())

/** By lines, so that a difference can be read. */
function assertSame(found: string, expected: string): void {
  assert.deepEqual(found.split('\n'), expected.split('\n'))
}

describe('the schema', { concurrency: false }, () => {
  let fresh = ''

  test('of a fresh database is what the golden file says, and a second run changes nothing', async () => {
    const { migrate, dump, file } = await places.make('FRESH')
    await migrate()
    fresh = await dump()
    await matchesGolden('schema.txt', fresh)
    assert.match(await migrate(), /^0 scripts applied, /)
    assertSame(await dump(), fresh)
    const { code, stdout } = await firn(['migrate', '--plan', '--config', file])
    assert.equal(code, 0)
    assert.match(stdout, /^-- 0 scripts to apply, \d+ are there already\n$/)
  })

  test('is the same after an upgrade from the first release, and no row is lost, wherever it was', async () => {
    const { database, file, migrate, dump, rows, put, count, prefix, landing, merge } = await places.make('UPGRADE')
    const config = loadConfig({ file, env: {} })
    const text = (await readFile(firstRelease, 'utf8'))
      .replaceAll('{{database}}', database)
      .replaceAll('{{stage_url}}', `s3://${s3.bucket}/${prefix}`)
    const stored = renderScripts(await readTemplates(), config).filter(({ name }) => /^V00[012]__/.test(name))
    for (const script of stored) assert.ok(text.includes(script.text), `${script.name} is as it was`)
    for (const statement of splitStatements(text, 'first release')) await places.session.execute(statement)
    for (const script of stored) {
      await places.session.execute(ledgerStatement(script, warehouseOf(config), 'first release'))
    }

    // Merged, loaded, waiting at the old pipe, and on the stage alone.
    const { session } = places
    await session.execute(`ALTER TASK ${merge} SUSPEND`)
    await put(0, change('c', 'merged', 0), change('c', 'gone', 1), change('d', 'gone', 2))
    await count(landing, 3)
    await session.execute(`EXECUTE TASK ${merge}`)
    await count(`${database}.SHOP.CUSTOMERS`, 1)
    await put(3, change('u', 'merged', 3), change('u', 'gone', 1))
    await count(landing, 5)
    await session.execute(`ALTER PIPE ${database}.FIRN.SHOP_CUSTOMERS_PIPE SET PIPE_EXECUTION_PAUSED = TRUE`)
    await put(5, change('c', 'waiting', 5))

    await migrate()
    assertSame(await dump(), fresh)
    await put(6, change('c', 'new', 6))
    // The successor loads again what its predecessor had loaded.
    await count(`${landing} WHERE file_name LIKE '%00000000000000000006.parquet'`, 1)
    await count(`${landing} WHERE file_name LIKE '%00000000000000000005.parquet'`, 1)
    await session.execute(`EXECUTE TASK ${merge}`)
    await count(`${database}.SHOP.CUSTOMERS`, 3)
    assert.deepEqual(
      await rows(`SELECT ID, SPLIT_PART(_POSITION, '.', 4)::NUMBER FROM ${database}.SHOP.CUSTOMERS ORDER BY ID`),
      ['merged 3', 'new 6', 'waiting 5'],
    )
    assert.match(await migrate(), /^0 scripts applied, /)
  })

  test('a second table on a topic begins with all rows that landed before', async () => {
    const { database, migrate, rows, put, configure } = await places.make('SECOND')
    await migrate()
    await put(0, change('c', 'a', 0), change('c', 'b', 1))
    const merged = (table: string, least: number) =>
      until(
        `${least} rows of ${table}`,
        async () => {
          await places.session.execute(`EXECUTE TASK ${database}.FIRN.SHOP_${table}_MERGE`)
          return rows(`SELECT ID FROM ${database}.SHOP.${table} ORDER BY ID`)
        },
        ({ length }) => length >= least,
      )
    assert.deepEqual(await merged('CUSTOMERS', 2), ['a', 'b'])
    await configure([customers, { ...customers, table: 'SHOP.CUSTOMERS_SOFT', deletes: 'soft', data: 'row' }])
    await migrate()
    await put(2, change('d', 'a', 2), change('c', 'c', 3))
    assert.deepEqual(await merged('CUSTOMERS_SOFT', 3), ['a', 'b', 'c'])
    const soft = `SELECT ID, COALESCE(_DELETED, FALSE), DATA:id::VARCHAR FROM ${database}.SHOP.CUSTOMERS_SOFT ORDER BY ID`
    assert.deepEqual(await rows(soft), ['a true a', 'b false b', 'c false c'])
    await until(
      'the first table',
      () => merged('CUSTOMERS', 2),
      (ids) => ids.join() === 'b,c',
    )
  })

  test('of two that migrate at once both end well, and it is the same', async () => {
    const { database, file, dump, rows } = await places.make('TWICE')
    const both = await Promise.all([firn(['migrate', '--config', file]), firn(['migrate', '--config', file])])
    for (const { code, stderr } of both) assert.equal(code, 0, stderr)
    assertSame(await dump(), fresh)
    const twice = await rows(
      `SELECT script FROM ${database}.FIRN.MIGRATIONS GROUP BY script HAVING COUNT(*) > 1 ORDER BY script`,
    )
    assert.deepEqual(twice, [])
  })
})
