import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { parseStatement, splitStatements } from '../../../../src/local/warehouse/sql/parse-statement.ts'
import { translateDml } from '../../../../src/local/warehouse/sql/translate-dml.ts'
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

const rejected = (sql: string, code: string) => assert.rejects(warehouse.run(sql), { code })

describe('plain DML', () => {
  before(async () => {
    await warehouse.run(
      'CREATE TABLE t (id NUMBER(5, 0), name VARCHAR(3), data VARIANT, price NUMBER(10, 2), at TIMESTAMP_NTZ)',
    )
  })

  test('INSERT converts values to their columns', async () => {
    await warehouse.run(
      "INSERT INTO t (at, id, price, name) VALUES ('2024-01-02 03:04:05', '7', 1.005, 12), (NULL, '8', 2, NULL)",
    )
    await warehouse.run("INSERT INTO t SELECT 9, 'c', PARSE_JSON('[1.0]'), NULL, NULL")
    assert.deepEqual(await warehouse.run('SELECT * FROM t ORDER BY id'), [
      ['7', '12', null, '1.01', '2024-01-02 03:04:05'],
      ['8', null, null, '2.00', null],
      ['9', 'c', '[1]', null, null],
    ])
  })

  test('a text that is too long for its column is an error', () =>
    rejected("INSERT INTO t (name) VALUES ('abcd')", '100078'))
  test('a text is no VARIANT', () => rejected("INSERT INTO t (data) SELECT 'x'", '002023'))
  test('PARSE_JSON has no place in VALUES', () => rejected("INSERT INTO t (data) VALUES (PARSE_JSON('1'))", '002014'))
  test('columns and values must be as many', () => rejected('INSERT INTO t (id) VALUES (1, 2)', '002020'))
  test('a column may be named once', () => rejected('INSERT INTO t (id, id) VALUES (1, 2)', '002025'))
  test('a column must be there', () => rejected('UPDATE t SET nope = 1', '000904'))

  test('UPDATE and DELETE touch the rows of their condition', async () => {
    await warehouse.run("UPDATE t SET name = 'z', data = NULL, price = t.price + 1 WHERE t.id = 8 OR data IS NOT NULL")
    await warehouse.run('DELETE FROM t WHERE id = 7')
    assert.deepEqual(await warehouse.run('SELECT id, name, data, price FROM t ORDER BY id'), [
      ['8', 'z', null, '3.00'],
      ['9', 'z', null, null],
    ])
    await warehouse.run('TRUNCATE TABLE t')
    assert.deepEqual(await warehouse.run('SELECT COUNT(*) FROM t'), [['0']])
  })
})

describe('MERGE', () => {
  before(async () => {
    await warehouse.run('CREATE TABLE m (id NUMBER, v VARCHAR)')
  })

  const merge = (rows: string, clauses: string) =>
    warehouse.run(`MERGE INTO m USING (SELECT * FROM (VALUES ${rows}) x(id, v)) s ON m.id = s.id ${clauses}`)
  const fill = async () => {
    await warehouse.run('TRUNCATE TABLE m')
    await warehouse.run("INSERT INTO m VALUES (1, 'a'), (2, 'b')")
  }
  const content = () => warehouse.run('SELECT * FROM m ORDER BY id')

  test('each source row follows the first clause whose condition it meets', async () => {
    await fill()
    await merge(
      "(1, 'd'), (2, 'x'), (3, 'y'), (4, 'd')",
      "WHEN MATCHED AND s.v = 'd' THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED AND s.v <> 'd' THEN INSERT (v, id) VALUES (s.v, s.id)",
    )
    assert.deepEqual(await content(), [
      ['2', 'x'],
      ['3', 'y'],
    ])
  })

  test('two source rows that would update one row are an error, and change nothing', async () => {
    await fill()
    await assert.rejects(merge("(1, 'x'), (1, 'y')", 'WHEN MATCHED THEN UPDATE SET v = s.v'), { code: '100090' })
    await assert.rejects(
      merge("(1, 'x'), (1, 'd')", "WHEN MATCHED AND s.v = 'd' THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v"),
      { code: '100090' },
    )
    assert.deepEqual(await content(), [
      ['1', 'a'],
      ['2', 'b'],
    ])
  })

  test('a source row that meets no condition does not count as a second one', async () => {
    await fill()
    await merge("(1, 'x'), (1, 'n')", "WHEN MATCHED AND s.v <> 'n' THEN UPDATE SET v = s.v")
    assert.deepEqual((await content())[0], ['1', 'x'])
  })

  test('several source rows may delete one row', async () => {
    await fill()
    await merge("(1, 'x'), (1, 'y')", 'WHEN MATCHED THEN DELETE')
    assert.deepEqual(await content(), [['2', 'b']])
  })

  test('WHEN NOT MATCHED sees the source alone', async () => {
    await assert.rejects(merge("(9, 'x')", 'WHEN NOT MATCHED THEN INSERT (id) VALUES (m.id)'), { code: '000904' })
  })
})

type Change = { readonly id: number; readonly op: string; readonly position: number; readonly after: string | null }

describe('the merge task', () => {
  const stream = '"SHOP_CUSTOMERS_STREAM"'
  const tables = ['MERGED_FILES', 'MERGE_REJECTS', 'CUSTOMERS', 'SHOP_CUSTOMERS_TOMBSTONES']
  let statements: readonly string[] = []

  before(async () => {
    const files = [
      'V002__control',
      'V003__audit',
      'templates/10_landing',
      'templates/30_target',
      'templates/40_tombstones',
    ]
    for (const sql of files.flatMap((file) => splitStatements(rendered(`sql/${file}.sql`)))) {
      if (!/^(CREATE|ALTER) TABLE/.test(sql)) continue
      await warehouse.run(sql.replace(/SHOP_CUSTOMERS_LANDING\b/, 'SHOP_CUSTOMERS_STREAM'))
    }
    const task = parseStatement(splitStatements(rendered('sql/templates/50_merge.sql'))[0] ?? '')
    assert(task.kind === 'create task' && task.body.kind === 'execute immediate')
    const translated: string[] = []
    for (const statement of task.body.block.statements) {
      if (statement.kind !== 'merge' && statement.kind !== 'insert') continue
      const { sql, check } = await translateDml(statement, warehouse.scope)
      translated.push(...(check === null ? [] : [check]), sql)
    }
    statements = translated
  })

  const clear = async () => {
    for (const table of tables) await warehouse.connection.run(`DELETE FROM "${table}"`)
  }

  /** One run of the task over these landing rows. */
  const merge = async (changes: readonly Change[]) => {
    await warehouse.connection.run(`DELETE FROM ${stream}`)
    for (const { id, op, position, after } of changes) {
      const json = after === null ? 'NULL' : `'${after}'`
      await warehouse.connection.run(
        `INSERT INTO ${stream} BY NAME SELECT 'shop.customers' AS kafka_topic, 0 AS kafka_partition, ${position} AS kafka_offset, 1700000000000 AS kafka_timestamp, 0 AS row_index, '${op}' AS op, '${id}' AS id, '${String(position).padStart(4, '0')}' AS position, ${json} AS after, 'f' AS file_name, 1 AS file_row_number, now() AS load_time`,
      )
    }
    for (const sql of statements) await warehouse.connection.run(sql)
  }

  const target = () => warehouse.run('SELECT id, data, last_updated, _position FROM customers ORDER BY id')

  test('applies the newest change of each row, remembers deletes, sets aside what does not parse', async () => {
    await clear()
    await merge([
      { id: 1, op: 'c', position: 1, after: '{"n": 1.0}' },
      { id: 1, op: 'u', position: 3, after: '{"n": 12345678901234567890123456789, "a": null}' },
      { id: 2, op: 'c', position: 2, after: '{"n": 2}' },
      { id: 2, op: 'd', position: 5, after: null },
      { id: 3, op: 'u', position: 4, after: '{broken' },
    ])
    assert.deepEqual(await target(), [
      [
        '1',
        '{"after":{"a":null,"n":12345678901234567890123456789},"before":null,"operation":"UPDATE"}',
        '2023-11-14 22:13:20',
        '0003',
      ],
    ])
    assert.deepEqual(await warehouse.run('SELECT * FROM shop_customers_tombstones'), [['2', '0005']])
    assert.deepEqual(await warehouse.run('SELECT id, error FROM merge_rejects'), [
      ['3', 'JSON_REFUSED: the warehouse cannot parse before or after'],
    ])
    assert.deepEqual(
      await warehouse.run('SELECT first_offset, last_offset, row_count, reject_count FROM merged_files'),
      [['1', '5', '5', '1']],
    )
  })

  test('a late, older update does not bring a deleted row back', async () => {
    await clear()
    await merge([{ id: 1, op: 'd', position: 5, after: null }])
    await merge([{ id: 1, op: 'u', position: 4, after: '{}' }])
    assert.deepEqual(await target(), [])
    await merge([{ id: 1, op: 'c', position: 6, after: '{}' }])
    assert.equal((await target()).length, 1)
  })

  test('any order, grouping and repetition gives the same target', async () => {
    const change = fc.record({ id: fc.integer({ min: 1, max: 3 }), op: fc.constantFrom('c', 'u', 'd') })
    const property = fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      async (made, choices) => {
        const changes = made.map(({ id, op }, i): Change => ({
          id,
          op,
          position: i,
          after: op === 'd' ? null : `{"n":${i}}`,
        }))
        await clear()
        await merge(changes)
        const expected = await target()
        const pick = (below: number) => (choices.next().value ?? 0) % below
        const rest = [...changes, ...changes.filter(() => pick(2) === 0)]
        await clear()
        while (rest.length > 0) {
          const group = Array.from({ length: Math.min(rest.length, 1 + pick(4)) }, () =>
            rest.splice(pick(rest.length), 1),
          )
          await merge(group.flat())
        }
        assert.deepEqual(await target(), expected)
      },
    )
    await fc.assert(property, { numRuns: 25 })
  })
})
