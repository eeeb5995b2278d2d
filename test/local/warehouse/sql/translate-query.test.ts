import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openTestWarehouse } from './translate-scope.ts'
import type { TestWarehouse } from './translate-scope.ts'

let warehouse: TestWarehouse

before(async () => {
  warehouse = await openTestWarehouse()
  await warehouse.run(
    'CREATE TABLE t (id NUMBER(10, 0), name VARCHAR(5), data VARIANT, at TIMESTAMP_NTZ, price NUMBER(10, 2), "Mixed" BOOLEAN)',
  )
  await warehouse.run(`
    INSERT INTO t (id, name, data, at, price)
    SELECT 1, 'abc',
      PARSE_JSON('{"after":{"id":12345678901234567890123,"s":"x\\\\ny","n":null,"list":[1,2.50,{"k":1e2}],"Key":7}}'),
      TO_TIMESTAMP_NTZ(1700000000123, 3), 2.50`)
  await warehouse.run("INSERT INTO t (id, name) VALUES (2, 'b'), (3, NULL)")
})

after(() => {
  warehouse.close()
})

/** What a query answers; DuckDB gives numbers of more than a double's digits as text. */
function answers(sql: string, rows: readonly (readonly unknown[])[]): void {
  test(sql, async () => {
    assert.deepEqual(await warehouse.run(sql), rows)
  })
}

function refuses(sql: string, code: string, text: string): void {
  test(`${sql} is refused with ${code}`, async () => {
    await assert.rejects(warehouse.run(sql), (error) => {
      assert(error instanceof Error && 'code' in error, String(error))
      assert.equal(error.code, code, error.message)
      assert(error.message.includes(text), error.message)
      return true
    })
  })
}

describe('VARIANT', () => {
  answers('SELECT data:after:id::NUMBER(38, 0) FROM t WHERE id = 1', [['12345678901234567890123']])
  answers("SELECT data['after']['s']::VARCHAR, data:after.s FROM t WHERE id = 1", [['x\ny', '"x\\ny"']])
  answers('SELECT data:after:list[1]::VARCHAR, data:after:list[2]:k::FLOAT FROM t WHERE id = 1', [['2.5', 100]])
  answers('SELECT data:after:Key::NUMBER, data:after:KEY::NUMBER FROM t WHERE id = 1', [['7', null]])
  answers('SELECT data:after:n::VARCHAR, data:after:n IS NULL, data:after:nope IS NULL FROM t WHERE id = 1', [
    [null, false, true],
  ])
  answers("SELECT id FROM t WHERE data:after:s = 'x\\ny'", [['1']])
  answers(
    `SELECT OBJECT_CONSTRUCT_KEEP_NULL('b', NULL, 'a', 1.50, 'c', TRUE, 'd', 'x"y'), OBJECT_CONSTRUCT('b', NULL, 'a', 1)`,
    [['{"a":1.5,"b":null,"c":true,"d":"x\\"y"}', '{"a":1}']],
  )
  answers("SELECT TYPEOF(PARSE_JSON('1.5')), IS_NULL_VALUE(PARSE_JSON('null')), ARRAY_SIZE(PARSE_JSON('[1,[2,3]]'))", [
    ['DECIMAL', true, '2'],
  ])
  answers("SELECT 5::VARIANT, 'x'::VARIANT, TRUE::VARIANT, 1.5::FLOAT::VARIANT, '2024-01-02'::DATE::VARIANT", [
    ['5', '"x"', 'true', '1.500000000000000e+00', '"2024-01-02"'],
  ])
  answers('SELECT TO_JSON(PARSE_JSON(\'{"b": 1, "a": 2}\'))', [['{"a":2,"b":1}']])
  answers(
    "SELECT TRY_PARSE_JSON('{bad', 'd'), TRY_PARSE_JSON('{\"a\":1,\"a\":2}', 'd'), TRY_PARSE_JSON('{\"a\":1,\"a\":2}')",
    [[null, '{"a":2}', null]],
  )
  refuses("SELECT PARSE_JSON('{bad')", '100069', 'Error parsing JSON')
  refuses('SELECT data = 5 FROM t', '001044', 'VARIANT, NUMBER(1,0)')
  refuses('SELECT data < data FROM t', '001044', 'VARIANT')
  refuses('SELECT id FROM t ORDER BY data', '001044', 'VARIANT')
  refuses('SELECT MAX(data) FROM t', '001044', 'VARIANT')
  refuses('SELECT name:x FROM t', '001044', 'VARCHAR(5)')
  refuses('SELECT data:after::NUMBER FROM t WHERE id = 1', '100071', 'Failed to cast variant value')
})

describe('numbers', () => {
  answers('SELECT id / 7, id * id, id % 2, -id, id - 0.5 FROM t WHERE id = 2', [['0.285714', '4', '0', '-2', '1.5']])
  answers('SELECT 2147483647 + 1, 12345678901234567890123456789012345678, 1.50, 1e2', [
    ['2147483648', '12345678901234567890123456789012345678', '1.50', 100],
  ])
  answers(
    'SELECT 99999999999999999999::NUMBER(38, 0) * 99999999999999999',
    [['9999999999999999899900000000000000000']].map(() => [String(99999999999999999999n * 99999999999999999n)]),
  )
  answers("SELECT '12' = 12, 12 = '12.0', '1.5'::NUMBER(38, 0), 2.5::NUMBER(10, 0), TRY_CAST('x' AS NUMBER)", [
    [true, true, '2', '3', null],
  ])
  answers("SELECT ABS(-5), ROUND(2.567, 1), FLOOR(2.5), CEIL(-2.5), TO_NUMBER('12.5', 10, 1)", [
    ['5', '2.6', '2', '-2', '12.5'],
  ])
  answers('SELECT 1.50::VARCHAR, 1.5::FLOAT::VARCHAR, 1::FLOAT::VARCHAR, TRUE::VARCHAR, 1::BOOLEAN, TRUE::NUMBER', [
    ['1.50', '1.5', '1', 'true', true, '1'],
  ])
  refuses('SELECT 1 / 0', '100051', 'Division by zero')
  refuses("SELECT 12 = '12.5'", '100038', "Numeric value '12.5' is not recognized")
  refuses('SELECT TRY_CAST(1 AS VARCHAR)', '001065', 'TRY_CAST')
  refuses("SELECT 'a' + 1", '001044', 'VARCHAR(1)')
})

describe('text and time', () => {
  answers(
    "SELECT SPLIT_PART('a.b', '.', 2), SUBSTR('hello', 2, 3), CONCAT('a', NULL), 'a' || 1, TRIM(' x '), LENGTH('a😀')",
    [['b', 'ell', null, 'a1', 'x', '2']],
  )
  answers("SELECT 'a_b' LIKE 'a!_%' ESCAPE '!', 'AB' ILIKE 'a%', 'ab' NOT LIKE 'b%', STARTSWITH('ab', 'a')", [
    [true, true, true, true],
  ])
  answers("SELECT 'it''s' || '\\\\', $$it's$$", [["it's\\", "it's"]])
  answers('SELECT at::VARCHAR, at::DATE::VARCHAR FROM t WHERE id = 1', [['2023-11-14 22:13:20.123', '2023-11-14']])
  answers("SELECT at > '2023-11-14', TO_TIMESTAMP_NTZ(1700000000), DATEADD(hour, -1, at) FROM t WHERE id = 1", [
    [true, '2023-11-14 22:13:20', '2023-11-14 21:13:20.123'],
  ])
  answers(
    "SELECT DATEDIFF('hour', '2024-01-01'::TIMESTAMP_NTZ, '2024-01-02'::TIMESTAMP_NTZ), DATEADD(day, 1, '2024-01-31'::DATE)",
    [['24', '2024-02-01']],
  )
  answers("SELECT SYSDATE() > '2024-01-01', CURRENT_TIMESTAMP > '2024-01-01', CURRENT_TIMESTAMP() IS NOT NULL", [
    [true, true, true],
  ])
  answers("SELECT SPLIT_PART('a/b/c', '/', -3), SPLIT_PART('a/b/c', '/', -1), SPLIT_PART('a/b', '/', -3)", [
    ['a', 'c', ''],
  ])
  answers("SELECT CONVERT_TIMEZONE('UTC', '2024-01-01T12:00:00+02:00'::TIMESTAMP_LTZ)::TIMESTAMP_NTZ", [
    ['2024-01-01 10:00:00'],
  ])
  refuses("SELECT CONVERT_TIMEZONE('Europe/Berlin', CURRENT_TIMESTAMP())", '001044', 'CONVERT_TIMEZONE')
  refuses("SELECT CONVERT_TIMEZONE('UTC', SYSDATE())", '001044', 'TIMESTAMP_NTZ')
  answers("SELECT 'abc'::VARCHAR(3), name::VARCHAR(5) FROM t WHERE id = 1", [['abc', 'abc']])
  refuses("SELECT 'abcd'::VARCHAR(3)", '100078', "String 'abcd' is too long")
})

describe('queries', () => {
  answers('SELECT id FROM t ORDER BY name', [['1'], ['2'], ['3']])
  answers('SELECT id FROM t ORDER BY name DESC', [['3'], ['2'], ['1']])
  answers('SELECT id FROM t ORDER BY name DESC NULLS LAST LIMIT 1 OFFSET 1', [['1']])
  answers('SELECT * FROM t WHERE id = 2', [['2', 'b', null, null, null, null]])
  answers('SELECT u.*, t."Mixed" FROM t JOIN (SELECT 7 AS x) u ON TRUE WHERE t.id = 2', [['7', null]])
  answers('WITH a(n) AS (SELECT id FROM t), b AS (SELECT n + 1 AS m FROM a) SELECT MAX(m) FROM b', [['4']])
  answers('SELECT a.id, b.name FROM t a LEFT JOIN t b ON b.id = a.id - 1 ORDER BY 1', [
    ['1', null],
    ['2', 'abc'],
    ['3', 'b'],
  ])
  answers('SELECT id FROM t a WHERE EXISTS (SELECT 1 FROM t b WHERE b.id = a.id AND b.name IS NULL)', [['3']])
  answers('SELECT id, (SELECT MAX(id) FROM t) FROM t WHERE id IN (SELECT id FROM t WHERE id < 2)', [['1', '3']])
  answers('SELECT id IN (1, 2), id NOT IN (1), id BETWEEN 2 AND 3, id NOT BETWEEN 2 AND 3 FROM t WHERE id = 1', [
    [true, false, false, true],
  ])
  answers('SELECT id AS n, n + 1 FROM t WHERE n > 2', [['3', '4']])
  answers('SELECT name, COUNT(*) FROM t GROUP BY name HAVING COUNT(*) > 0 ORDER BY COUNT(*) DESC, name', [
    ['abc', '1'],
    ['b', '1'],
    [null, '1'],
  ])
  answers(
    'SELECT COUNT(*), COUNT(name), COUNT(DISTINCT id % 2), SUM(id), AVG(id), COUNT_IF(id > 1), MIN(name) FROM t',
    [['3', '2', '2', '6', '2.000000', '2', 'abc']],
  )
  answers("SELECT LISTAGG(name, ',') WITHIN GROUP (ORDER BY id DESC) FROM t", [['b,abc']])
  answers('SELECT id, ROW_NUMBER() OVER (ORDER BY id DESC) AS r FROM t QUALIFY r <= 2 ORDER BY r', [
    ['3', '1'],
    ['2', '2'],
  ])
  answers('SELECT LAST_VALUE(id) OVER (ORDER BY id), LAG(name) IGNORE NULLS OVER (ORDER BY id) FROM t ORDER BY id', [
    ['3', null],
    ['3', 'abc'],
    ['3', 'b'],
  ])
  answers("SELECT NULL AS a, 1 AS b UNION ALL SELECT 'x', 2.5 ORDER BY b DESC", [
    ['x', '2.5'],
    [null, '1.0'],
  ])
  answers('SELECT id FROM t EXCEPT SELECT 2 INTERSECT SELECT 2', [['1'], ['3']].toSorted())
  answers("SELECT * FROM (VALUES (1, 'a'), (2, NULL)) v(n, s) ORDER BY n DESC", [
    ['2', null],
    ['1', 'a'],
  ])
  answers(
    "SELECT CASE id WHEN 1 THEN 'one' ELSE 'more' END, IFF(id > 1, 1, 2), COALESCE(name, 'z'), NULLIF(id, 3), GREATEST(id, NULL) FROM t WHERE id = 3",
    [['more', '1', 'z', null, null]],
  )
  answers("SELECT name IS DISTINCT FROM 'b', name IS NOT DISTINCT FROM NULL FROM t WHERE id = 3", [[true, true]])
  answers('SELECT ?, :1, :name', [['1', '1', 'NAME']])
  answers("SELECT argument FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(TABLE_NAME => 'X', START_TIME => 5))", [['X']])
  answers("SELECT SYSTEM$STREAM_HAS_DATA('S'), SYSTEM$STREAM_HAS_DATA('T')", [[true, false]])

  refuses('SELECT nope FROM t', '000904', "invalid identifier 'NOPE'")
  refuses('SELECT mixed FROM t', '000904', "invalid identifier 'MIXED'")
  refuses('SELECT id FROM t a JOIN t b ON a.id = b.id', '000904', "ambiguous column name 'ID'")
  refuses('SELECT id FROM nowhere', '002003', 'NOWHERE')
  refuses('SELECT SOUNDEX(name) FROM t', '002140', 'Unknown function SOUNDEX')
  refuses('SELECT LENGTH() FROM t', '000938', 'not enough arguments')
  refuses('SELECT LENGTH(name, 1) FROM t', '000939', 'too many arguments')
  refuses('SELECT 1 UNION ALL SELECT 1, 2', '001789', 'invalid number of result columns')
  refuses("SELECT 1 UNION ALL SELECT 'a'", '001044', 'UNION ALL')
  refuses('SELECT ROW_NUMBER() FROM t', '001003', 'ROW_NUMBER without OVER')
  refuses('SELECT $1 FROM t', '001003', '$1')
})

test('result columns have the names and types that Snowflake gives them', async () => {
  const sql =
    'SELECT id, t.name AS n, COUNT(*), id+1, data:after:id::VARCHAR, data, "Mixed", NULL, max( id ) FROM t GROUP BY ALL'
  const described = (await warehouse.columns(sql)).map(({ name, type }) => [name, type.kind])
  assert.deepEqual(described, [
    ['ID', 'number'],
    ['N', 'varchar'],
    ['COUNT(*)', 'number'],
    ['ID+1', 'number'],
    ['DATA:AFTER:ID::VARCHAR', 'varchar'],
    ['DATA', 'variant'],
    ['Mixed', 'boolean'],
    ['NULL', 'varchar'],
    ['MAX( ID )', 'number'],
  ])
})
