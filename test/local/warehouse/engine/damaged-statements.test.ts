/** Whatever statement comes in, a session answers with a result or a refusal, and goes on. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitStatements } from '../../../../src/local/warehouse/sql/parse-statement.ts'
import { SqlError } from '../../../../src/local/warehouse/sql/statement.ts'
import { type Fixture, openFixture } from './engine-fixture.ts'

async function answersOrRefuses(f: Fixture, sql: string): Promise<void> {
  try {
    await f.run(sql)
  } catch (error) {
    assert.ok(error instanceof SqlError, `${String(error)} for: ${sql.slice(0, 300)}`)
    assert.notEqual(error.code, '000603', `${error.message} for: ${sql.slice(0, 300)}`)
  }
}

async function goesOn(f: Fixture): Promise<void> {
  await f.run('ROLLBACK')
  assert.deepEqual(await f.rows('SELECT 1'), [['1']])
}

test('long chains of operators are read or refused', async (t) => {
  const f = await openFixture(t)
  const times = 5000
  const row = ' + 1'.repeat(900)
  for (const sql of [
    `SELECT ${'('.repeat(100)}1${`${row})`.repeat(100)}`,
    `SELECT 1${' + 1'.repeat(times)}`,
    `SELECT 1${'::NUMBER'.repeat(times)}`,
    `SELECT TRUE${' AND TRUE'.repeat(times)}`,
    `SELECT 'a'${` || 'a'`.repeat(times)}`,
    `SELECT PARSE_JSON('[]')${'[0]'.repeat(times)}`,
    `SELECT 1${' UNION ALL SELECT 1'.repeat(2000)}`,
    `SELECT 1 WHERE 1 IN (${'1, '.repeat(times)}1)`,
    `SELECT COALESCE(${'1, '.repeat(times)}1)`,
  ]) {
    await answersOrRefuses(f, sql)
    await goesOn(f)
  }
})

test('damaged statements are answered or refused, one after the other', async (t) => {
  const f = await openFixture(t)
  const template = readFileSync(join(import.meta.dirname, '../../../../sql/templates/50_merge.sql'), 'utf8')
  const names: Readonly<Record<string, string>> = { task_compute: 'WAREHOUSE = FIRN_WH', schedule: '1 MINUTE' }
  const [task = ''] = splitStatements(template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => names[name] ?? name))
  const statements = [
    task,
    ...splitStatements(task.slice(task.indexOf('BEGIN TRANSACTION'), task.indexOf('EXCEPTION'))),
    'SELECT id, v:a.b[0]::NUMBER(5, 0) FROM s WHERE v:a IS NOT NULL GROUP BY ALL HAVING COUNT(*) > 1 ORDER BY 1 LIMIT 5',
    'INSERT INTO landing (id, v) SELECT id, v FROM s UNION ALL SELECT 1, NULL',
    'UPDATE landing SET id = id + 1 WHERE id IN (SELECT id FROM s)',
    `ALTER TABLE landing ADD COLUMN IF NOT EXISTS c NUMBER(5, 0) NOT NULL DEFAULT 1`,
    `COPY INTO landing (id) FROM (SELECT $1:id::NUMBER FROM @st/x/) FILES = ('a') FILE_FORMAT = (FORMAT_NAME = 'pq')`,
    `SELECT * FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => 'landing', START_TIME => CURRENT_TIMESTAMP()))`,
  ]
  await f.run(
    'CREATE TABLE landing (id NUMBER, v VARIANT)',
    'CREATE STREAM s ON TABLE landing APPEND_ONLY = TRUE',
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE st URL = 's3://cdc/' STORAGE_INTEGRATION = FIRN_S3`,
  )
  const words = [...new Set(statements.flatMap((sql) => sql.match(/[A-Za-z_$@]\w*|'[^']*'|[^\s\w]/g) ?? []))]
  const damage = fc.tuple(fc.nat(), fc.nat({ max: 12 }), fc.oneof(fc.constantFrom(...words, ''), fc.string()))
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...statements), fc.array(damage, { maxLength: 2 }), async (sql, damages) => {
      let text = sql
      for (const [at, length, put] of damages) {
        const from = at % (text.length + 1)
        text = `${text.slice(0, from)} ${put} ${text.slice(from + length)}`
      }
      await answersOrRefuses(f, text)
    }),
    { numRuns: 300 },
  )
  await goesOn(f)
})
