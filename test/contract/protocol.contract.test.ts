/**
 * What Firn relies on when it talks to Snowflake, on every target alike: values, binds, errors, transactions.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { canonicalJson } from '../../src/local/exact-json.ts'
import { connectSnowflake } from '../../src/snowflake/session.ts'
import { contractTargets, openScratch, type Scratch } from '../support/contract.ts'

const digits38 = '12345678901234567890123456789012345678'
const json = `{"n":${digits38},"d":0.1234567890123456789012345678901234567,"s":"é 😀","e":{},"a":[null,true],"z":null}`

function failsWith(code: Failure['code'], message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
}

for (const target of contractTargets()) {
  describe(target.name, () => {
    let scratch: Scratch

    before(async () => {
      scratch = await openScratch(target)
    })

    after(async () => {
      await scratch.drop()
    })

    test('values arrive exactly', async () => {
      const { session } = scratch
      const [row] = await session.query(
        `SELECT ${digits38}::NUMBER(38,0) AS N, -99999999999999.1234::NUMBER(18,4) AS D, 'Zeile 😀'::VARCHAR AS T,
           TRUE AS YES, PARSE_JSON('${json}') AS V, TO_TIMESTAMP_NTZ(1727956800123, 3) AS AT, NULL AS NOTHING`,
      )
      assert.deepEqual(
        { ...row, V: canonicalJson(row?.['V'] as string) },
        {
          N: digits38,
          D: '-99999999999999.1234',
          T: 'Zeile 😀',
          YES: true,
          V: canonicalJson(json),
          AT: new Date('2024-10-03T12:00:00.123Z'),
          NOTHING: null,
        },
      )
    })

    test('values survive a table', async () => {
      const { session } = scratch
      await session.execute('CREATE TABLE KEPT (N NUMBER(38,0), T VARCHAR, V VARIANT, AT TIMESTAMP_NTZ)')
      await session.execute(
        `INSERT INTO KEPT SELECT ${digits38}, 'x', PARSE_JSON('${json}'), TO_TIMESTAMP_NTZ(1727956800123, 3)`,
      )
      const [row, ...others] = await session.query('SELECT * FROM KEPT')
      assert.deepEqual(others, [])
      assert.equal(row?.['N'], digits38)
      assert.equal(canonicalJson(row['V'] as string), canonicalJson(json))
      assert.deepEqual(row['AT'], new Date('2024-10-03T12:00:00.123Z'))
    })

    test('bare column names are upper case, quoted ones as written, those of SHOW lower case', async () => {
      const { session, database } = scratch
      const [row] = await session.query(`SELECT 1 AS bare, 2 AS "Quoted name"`)
      assert.deepEqual(row, { BARE: '1', 'Quoted name': '2' })
      const [schema] = await session.query(`SHOW SCHEMAS LIKE 'S' IN DATABASE ${database}`)
      assert.equal(schema?.['name'], 'S')
      assert.equal(schema['database_name'], database)
    })

    test('binds are values, whatever they hold', async () => {
      const { session } = scratch
      const text = `'; DROP TABLE KEPT; -- "\\ 😀`
      const [row] = await session.query('SELECT ? AS T, ?::NUMBER(38,0) AS N, ? AS I, ? AS B, ?::VARCHAR AS NOTHING', [
        text,
        digits38,
        42,
        true,
        null,
      ])
      assert.deepEqual(row, { T: text, N: digits38, I: '42', B: true, NOTHING: null })
    })

    test('errors carry their code, and the session goes on', async () => {
      const { session } = scratch
      await session.execute('CREATE TABLE THERE (ID VARCHAR)')
      const cases: [string, RegExp][] = [
        ['SELECT * FROM NOT_THERE', /does not exist or not authorized.*code 002003/s],
        ['SELECT NO_COLUMN FROM THERE', /invalid identifier.*code 000904, SQL state 42000/s],
        ['SELEKT 1', /syntax error.*code 001003, SQL state 42000/s],
        ['CREATE TABLE THERE (ID VARCHAR)', /already exists.*code 002002, SQL state 42710/s],
      ]
      for (const [sql, message] of cases) {
        await assert.rejects(session.query(sql), failsWith('STATEMENT_FAILED', message), sql)
      }
      assert.deepEqual(await session.query('SELECT 1 AS ONE'), [{ ONE: '1' }])
    })

    test('several statements in one text are refused, and none of them runs', async () => {
      const { session } = scratch
      await session.execute('CREATE TABLE ALONE (ID VARCHAR)')
      const text = `INSERT INTO ALONE SELECT 'a'; INSERT INTO ALONE SELECT 'b'`
      await assert.rejects(session.execute(text), failsWith('STATEMENT_FAILED', /code 000008, SQL state 0A000/))
      assert.deepEqual(await session.query('SELECT * FROM ALONE'), [])
    })

    test('a DML says how many rows it changed', async () => {
      const { session } = scratch
      await session.execute('CREATE TABLE COUNTED (ID VARCHAR, N NUMBER(38,0))')
      assert.equal(await session.execute(`INSERT INTO COUNTED VALUES ('a', 1), ('b', 2), ('c', 3)`), 3)
      assert.equal(await session.execute('UPDATE COUNTED SET N = 9 WHERE N < 3'), 2)
      assert.equal(await session.execute(`DELETE FROM COUNTED WHERE ID = 'a'`), 1)
      const merge = `MERGE INTO COUNTED T USING (SELECT 'b' AS ID, 5 AS N UNION ALL SELECT 'd', 6) S ON T.ID = S.ID
        WHEN MATCHED THEN UPDATE SET N = S.N WHEN NOT MATCHED THEN INSERT (ID, N) VALUES (S.ID, S.N)`
      const [counts] = await session.query(merge)
      assert.deepEqual(counts, { 'number of rows inserted': '1', 'number of rows updated': '1' })
      assert.deepEqual(await session.query('SELECT ID, N FROM COUNTED ORDER BY ID'), [
        { ID: 'b', N: '5' },
        { ID: 'c', N: '3' },
        { ID: 'd', N: '6' },
      ])
    })

    test('a transaction is seen by others when it is committed, and never when it is rolled back', async () => {
      const { session, database } = scratch
      const other = await connectSnowflake(target.config)
      await session.execute('CREATE TABLE SEEN (ID VARCHAR)')
      const seen = (): Promise<unknown> => other.query(`SELECT ID FROM ${database}.S.SEEN`)
      for (const [end, expected] of [
        ['ROLLBACK', []],
        ['COMMIT', [{ ID: 'a' }]],
      ] as const) {
        await session.execute('BEGIN')
        await session.execute(`INSERT INTO SEEN SELECT 'a'`)
        assert.deepEqual(await session.query('SELECT ID FROM SEEN'), [{ ID: 'a' }])
        assert.deepEqual(await seen(), [])
        await session.execute(end)
        assert.deepEqual(await seen(), expected)
      }
      await other.close()
    })

    test('a user that is none is denied', async () => {
      const { account, accessUrl, database } = target.config
      const where = { account, database, ...(accessUrl !== undefined && { accessUrl }) }
      const stranger = connectSnowflake({ ...where, user: 'FIRN_NO_SUCH_USER', password: 'wrong' })
      await assert.rejects(stranger, failsWith('WAREHOUSE_DENIED', /code 390100/))
    })
  })
}
