import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseStatement, splitStatements } from '../../../../src/local/warehouse/sql/parse-statement.ts'
import { SqlError } from '../../../../src/local/warehouse/sql/statement.ts'
import type { Statement } from '../../../../src/local/warehouse/sql/statement.ts'
import { rendered, root } from './translate-templates.ts'

const refusal = (sql: string): SqlError => {
  try {
    parseStatement(sql)
  } catch (error) {
    assert(error instanceof SqlError)
    return error
  }
  return assert.fail(`accepted: ${sql}`)
}

function parsed<K extends Statement['kind']>(sql: string, kind: K): Extract<Statement, { kind: K }> {
  const statement = parseStatement(sql)
  assert.equal(statement.kind, kind)
  return statement as Extract<Statement, { kind: K }>
}

const files = ['sql', 'sql/templates'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => `${folder}/${file}`),
)

for (const file of files) {
  test(`every statement of ${file} is in the set`, () => {
    const statements = splitStatements(rendered(file))
    assert(statements.length > 0)
    for (const statement of statements) parseStatement(statement)
  })
}

test('the landing template gives columns with their types', () => {
  const [sql = ''] = splitStatements(rendered('sql/templates/10_landing.sql'))
  const { columns, existing, comment } = parsed(sql, 'create table')
  assert.equal(existing, 'keep')
  assert.equal(comment, 'Landing rows of topic shop.customers')
  const find = (name: string) => columns.find((column) => column.name === name)
  assert.deepEqual(find('KAFKA_OFFSET')?.type, { kind: 'number', precision: 19, scale: 0 })
  assert.deepEqual(find('BEFORE')?.type, { kind: 'varchar', length: 134_217_728 })
  assert.deepEqual(find('OP')?.type, { kind: 'varchar', length: 16_777_216 })
  assert.equal(find('OP')?.nullable, false)
  assert.deepEqual(find('LOAD_TIME')?.type, { kind: 'timestamp_ltz', scale: 9 })
})

test('the task template gives schedule, condition and the statements of its block', () => {
  const [sql = ''] = splitStatements(rendered('sql/templates/50_merge.sql'))
  const task = parsed(sql, 'create task')
  assert.equal(task.existing, 'replace')
  assert.equal(task.warehouse, 'FIRN_WH')
  assert.equal(task.everySeconds, 60)
  assert.equal(task.suspendAfterFailures, 0)
  assert.deepEqual(task.whenStream, ['CDC', 'FIRN', 'SHOP_CUSTOMERS_STREAM'])
  assert.equal(task.condition, "SYSTEM$STREAM_HAS_DATA('CDC.FIRN.SHOP_CUSTOMERS_STREAM')")
  assert(task.definition.startsWith('EXECUTE IMMEDIATE $$') && task.definition.endsWith('$$'))
  assert(task.body.kind === 'execute immediate')
  const kinds = task.body.block.statements.map((statement) => statement.kind)
  assert.deepEqual(kinds, ['begin', 'merge', 'merge', 'insert', 'insert', 'commit'])
  assert.deepEqual(
    task.body.block.handler?.map((statement) => statement.kind),
    ['rollback', 'raise'],
  )
})

test('a task may use managed compute', () => {
  const sql =
    "CREATE TASK t USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE = 'XSMALL' SCHEDULE = '10 SECONDS' AS BEGIN DELETE FROM t; END"
  const task = parsed(sql, 'create task')
  assert.deepEqual([task.warehouse, task.managedSize, task.everySeconds], [null, 'XSMALL', 10])
  assert.equal(task.suspendAfterFailures, 10)
})

test('the pipe template gives stage, path, format and one expression per column', () => {
  const [sql = ''] = splitStatements(rendered('sql/templates/70_pipe.sql'))
  const { copy, autoIngest, definition } = parsed(sql, 'create pipe')
  assert.equal(autoIngest, true)
  assert.deepEqual(copy.stage, ['CDC', 'FIRN', 'STAGE'])
  assert.equal(copy.path, 'shop.customers/')
  assert.deepEqual(copy.fileFormat, ['CDC', 'FIRN', 'LANDING_FORMAT'])
  assert.equal(copy.columns.length, 21)
  assert.equal(copy.expressions.length, 21)
  assert(definition.startsWith('COPY INTO') && definition.endsWith(')'))
})

test('a path in quotes may hold what a bare one may not', () => {
  const sql =
    "CREATE PIPE p AS COPY INTO t (a) FROM (SELECT $1:a FROM '@s/odd (path)/') FILE_FORMAT = (FORMAT_NAME = f)"
  assert.equal(parsed(sql, 'create pipe').copy.path, 'odd (path)/')
})

test('a location with a space in it stands in single quotes, whatever is in double quotes', () => {
  const sql = (location: string) =>
    `CREATE PIPE p AS COPY INTO t (a) FROM (SELECT $1:a FROM ${location}) FILE_FORMAT = (FORMAT_NAME = f)`
  assert.deepEqual(parsed(sql(`'@"Mixed Case".S.F/x/'`), 'create pipe').copy.stage, ['Mixed Case', 'S', 'F'])
  assert.deepEqual(parsed(sql('@"Mixed".S.F/x/'), 'create pipe').copy.stage, ['Mixed', 'S', 'F'])
  assert.throws(() => parseStatement(sql('@"Mixed Case".S.F/x/')), /single quotes/)
})

test('statements of a text end at semicolons outside quotes, comments and blocks', () => {
  const block =
    "CREATE TASK t SCHEDULE = '1 MINUTE' AS BEGIN BEGIN TRANSACTION; SELECT CASE WHEN 1=1 THEN 1 END; COMMIT; END"
  assert.deepEqual(splitStatements(`SELECT ';'; -- ;\n ;EXECUTE IMMEDIATE $$ a; b $$;${block};BEGIN;COMMIT;`), [
    "SELECT ';'",
    'EXECUTE IMMEDIATE $$ a; b $$',
    block,
    'BEGIN',
    'COMMIT',
  ])
})

test('BEGIN starts a transaction where no block follows', () => {
  for (const sql of ['BEGIN', 'BEGIN;', 'BEGIN TRANSACTION', 'BEGIN WORK', 'START TRANSACTION']) {
    assert.equal(parseStatement(sql).kind, 'begin')
  }
  assert.equal(parseStatement('BEGIN DELETE FROM t; END').kind, 'block')
})

test('a MERGE keeps its parts', () => {
  const merge = parsed(
    'MERGE INTO a.b t USING s ON t.id = s.id WHEN MATCHED AND s.d THEN DELETE WHEN MATCHED THEN UPDATE SET t.x = s.x, y = 1 WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)',
    'merge',
  )
  assert.deepEqual([merge.target, merge.targetAlias, merge.source, merge.sourceAlias], [['A', 'B'], 'T', ['S'], null])
  assert.deepEqual(
    merge.clauses.map((clause) => [clause.matched, clause.action.kind, clause.condition?.tokens.length ?? 0]),
    [
      [true, 'delete', 3],
      [true, 'update', 0],
      [false, 'insert', 0],
    ],
  )
})

for (const [sql, expected] of [
  ['ALTER TASK IF EXISTS a.b RESUME', { kind: 'alter task', name: ['A', 'B'], ifExists: true, action: 'resume' }],
  ['EXECUTE TASK a.b', { kind: 'execute task', name: ['A', 'B'] }],
  [
    "ALTER PIPE p REFRESH PREFIX = 'x/'",
    { kind: 'alter pipe refresh', name: ['P'], ifExists: false, prefix: 'x/', modifiedAfterMs: null },
  ],
  [
    'ALTER PIPE p REFRESH',
    { kind: 'alter pipe refresh', name: ['P'], ifExists: false, prefix: null, modifiedAfterMs: null },
  ],
  [
    'ALTER PIPE p SET PIPE_EXECUTION_PAUSED = TRUE',
    { kind: 'alter pipe set', name: ['P'], ifExists: false, paused: true },
  ],
  ["ALTER SESSION SET QUERY_TAG = 'x'", { kind: 'alter session', parameters: { QUERY_TAG: 'x' } }],
  ['USE a.b', { kind: 'use', what: 'schema', name: ['A', 'B'] }],
  ['USE ROLE r', { kind: 'use', what: 'role', name: ['R'] }],
  ['DROP FILE FORMAT IF EXISTS f', { kind: 'drop', what: 'file format', name: ['F'], ifExists: true }],
  [
    "SHOW PIPES LIKE 'x%' IN SCHEMA a.b",
    { kind: 'show', what: 'pipe', like: 'x%', within: { what: 'schema', name: ['A', 'B'] } },
  ],
  ['SHOW TASKS IN ACCOUNT', { kind: 'show', what: 'task', like: null, within: 'account' }],
  [
    'SHOW SCHEMAS IN DATABASE d',
    { kind: 'show', what: 'schema', like: null, within: { what: 'database', name: ['D'] } },
  ],
  ['DESC TABLE "x"."y"', { kind: 'describe', what: 'table', name: ['x', 'y'] }],
  ['TRUNCATE TABLE t', { kind: 'truncate', target: ['T'] }],
  ['ROLLBACK', { kind: 'rollback' }],
] as const) {
  test(`${sql} is in the set`, () => {
    assert.deepEqual(parseStatement(sql), expected)
  })
}

const copy = (select: string, rest = "FILE_FORMAT = (FORMAT_NAME = 'f')") =>
  `CREATE PIPE p AS COPY INTO t (a) FROM (SELECT ${select} FROM @s/x/) ${rest}`

for (const [what, sql, word] of [
  ['a clause of CREATE TABLE', 'CREATE TABLE t (a INT) CLUSTER BY (a)', 'CLUSTER'],
  ['a reserved word as a table', 'CREATE TABLE order (a INT)', 'order'],
  ['a reserved word as a column', 'CREATE TABLE t (a INT, group INT)', 'group'],
  ['a reserved word after a dot', 'INSERT INTO s.table SELECT 1', 'table'],
  ['a table option', 'CREATE TABLE t (a INT) DATA_RETENTION_TIME_IN_DAYS = 1', 'DATA_RETENTION_TIME_IN_DAYS'],
  ['a column constraint', 'CREATE TABLE t (a INT PRIMARY KEY)', 'PRIMARY'],
  ['a transient table', 'CREATE TRANSIENT TABLE t (a INT)', 'TRANSIENT'],
  ['an unknown type', 'CREATE TABLE t (a GEOGRAPHY)', 'GEOGRAPHY'],
  ['a precision beyond 38', 'CREATE TABLE t (a NUMBER(39, 0))', '39'],
  [
    'ON_ERROR = ABORT_STATEMENT in a pipe',
    copy('$1:a', "FILE_FORMAT = (FORMAT_NAME = 'f') ON_ERROR = ABORT_STATEMENT"),
    'ABORT_STATEMENT',
  ],
  ['PURGE in a pipe', copy('$1:a', "FILE_FORMAT = (FORMAT_NAME = 'f') PURGE = TRUE"), 'PURGE'],
  [
    'WHERE in a pipe',
    "CREATE PIPE p AS COPY INTO t (a) FROM (SELECT $1:a FROM @s/x/ WHERE 1 = 1) FILE_FORMAT = (FORMAT_NAME = 'f')",
    'WHERE',
  ],
  ['a function in a pipe', copy('PARSE_JSON($1:a)'), 'PARSE_JSON'],
  ['a nested path in a pipe', copy('$1:a:b'), '$1'],
  [
    'an option of a pipe',
    "CREATE PIPE p INTEGRATION = 'X' AS COPY INTO t (a) FROM (SELECT $1:a FROM @s)",
    'INTEGRATION',
  ],
  ['a file format other than Parquet', 'CREATE FILE FORMAT f TYPE = CSV', 'CSV'],
  ['an unknown file format option', 'CREATE FILE FORMAT f TYPE = PARQUET SKIP_HEADER = 1', 'SKIP_HEADER'],
  ['an option given twice', 'CREATE FILE FORMAT f TYPE = PARQUET TYPE = PARQUET', 'TYPE'],
  ['credentials of a stage', "CREATE STAGE s URL = 's3://b/' CREDENTIALS = (AWS_KEY_ID = 'x')", 'CREDENTIALS'],
  ['a stage of another store', "CREATE STAGE s URL = 'gcs://b/' STORAGE_INTEGRATION = i", "'gcs://b/'"],
  ['a stream of all changes', 'CREATE STREAM s ON TABLE t', '<EOF>'],
  ['a stream on a view', 'CREATE STREAM s ON VIEW v APPEND_ONLY = TRUE', 'VIEW'],
  ['a schedule below ten seconds', "CREATE TASK t SCHEDULE = '9 SECONDS' AS DELETE FROM x", "'9 SECONDS'"],
  [
    'a cron schedule without a zone',
    "CREATE TASK t SCHEDULE = 'USING CRON * * * * *' AS DELETE FROM x",
    "'USING CRON * * * * *'",
  ],
  [
    'a timeout of a task, which nothing would enforce',
    "CREATE TASK t SCHEDULE = '1 MINUTE' USER_TASK_TIMEOUT_MS = 1000 AS DELETE FROM x",
    'USER_TASK_TIMEOUT_MS',
  ],
  ['a task option', "CREATE TASK t SCHEDULE = '1 MINUTE' AFTER other AS DELETE FROM x", 'AFTER'],
  ['another condition of a task', "CREATE TASK t SCHEDULE = '1 MINUTE' WHEN 1 = 1 AS DELETE FROM x", '1'],
  ['OR REPLACE with IF NOT EXISTS', 'CREATE OR REPLACE TABLE IF NOT EXISTS t (a INT)', 'IF'],
  ['a session parameter', 'ALTER SESSION SET USE_CACHED_RESULT = FALSE', 'USE_CACHED_RESULT'],
  ['another time zone', "ALTER SESSION SET TIMEZONE = 'Europe/Berlin'", "'Europe/Berlin'"],
  ['time travel', "SELECT * FROM t AT (TIMESTAMP => '2024-01-01')", '=>'],
  ['USING in a join', 'SELECT * FROM a JOIN b USING (id)', 'USING'],
  ['LATERAL', 'SELECT * FROM a, LATERAL FLATTEN(a.x)', 'LATERAL'],
  ['MERGE by name', 'MERGE INTO t USING s ON t.a = s.a WHEN NOT MATCHED THEN INSERT ALL BY NAME', 'ALL'],
  [
    'a clause after an unconditional one of its kind',
    'MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE WHEN MATCHED THEN DELETE',
    'WHEN',
  ],
  ['a loop in a block', 'BEGIN FOR i IN 1 TO 2 DO DELETE FROM t; END FOR; END', 'FOR'],
  ['RAISE outside a handler', 'BEGIN RAISE; END', 'RAISE'],
  ['another exception', 'BEGIN DELETE FROM t; EXCEPTION WHEN x THEN RAISE; END', 'X'],
  ['a statement outside the set', 'UNDROP TABLE t', 'UNDROP'],
  ['SHOW of something else', 'SHOW WAREHOUSES', 'WAREHOUSES'],
] as const) {
  test(`${what} is refused by name`, () => {
    const error = refusal(sql)
    assert.equal(error.code, '001003')
    assert.equal(error.sqlState, '42000')
    assert(error.message.toUpperCase().includes(`UNEXPECTED '${word.toUpperCase()}'`), error.message)
  })
}

test('a refusal gives line and position', () => {
  const error = refusal('CREATE TABLE t\n  (a INT) CLUSTER BY (a)')
  assert.equal(
    error.message,
    "SQL compilation error:\nsyntax error line 2 at position 10 unexpected 'CLUSTER'.\nThe development warehouse does not know this here.",
  )
})

test('an empty text and a second statement are refused', () => {
  assert.equal(refusal(' -- nothing\n').code, '000900')
  assert.equal(refusal('SELECT 1; SELECT 2').code, '000008')
})

test('deep nesting is refused, not overflowed', () => {
  assert.equal(refusal(`SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`).code, '001003')
  assert.equal(refusal(`SELECT ${'NOT '.repeat(50_000)}TRUE`).code, '001003')
})
