import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseStatement, splitStatements } from '../../../../src/local/warehouse/sql/parse-statement.ts'
import type { Column } from '../../../../src/local/warehouse/sql/scope.ts'
import type { Statement } from '../../../../src/local/warehouse/sql/statement.ts'
import { translateCopySelect } from '../../../../src/local/warehouse/sql/translate-copy.ts'
import type { CopyFile } from '../../../../src/local/warehouse/sql/translate-copy.ts'
import { openTestWarehouse } from './translate-scope.ts'
import type { TestWarehouse } from './translate-scope.ts'
import { rendered } from './translate-templates.ts'

let warehouse: TestWarehouse

before(async () => {
  warehouse = await openTestWarehouse()
})

after(() => {
  warehouse.close()
})

const file = (sql: string, columns: readonly string[]): CopyFile => ({
  sql: `(${sql}) AS "F"`,
  columns,
  fileName: "'shop.customers/x.parquet'",
  fileRowNumber: '1',
  fileLastModified: "TIMESTAMP '2024-01-01'",
  fileContentKey: "'key'",
  startScanTime: "TIMESTAMPTZ '2024-01-02 00:00:00+00'",
})

function statementOf<K extends Statement['kind']>(sql: string, kind: K): Extract<Statement, { kind: K }> {
  const statement = parseStatement(sql)
  assert.equal(statement.kind, kind)
  return statement as Extract<Statement, { kind: K }>
}

async function copied(pipe: string, target: readonly Column[], source: CopyFile) {
  const sql = translateCopySelect(statementOf(pipe, 'create pipe').copy, source, target)
  return (await warehouse.connection.runAndReadAll(sql)).getRowObjectsJson()
}

test('the pipe template loads a landing file', async () => {
  const [pipe = ''] = splitStatements(rendered('sql/templates/70_pipe.sql'))
  const [landing = '', added = ''] = splitStatements(rendered('sql/templates/10_landing.sql'))
  const target = [
    ...statementOf(landing, 'create table').columns,
    ...statementOf(added, 'alter table add').columns.map(({ column }) => column),
  ]
  const select = `SELECT 'shop.customers' AS kafka_topic, 3::INTEGER AS kafka_partition, 9007199254740993::BIGINT AS kafka_offset,
    0::INTEGER AS row_index, 'c' AS op, '7' AS id, '{"a": 1.0}' AS after, NULL::VARCHAR AS before`
  const names = ['kafka_topic', 'kafka_partition', 'kafka_offset', 'row_index', 'op', 'id', 'after', 'before']
  const [row] = await copied(pipe, target, file(select, names))
  assert.equal(row?.['KAFKA_OFFSET'], '9007199254740993')
  assert.equal(row['KAFKA_PARTITION'], '3')
  assert.equal(row['AFTER'], '{"a": 1.0}')
  assert.equal(row['BEFORE'], null)
  assert.equal(row['META'], null)
  assert.equal(row['FILE_NAME'], 'shop.customers/x.parquet')
  assert.equal(row['FILE_ROW_NUMBER'], '1')
  assert.equal(row['STAGED_AT'], '2024-01-01 00:00:00')
  assert.equal(Object.keys(row).length, 21)
})

const pipe = (select: string) =>
  `CREATE PIPE p AS COPY INTO t (a) FROM (SELECT ${select} FROM @s/x/) FILE_FORMAT = (FORMAT_NAME = 'f')`
const text: readonly Column[] = [{ name: 'A', type: { kind: 'varchar', length: 3 } }]

test('a column is found by the name as the file spells it', async () => {
  const source = file('SELECT \'x\' AS "Col"', ['Col'])
  assert.deepEqual(await copied(pipe('$1:Col::VARCHAR'), text, source), [{ A: 'x' }])
  assert.deepEqual(await copied(pipe('$1:col::VARCHAR'), text, source), [{ A: null }])
})

test('a value that is too long, or no number, fails the file', async () => {
  const source = file("SELECT 'abcd' AS c", ['c'])
  await assert.rejects(copied(pipe('$1:c'), text, source), /100078/)
  await assert.rejects(copied(pipe('$1:c::NUMBER(5, 0)::VARCHAR'), text, source), /abcd/)
})

test('a column that the table lacks is refused', async () => {
  await assert.rejects(copied(pipe('$1:c'), [], file('SELECT 1 AS c', ['c'])), { code: '000904' })
})
