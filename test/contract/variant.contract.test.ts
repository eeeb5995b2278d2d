/**
 * VARIANT: what PARSE_JSON keeps of a text, how OBJECT_CONSTRUCT builds one, and how paths and casts read it. The target
 * table's DATA is made of nothing else.
 *
 * Pages: sql-reference/functions/parse_json, sql-reference/functions/try_parse_json, sql-reference/functions/typeof,
 * sql-reference/functions/object_construct, sql-reference/functions/object_construct_keep_null,
 * user-guide/querying-semistructured, user-guide/semistructured-considerations.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from '../../src/local/exact-json.ts'
import type { Row } from '../../src/snowflake/session.ts'
import { contractTargets, onEachTarget, refused, type Scratch } from '../support/contract.ts'

const whole38 = '12345678901234567890123456789012345678'
const fraction37 = '0.1234567890123456789012345678901234567'

async function only(scratch: Scratch, select: string, binds: readonly string[] = []): Promise<Row> {
  const [row, ...others] = await scratch.session.query(`SELECT ${select}`, binds)
  assert.ok(row)
  assert.deepEqual(others, [])
  return row
}

/** The JSON that a VARIANT made from this one is printed as. */
async function printed(scratch: Scratch, json: string): Promise<string> {
  return canonicalJson(String((await only(scratch, `PARSE_JSON(?) AS V`, [json]))['V']))
}

onEachTarget(contractTargets(), (scratch) => {
  // parse_json: decimals are kept as fixed-point numbers where these can hold them
  test('numbers of up to 38 digits are kept exactly', async () => {
    const numbers = [
      whole38,
      `-${whole38}`,
      fraction37,
      '0',
      '-1',
      '123.45',
      '9007199254740993',
      '12345678901234567890.5',
    ]
    const json = `[${numbers.join(',')}]`
    assert.equal(await printed(scratch(), json), canonicalJson(json))
    const types = await only(
      scratch(),
      `TYPEOF(PARSE_JSON('${whole38}')) AS A, TYPEOF(PARSE_JSON('123.45')) AS B, PARSE_JSON('${whole38}')::NUMBER(38, 0) AS C,
       PARSE_JSON('123.45')::NUMBER(10, 2) AS D`,
    )
    assert.deepEqual(types, { A: 'INTEGER', B: 'DECIMAL', C: whole38, D: '123.45' })
  })

  // parse_json: scientific notation, and what fixed-point numbers cannot hold, is stored as DOUBLE
  test('numbers with an exponent, and longer ones, become doubles', async () => {
    const row = await only(
      scratch(),
      `TYPEOF(PARSE_JSON('1.2345e+02')) AS A, TYPEOF(PARSE_JSON('1${whole38}')) AS B, PARSE_JSON('1.2345e+02')::FLOAT AS C`,
    )
    assert.deepEqual(row, { A: 'DOUBLE', B: 'DOUBLE', C: '123.45' })
  })

  // parse_json, try_parse_json, the parameter 'd' or 's'
  test("a member that comes twice is refused, unless 'd' allows it: then the last one counts", async () => {
    const twice = `'{"a":1,"b":{"c":1,"c":2},"a":3}'`
    const refusal = refused('100069', /Error parsing JSON/)
    await assert.rejects(only(scratch(), `PARSE_JSON(${twice}) AS V`), refusal)
    await assert.rejects(only(scratch(), `PARSE_JSON(${twice}, 's') AS V`), refusal)
    const row = await only(scratch(), `TRY_PARSE_JSON(${twice}) AS S, TRY_PARSE_JSON(${twice}, 'd') AS D`)
    assert.equal(row['S'], null)
    assert.equal(canonicalJson(String(row['D'])), canonicalJson('{"a":3,"b":{"c":2}}'))
  })

  test('what is no JSON is refused by PARSE_JSON, and NULL from TRY_PARSE_JSON', async () => {
    for (const text of ['{"a":1', '{"a" 1}', 'abc', '{"a":1} {"b":2}', "{'a':\"1}"]) {
      const row = await only(scratch(), `TRY_PARSE_JSON(?, 'd') AS V`, [text])
      assert.equal(row['V'], null, text)
      await assert.rejects(only(scratch(), 'PARSE_JSON(?) AS V', [text]), refused('100069', /Error parsing JSON/), text)
    }
  })

  // parse_json, usage notes: an empty text, or white space alone, gives NULL and no error
  test('an empty text is NULL, as NULL is', async () => {
    const row = await only(
      scratch(),
      `PARSE_JSON('') AS A, PARSE_JSON('  ') AS B, TRY_PARSE_JSON('', 'd') AS C, PARSE_JSON(NULL) AS D`,
    )
    assert.deepEqual(row, { A: null, B: null, C: null, D: null })
  })

  // user-guide/semistructured-considerations, "NULL values"
  test('the null of JSON is a value, and not the NULL of SQL', async () => {
    const row = await only(
      scratch(),
      `PARSE_JSON('null') IS NULL AS WHOLE, V:a IS NULL AS MEMBER, V:b IS NULL AS MISSING, IS_NULL_VALUE(V:a) AS A,
       IS_NULL_VALUE(V:b) AS B, TYPEOF(V:a) AS KIND, V:a::VARCHAR IS NULL AS TEXT
       FROM (SELECT PARSE_JSON('{"a":null}') AS V) T`,
    )
    assert.deepEqual(row, {
      WHOLE: false,
      MEMBER: false,
      MISSING: true,
      A: true,
      B: null,
      KIND: 'NULL_VALUE',
      TEXT: true,
    })
  })

  test('nested nulls, empty objects and arrays, and odd member names stay', async () => {
    const json = `{"a":{"b":null,"c":[null,[null],{"d":null}]},"e":{},"f":[],"":"","g h":1,"\\"":"\\\\ \\n é 😀","A":1}`
    assert.equal(await printed(scratch(), json), canonicalJson(json))
  })

  // object_construct: a member that is NULL is left out; object_construct_keep_null: it is kept as null
  test('OBJECT_CONSTRUCT leaves NULL out, OBJECT_CONSTRUCT_KEEP_NULL makes it null', async () => {
    const row = await only(
      scratch(),
      `OBJECT_CONSTRUCT('a', 1, 'b', NULL, 'c', PARSE_JSON('null')) AS A,
       OBJECT_CONSTRUCT_KEEP_NULL('operation', CASE 'u' WHEN 'u' THEN 'UPDATE' ELSE 'INSERT' END,
         'before', TRY_PARSE_JSON(NULL, 'd'), 'after', TRY_PARSE_JSON('{"n":${whole38},"z":null}', 'd')) AS B`,
    )
    assert.equal(canonicalJson(String(row['A'])), canonicalJson('{"a":1,"c":null}'))
    assert.equal(
      canonicalJson(String(row['B'])),
      canonicalJson(`{"after":{"n":${whole38},"z":null},"before":null,"operation":"UPDATE"}`),
    )
  })

  // user-guide/querying-semistructured
  test('paths reach members and elements by their exact names, and are NULL where there is nothing', async () => {
    const json = `{"a":{"b":[10,{"c":"x"}]},"Mixed Case":"y","A":{"b":"z"}}`
    const row = await only(
      scratch(),
      `V:a.b[0]::NUMBER AS FIRST, V:a.b[1].c::VARCHAR AS INNER_TEXT, V['a']['b'][0]::NUMBER AS BRACKETS,
       V:"Mixed Case"::VARCHAR AS QUOTED, V:A.b::VARCHAR AS UPPER_A, V:a.x AS NONE, V:a.b[7] AS BEYOND, V:a.b.c AS NO_OBJECT,
       ARRAY_SIZE(V:a.b) AS SIZE FROM (SELECT PARSE_JSON('${json}') AS V) T`,
    )
    assert.deepEqual(row, {
      FIRST: '10',
      INNER_TEXT: 'x',
      BRACKETS: '10',
      QUOTED: 'y',
      UPPER_A: 'z',
      NONE: null,
      BEYOND: null,
      NO_OBJECT: null,
      SIZE: '2',
    })
  })

  // user-guide/querying-semistructured: a value stays a VARIANT, with quotes, until it is cast
  test('a cast to text takes the quotes away, numbers and booleans become their text, containers their JSON', async () => {
    const row = await only(
      scratch(),
      `V:s AS VARIANT_TEXT, V:s::VARCHAR AS S, V:n::VARCHAR AS N, V:t::VARCHAR AS T, V:o::VARCHAR AS O
       FROM (SELECT PARSE_JSON('{"s":"x y","n":12.50,"t":true,"o":{"a":[1]}}') AS V) T`,
    )
    assert.deepEqual(
      { ...row, O: canonicalJson(String(row['O'])) },
      { VARIANT_TEXT: '"x y"', S: 'x y', N: '12.5', T: 'true', O: canonicalJson('{"a":[1]}') },
    )
  })

  test('casts read numbers, booleans and times out of strings too, and refuse what is none', async () => {
    const row = await only(
      scratch(),
      `V:n::NUMBER(38, 0) AS N, V:b::BOOLEAN AS B, V:t::TIMESTAMP_NTZ AS T, V:f::FLOAT AS F
       FROM (SELECT PARSE_JSON('{"n":"${whole38}","b":"true","t":"2024-10-03 12:00:00.123","f":1.5}') AS V) T`,
    )
    assert.deepEqual(row, { N: whole38, B: true, T: new Date('2024-10-03T12:00:00.123Z'), F: '1.5' })
    await assert.rejects(
      only(scratch(), `PARSE_JSON('"x"')::NUMBER AS N`),
      refused(null, /Failed to cast|not recognized/),
    )
    await assert.rejects(only(scratch(), `PARSE_JSON('{"a":1}')::NUMBER AS N`), refused(null, /Failed to cast/))
  })

  test('a value survives a table, and is found by its members there', async () => {
    const { session } = scratch()
    await session.execute('CREATE TABLE KEPT (ID VARCHAR NOT NULL, DATA VARIANT NOT NULL)')
    const json = `{"after":{"id":${whole38},"price":${fraction37},"name":null},"before":null,"operation":"INSERT"}`
    await session.execute(`INSERT INTO KEPT SELECT 'a', PARSE_JSON(?)`, [json])
    const where = `DATA:operation = 'INSERT' AND DATA:after.id::NUMBER(38, 0) = ${whole38} AND IS_NULL_VALUE(DATA:before)`
    const [row] = await session.query(`SELECT DATA FROM KEPT WHERE ${where}`)
    assert.equal(canonicalJson(String(row?.['DATA'])), canonicalJson(json))
  })

  // sql-reference/functions/convert_timezone: with two arguments the result carries its zone, and as NTZ it is that zone's clock
  test('a time with a zone becomes the time of UTC, whatever the zone of the session', async () => {
    const row = await only(
      scratch(),
      `CONVERT_TIMEZONE('UTC', '2024-10-03T14:00:00.123+02:00'::TIMESTAMP_LTZ)::TIMESTAMP_NTZ AS T`,
    )
    assert.deepEqual(row, { T: new Date('2024-10-03T12:00:00.123Z') })
  })

  // sql-reference/functions/to_timestamp: scale 3 means milliseconds
  test('milliseconds become a time without a zone, and NULL stays NULL', async () => {
    const row = await only(
      scratch(),
      `TO_TIMESTAMP_NTZ(COALESCE(NULL, 1727956800123), 3) AS T, TO_TIMESTAMP_NTZ(-1, 3) AS BEFORE_1970,
       TO_TIMESTAMP_NTZ(NULL::NUMBER(19, 0), 3) AS NONE, TO_VARCHAR(TO_TIMESTAMP_NTZ(1727956800123, 3)) AS TEXT`,
    )
    assert.deepEqual(row, {
      T: new Date('2024-10-03T12:00:00.123Z'),
      BEFORE_1970: new Date(-1),
      NONE: null,
      TEXT: '2024-10-03 12:00:00.123',
    })
  })
})
