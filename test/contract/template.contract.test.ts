/**
 * The rendered merge task as a whole, over landing rows put in by hand: whatever order, grouping and repetition they come
 * in, the target is the same. What each of its parts relies on is in the suites beside this one.
 */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { canonicalJson } from '../../src/local/exact-json.ts'
import type { Row } from '../../src/snowflake/session.ts'
import { tableNames, topicNames } from '../../src/warehouse/names.ts'
import { renderScripts } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { exampleConfig } from '../support/config.ts'
import { executeTask, onEachTarget, run } from '../support/contract.ts'
import { stageTargets } from '../support/contract-stage.ts'

type Landed = {
  readonly op: string
  readonly id: string | null
  readonly position: string
  readonly before?: string | null
  readonly after?: string | null
  readonly timestamp?: number | null
  readonly file?: string
}

const seconds = (n: number): number => Date.UTC(2026, 0, 1, 0, 0, n)

onEachTarget(stageTargets(), (scratch, { config: warehouse, stage, storageIntegration }) => {
  /** Runs Firn's scripts but for the pipe for a new table; gives what a test needs of it. */
  async function migrated(table: string) {
    const { session, database } = scratch()
    const config = exampleConfig({
      warehouse: { ...warehouse, schedule: '60 MINUTES', storageIntegration },
      stage: { bucket: stage.bucket, prefix: stage.prefix },
      tables: [{ topic: table.toLowerCase(), table: `SHOP.${table}`, key: ['id'] }],
    })
    const scripts = renderScripts(await readTemplates(), config).filter(({ name }) => !name.includes('__70_pipe'))
    await run(session, ...scripts.flatMap(({ statements }) => statements))
    const names = tableNames(warehouseOf(config), { table: `SHOP.${table}` })
    const { landing } = topicNames(warehouseOf(config), table.toLowerCase())
    // It is run by hand.
    await run(session, `ALTER TASK ${names.task.sql} SUSPEND`, `USE SCHEMA ${database}.FIRN`)
    let offset = 0
    let runs = 0
    return {
      stream: names.stream.sql,
      rejects: names.rejects.sql,
      tombstones: names.tombstones.sql,
      land: async (...rows: readonly Landed[]): Promise<void> => {
        for (const row of rows) {
          const { op, id, position, before = null, after = null, file = 'file-1' } = row
          const timestamp = row.timestamp === undefined ? seconds(offset) : row.timestamp
          await session.execute(
            `INSERT INTO ${landing.sql} (kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, row_index, op, id,
               position, before, after, error, raw, file_name, file_row_number, load_time)
             SELECT 'topic', 0, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, 0, CURRENT_TIMESTAMP()`,
            [
              offset,
              timestamp,
              op,
              id,
              position,
              before,
              after,
              op === 'x' ? 'NOT_JSON: reason' : null,
              op === 'x' ? 'cmF3' : null,
              file,
            ],
          )
          offset += 1
        }
      },
      merge: async (): Promise<Row> => {
        runs += 1
        return await executeTask(session, names.task.bare, runs)
      },
      target: async (): Promise<readonly string[]> => {
        const rows = await session.query(`SELECT ID, DATA, _POSITION FROM ${names.target} ORDER BY ID`)
        return rows.map((row) => {
          const { operation, before, after } = JSON.parse(String(row['DATA'])) as Record<string, unknown>
          const values = [row['ID'], row['_POSITION'], operation, JSON.stringify(before), JSON.stringify(after)]
          return values.join(' ')
        })
      },
      rows: async (select: string) => (await session.query(select)).map((row) => Object.values(row).join(' ')),
      names,
    }
  }

  before(async () => {
    await scratch().session.execute(`CREATE SCHEMA ${scratch().database}.SHOP`)
  })

  test('rows that are late, repeated and out of order end in the newest state of each id', async () => {
    const { land, merge, target, rows, stream } = await migrated('ORDERS')
    await land(
      { op: 'u', id: 'a', position: '3', before: '{"n":1}', after: '{"n":3}' },
      { op: 'c', id: 'b', position: '1', after: '{"n":1}' },
      { op: 'u', id: 'b', position: '2', after: '{"n":2}' },
      { op: 'r', id: 'c', position: '1', after: '{"n":1}' },
    )
    assert.equal((await merge())['STATE'], 'SUCCEEDED')
    const expected = ['a 3 UPDATE {"n":1} {"n":3}', 'b 2 UPDATE null {"n":2}', 'c 1 INSERT null {"n":1}']
    assert.deepEqual(await target(), expected)
    assert.deepEqual(await rows(`SELECT * FROM ${stream}`), [])
    // Older ones, and the same again, change nothing.
    await land(
      { op: 'u', id: 'a', position: '2', after: '{"n":2}' },
      { op: 'c', id: 'a', position: '1', after: '{"n":1}' },
      { op: 'u', id: 'b', position: '2', after: '{"n":2}' },
      { op: 'd', id: 'c', position: '0', before: '{"n":0}' },
    )
    assert.equal((await merge())['STATE'], 'SUCCEEDED')
    assert.deepEqual(await target(), expected)
  })

  test('a delete is remembered: what is older does not bring the row back, what is newer does', async () => {
    const { land, merge, target, rows, tombstones } = await migrated('DELETED')
    await land(
      { op: 'd', id: 'a', position: '5', before: '{"n":4}' },
      { op: 'u', id: 'a', position: '4', after: '{"n":4}' },
      { op: 'd', id: 'never', position: '2' },
      { op: 'c', id: 'b', position: '1', after: '{}' },
    )
    await merge()
    assert.deepEqual(await target(), ['b 1 INSERT null {}'])
    await land(
      { op: 'u', id: 'a', position: '3', after: '{"n":3}' },
      { op: 'c', id: 'never', position: '1', after: '{}' },
      { op: 'd', id: 'b', position: '2', before: '{}' },
      { op: 'd', id: 'a', position: '1' },
    )
    await merge()
    assert.deepEqual(await target(), [])
    assert.deepEqual(await rows(`SELECT id, position FROM ${tombstones} ORDER BY id`), ['a 5', 'b 2', 'never 2'])
    await land({ op: 'c', id: 'a', position: '6', after: '{"n":6}' }, { op: 'd', id: 'b', position: '3' })
    await merge()
    assert.deepEqual(await target(), ['a 6 INSERT null {"n":6}'])
    assert.deepEqual(await rows(`SELECT id, position FROM ${tombstones} ORDER BY id`), ['a 5', 'b 3', 'never 2'])
  })

  test('what cannot be applied becomes a reject row, and an older change that can be applied is', async () => {
    const { land, merge, target, rows, rejects } = await migrated('REJECTED')
    await land(
      { op: 'c', id: 'a', position: '1', after: '{"n":1}' },
      { op: 'u', id: 'a', position: '2', before: '{"n":1}', after: '{"n":' },
      { op: 'd', id: 'a', position: '3', before: 'no json' },
      { op: 'u', id: 'a', position: '4', after: '' },
      { op: 't', id: 'b', position: '1', file: 'file-2' },
      { op: 'x', id: null, position: '', file: 'file-2' },
      { op: 'c', id: 'twice', position: '1', after: '{"m":1,"m":2}' },
    )
    assert.equal((await merge())['STATE'], 'SUCCEEDED')
    assert.deepEqual(await target(), ['a 1 INSERT null {"n":1}', 'twice 1 INSERT null {"m":2}'])
    const select = `SELECT kafka_offset, SPLIT_PART(error, ':', 1), COALESCE(raw, '-') FROM ${rejects} ORDER BY kafka_offset`
    assert.deepEqual(await rows(select), [
      '1 JSON_REFUSED -',
      '2 JSON_REFUSED -',
      '3 JSON_REFUSED -',
      '4 OP_UNKNOWN -',
      '5 NOT_JSON cmF3',
    ])
    const files = `SELECT file_name, kafka_topic, kafka_partition, first_offset, last_offset, row_count, reject_count
      FROM ${warehouse.database}.FIRN.MERGED_FILES WHERE target_table = 'SHOP.REJECTED' ORDER BY file_name`
    // Those that landed as rejects count too.
    assert.deepEqual(await rows(files), ['file-1 topic 0 0 6 5 3', 'file-2 topic 0 4 5 2 2'])
  })

  test('DATA holds the message digit by digit, and LAST_UPDATED its time', async () => {
    const { land, merge, names } = await migrated('EXACT')
    const after = `{"big":12345678901234567890123456789012345678,"d":0.1234567890123456789012345678901234567,"n":null,"s":"é 😀"}`
    await land({ op: 'u', id: 'ключ', position: '1', after, timestamp: 1727956800123 })
    await merge()
    const [row] = await scratch().session.query(`SELECT * FROM ${names.target}`)
    assert.deepEqual(
      { ...row, DATA: canonicalJson(String(row?.['DATA'])) },
      {
        ID: 'ключ',
        DATA: canonicalJson(`{"operation":"UPDATE","before":null,"after":${after}}`),
        LAST_UPDATED: new Date(1727956800123),
        _POSITION: '1',
      },
    )
  })

  test('any grouping of the same rows into runs gives the same target and tombstones', async () => {
    const changes: readonly Landed[] = [
      { op: 'c', id: 'a', position: '1', after: '{"n":1}' },
      { op: 'u', id: 'a', position: '2', after: '{"n":2}' },
      { op: 'd', id: 'a', position: '3', before: '{"n":2}' },
      { op: 'c', id: 'a', position: '4', after: '{"n":4}' },
      { op: 'c', id: 'b', position: '1', after: '{"n":1}' },
      { op: 'd', id: 'b', position: '2' },
    ]
    const orders = [
      [[0, 1, 2, 3, 4, 5]],
      [[3], [2], [1], [0], [5], [4]],
      [
        [5, 3, 3],
        [4, 0, 2],
        [1, 0, 5, 4],
      ],
    ]
    for (const [i, groups] of orders.entries()) {
      const { land, merge, target, rows, tombstones } = await migrated(`GROUPED_${i}`)
      for (const group of groups) {
        await land(...group.flatMap((index) => changes[index] ?? []))
        assert.equal((await merge())['STATE'], 'SUCCEEDED')
      }
      assert.deepEqual(await target(), ['a 4 INSERT null {"n":4}'])
      assert.deepEqual(await rows(`SELECT id, position FROM ${tombstones} ORDER BY id`), ['a 3', 'b 2'])
    }
  })

  test('a merge that fails in its last part leaves all as it was, and the next one takes the rows', async () => {
    const { land, merge, target, rows, stream, tombstones } = await migrated('HARMED')
    await land({ op: 'c', id: 'a', position: '1', after: '{}' })
    await merge()
    const { session } = scratch()
    // The last statement of the body writes there.
    await session.execute('CREATE OR REPLACE TABLE MERGED_FILES (target_table VARCHAR NOT NULL)')
    await land(
      { op: 'd', id: 'a', position: '2' },
      { op: 'c', id: 'b', position: '1', after: '{}' },
      { op: 't', id: 'c', position: '1' },
    )
    const failed = await merge()
    assert.equal(failed['STATE'], 'FAILED')
    assert.match(String(failed['ERROR_MESSAGE']), /invalid identifier/)
    assert.deepEqual(await target(), ['a 1 INSERT null {}'])
    assert.deepEqual(await rows(`SELECT * FROM ${tombstones}`), [])
    assert.deepEqual(await rows(`SELECT id FROM ${stream} ORDER BY id`), ['a', 'b', 'c'])
    const rejected = `SELECT id FROM MERGE_REJECTS WHERE target_table = 'SHOP.HARMED'`
    assert.deepEqual(await rows(rejected), [])
    await session.execute('DROP TABLE MERGED_FILES')
    await migrated('HEALED')
    assert.equal((await merge())['STATE'], 'SUCCEEDED')
    assert.deepEqual(await target(), ['b 1 INSERT null {}'])
    assert.deepEqual(await rows(rejected), ['c'])
    assert.deepEqual(await rows(`SELECT * FROM ${stream}`), [])
  })
})
