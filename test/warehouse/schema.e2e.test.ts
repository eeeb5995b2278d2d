/**
 * One schema, whichever way leads there: a fresh database, a second run, an upgrade from the first release with rows in
 * every state, and a second table on a topic. What it is stands in golden/schema.txt.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config-source.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { openStage } from '../../src/stage/s3.ts'
import type { Stage } from '../../src/stage/stage.ts'
import { ledgerStatement } from '../../src/warehouse/migrations.ts'
import { renderScripts } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { splitStatements } from '../../src/warehouse/statements.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { firn } from '../support/firn.ts'
import { matchesGolden } from '../support/golden.ts'
import { type LandingFileRow, stageRows } from '../support/landing-file.ts'
import { dumpSchema } from '../support/schema-dump.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const { s3, warehouse } = testStack()
const id = randomBytes(4).toString('hex').toUpperCase()
const topic = 'shop.customers'
const customers = { topic, table: 'SHOP.CUSTOMERS', key: ['id'] }
const firstRelease = new URL('../fixtures/schemas/first-release.sql', import.meta.url)

let folder: string
let session: Session
const databases: string[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-schema-'))
  session = await connectSnowflake(warehouse)
})

after(async () => {
  for (const database of databases) await session.execute(`DROP DATABASE IF EXISTS ${database}`)
  await session.close()
  await rm(folder, { recursive: true })
})

/** A database and a prefix of its own, and what a test does with them. */
async function place(name: string) {
  const database = `SCHEMA_${name}_${id}`
  databases.push(database)
  const file = join(folder, `${name}.yaml`)
  const prefix = `schema-${name}-${id}/`
  const { accessUrl, account, user, password, role, warehouse: compute, storageIntegration } = warehouse
  const login = { accessUrl, account, user, password, role, warehouse: compute, storageIntegration, database }
  const configure = async (tables: readonly object[] = [customers]) => {
    const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3
    const stage = { bucket, prefix, region, endpoint, accessKeyId, secretAccessKey }
    await writeFile(file, stringify({ kafka: { brokers: ['127.0.0.1:1'] }, stage, warehouse: login, tables }))
  }
  await configure()
  return {
    database,
    file,
    prefix,
    configure,
    migrate: async (): Promise<string> => {
      const { code, stdout, stderr } = await firn(['migrate', '--config', file])
      assert.equal(code, 0, stderr)
      return stdout
    },
    dump: () => dumpSchema(session, database),
    rows: async (sql: string) => (await session.query(sql)).map((row) => Object.values(row).join(' ')),
    stage: async <T>(work: (stage: Stage) => Promise<T>): Promise<T> => {
      const stage = openStage({ ...s3, prefix })
      try {
        return await work(stage)
      } finally {
        stage.close()
      }
    },
  }
}

/** By lines, so that a difference can be read. */
function assertSame(found: string, expected: string): void {
  assert.deepEqual(found.split('\n'), expected.split('\n'))
}

const change = (op: string, key: string, at: number): LandingFileRow => ({
  op,
  id: key,
  position: `00001..0.${String(at).padStart(20, '0')}.00000.000000.00000`,
  ...(op === 'd' ? { before: `{"id":"${key}"}` } : { after: `{"id":"${key}","at":${at}}` }),
})

describe('the schema', { concurrency: false }, () => {
  let fresh = ''

  test('of a fresh database is what the golden file says, and a second run changes nothing', async () => {
    const { migrate, dump, file } = await place('FRESH')
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
    const { database, file, migrate, dump, rows, stage, prefix } = await place('UPGRADE')
    const config = loadConfig({ file, env: {} })
    const text = (await readFile(firstRelease, 'utf8'))
      .replaceAll('{{database}}', database)
      .replaceAll('{{stage_url}}', `s3://${s3.bucket}/${prefix}`)
    const stored = renderScripts(await readTemplates(), config).filter(({ name }) => /^V00[012]__/.test(name))
    for (const script of stored) assert.ok(text.includes(script.text), `${script.name} is as it was`)
    for (const statement of splitStatements(text, 'first release')) await session.execute(statement)
    for (const script of stored) await session.execute(ledgerStatement(script, warehouseOf(config), 'first release'))

    // Merged, loaded, waiting at the old pipe, and on the stage alone.
    const merge = `${database}.FIRN.SHOP_CUSTOMERS_MERGE`
    const landing = `${database}.FIRN.SHOP_CUSTOMERS_LANDING`
    const count = (relation: string, least: number) =>
      until(
        `${least} rows of ${relation}`,
        async () => Number((await rows(`SELECT COUNT(*) FROM ${relation}`))[0]),
        (found) => found >= least,
      )
    const put = (first: number, ...list: LandingFileRow[]) =>
      stage((to) => stageRows(to, prefix, { topic, first }, list))
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
    const { database, migrate, rows, stage, prefix, configure } = await place('SECOND')
    await migrate()
    const put = (first: number, ...list: LandingFileRow[]) =>
      stage((to) => stageRows(to, prefix, { topic, first }, list))
    await put(0, change('c', 'a', 0), change('c', 'b', 1))
    const merged = (table: string, least: number) =>
      until(
        `${least} rows of ${table}`,
        async () => {
          await session.execute(`EXECUTE TASK ${database}.FIRN.SHOP_${table}_MERGE`)
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
    const { database, file, dump, rows } = await place('TWICE')
    const both = await Promise.all([firn(['migrate', '--config', file]), firn(['migrate', '--config', file])])
    for (const { code, stderr } of both) assert.equal(code, 0, stderr)
    assertSame(await dump(), fresh)
    const twice = await rows(
      `SELECT script FROM ${database}.FIRN.MIGRATIONS GROUP BY script HAVING COUNT(*) > 1 ORDER BY script`,
    )
    assert.deepEqual(twice, [])
  })
})
