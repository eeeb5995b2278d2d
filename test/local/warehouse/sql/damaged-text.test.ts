/** Whatever text comes in, the parser answers with a statement or with a refusal of the protocol, never with a crash. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseStatement, splitStatements } from '../../../../src/local/warehouse/sql/parse-statement.ts'
import { SqlError } from '../../../../src/local/warehouse/sql/statement.ts'
import { rendered } from './translate-templates.ts'

/** Every statement of sql/, as migrations send them. */
const statements = ['sql', 'sql/templates'].flatMap((dir) =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.sql'))
    .flatMap((name) => [...splitStatements(rendered(`${dir}/${name}`))]),
)

function refusesOrReads(sql: string): void {
  for (const read of [parseStatement, splitStatements]) {
    try {
      read(sql)
    } catch (error) {
      assert.ok(error instanceof SqlError, `${String(error)} for: ${sql.slice(0, 300)}`)
      assert.match(error.code, /^\d{6}$/)
      assert.match(error.sqlState, /^[0-9A-Z]{5}$/)
    }
  }
}

test('the statements that are to be damaged are all in the set', () => {
  assert.ok(statements.length > 10)
  for (const sql of statements) parseStatement(sql)
})

test('a statement that is cut off anywhere is refused or read', () => {
  for (const sql of statements) {
    for (let end = 0; end < sql.length; end += 1) refusesOrReads(sql.slice(0, end))
  }
})

const anyStatement = fc.constantFrom(...statements)
const words = [...new Set(statements.flatMap((sql) => sql.match(/[A-Za-z_$@]\w*|'[^']*'|[^\s\w]/g) ?? []))]
const odd = [
  '?',
  ':1',
  '$1',
  '@',
  '$$',
  "'",
  '"',
  '/*',
  '--',
  '\\',
  '\u0000',
  '\ud800',
  '😀',
  '1e999',
  '9'.repeat(400),
  'COPY INTO t (a) FROM (SELECT $1:a FROM @s)',
  'ALTER TABLE t ADD COLUMN',
  'ALTER PIPE p REFRESH',
  'FILES = (',
  'USING CRON',
]
const anyWord = fc.oneof(fc.constantFrom(...words), fc.constantFrom(...odd), fc.string())

test('a statement that is damaged in places is refused or read', () => {
  const damage = fc.tuple(fc.nat(), fc.nat({ max: 20 }), anyWord)
  fc.assert(
    fc.property(anyStatement, fc.array(damage, { minLength: 1, maxLength: 4 }), (sql, damages) => {
      let text = sql
      for (const [at, length, put] of damages) {
        const from = at % (text.length + 1)
        text = text.slice(0, from) + put + text.slice(from + length)
      }
      refusesOrReads(text)
    }),
    { numRuns: 2000 },
  )
})

test('words in any order are refused or read', () => {
  fc.assert(
    fc.property(fc.array(anyWord, { maxLength: 40 }), fc.constantFrom(' ', '', '\n'), (text, gap) => {
      refusesOrReads(text.join(gap))
    }),
    { numRuns: 2000 },
  )
})

test('nothing is nested so deep that it takes the parser down', () => {
  const times = 20_000
  const deep = [
    `SELECT ${'('.repeat(times)}1`,
    `SELECT ${'- '.repeat(times)}1`,
    `SELECT ${'NOT '.repeat(times)}TRUE`,
    `SELECT ${'CASE WHEN '.repeat(times)}1`,
    `SELECT ${'f('.repeat(times)}1`,
    `SELECT 1${' + 1'.repeat(times)}`,
    `SELECT 1${'::NUMBER'.repeat(times)}`,
    `SELECT TRUE${' AND TRUE'.repeat(times)}`,
    `SELECT a${'[0]'.repeat(times)}`,
    `${'('.repeat(times)}SELECT 1`,
    `SELECT 1${' UNION ALL SELECT 1'.repeat(times)}`,
    `SELECT * FROM ${'(SELECT * FROM '.repeat(times)}t`,
    'BEGIN '.repeat(times),
    'BEGIN DELETE FROM t; '.repeat(times),
    `EXECUTE IMMEDIATE ${'$$ BEGIN '.repeat(times)}`,
    `CREATE TASK t SCHEDULE = '1 MINUTE' AS ${"CREATE TASK t SCHEDULE = '1 MINUTE' AS ".repeat(2000)}`,
  ]
  for (const sql of deep) refusesOrReads(sql)
})
