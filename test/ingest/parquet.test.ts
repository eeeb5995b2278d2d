/** Landing files, read by an independent reader (DuckDB), hold exactly the rows that went in. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { type Change, type Message, type Position, positionOf } from '../../src/change.ts'
import type { Decoded } from '../../src/envelope/decoded.ts'
import { Batch } from '../../src/ingest/batch.ts'
import { encodeParquet } from '../../src/ingest/parquet.ts'
import { landingColumns } from '../../src/landing.ts'

type Added = { readonly message: Message; readonly decoded: Decoded }

const folder = mkdtempSync(join(tmpdir(), 'firn-parquet-'))
const path = join(folder, 'file.parquet')
let duck: DuckDBConnection

before(async () => {
  // Else it answers for a file that was written again within a moment from what it has kept of the one before.
  const settings = { enable_external_file_cache: 'false' }
  duck = await (await DuckDBInstance.create(':memory:', settings)).connect()
})
after(() => {
  duck.closeSync()
  rmSync(folder, { recursive: true })
})

const query = async (sql: string): Promise<Record<string, unknown>[]> => (await duck.runAndReadAll(sql)).getRowObjects()

function sealed(added: readonly Added[]): ReturnType<Batch['seal']> {
  const batch = new Batch({
    topic: 'täglich',
    epoch: 1,
    partition: 3,
    first: added[0]?.message.offset ?? 0n,
    openedAtMs: 0,
  })
  for (const { message, decoded } of added) batch.add(message, decoded)
  if (added.length === 0) batch.cover(1n)
  return batch.seal()
}

/** The rows of a landing file as DESIGN has them, computed without the code under test. */
function expectedRows(added: readonly Added[]): Record<string, unknown>[] {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const textOf = (bytes: Buffer): string | null => {
    try {
      return utf8.decode(bytes)
    } catch {
      return null
    }
  }
  return added.flatMap(({ message, decoded }): Record<string, unknown>[] => {
    const headers = message.headers.map(([name, value]) => {
      if (!value) return [name, null]
      const text = textOf(value)
      return [name, text ?? { base64: value.toString('base64') }]
    })
    const origin = {
      kafka_topic: 'täglich',
      kafka_partition: 3,
      kafka_offset: message.offset,
      kafka_timestamp: message.timestamp < 0n ? null : message.timestamp,
      kafka_key: message.key && (textOf(message.key) ?? message.key.toString('base64')),
      headers: headers.length === 0 ? null : JSON.stringify(headers),
    }
    const none = {
      source_table: null,
      id: null,
      position: null,
      source_ts: null,
      before: null,
      after: null,
      meta: null,
    }
    if (decoded.kind === 'tombstone') return []
    if (decoded.kind === 'reject') {
      const error = `${decoded.code}: ${decoded.reason}`
      return [{ ...origin, ...none, row_index: 0, op: 'x', error, raw: message.value?.toString('base64') ?? null }]
    }
    return decoded.changes.map((change) => ({
      ...origin,
      row_index: change.rowIndex,
      op: change.op,
      source_table: change.sourceTable,
      id: change.id,
      position: positionOf(change.position),
      source_ts: change.sourceTs,
      before: change.before?.toString() ?? null,
      after: change.after?.toString() ?? null,
      meta: change.meta?.toString() ?? null,
      error: null,
      raw: null,
    }))
  })
}

type Compression = Parameters<typeof encodeParquet>[1]

const compression = fc.constantFrom<Compression>('zstd', 'snappy', 'gzip')

async function assertRoundTrip(added: readonly Added[], compression: Compression = 'zstd'): Promise<void> {
  writeFileSync(path, await encodeParquet(sealed(added).groups, compression))
  const rows = await query(`SELECT * FROM read_parquet('${path}')`)
  const sorted = (row: Record<string, unknown>): unknown[] => landingColumns.map(({ name }) => row[name])
  assert.deepEqual(rows.map(sorted), expectedRows(added).map(sorted))
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constant(''),
  fc.string({ unit: 'binary' }).map((s) => s.toWellFormed()),
)
const bytes = text.map((value) => Buffer.from(value))
const raw = fc.uint8Array({ maxLength: 20 }).map((value): Buffer => Buffer.from(value))
const anyBytes: fc.Arbitrary<Buffer> = fc.oneof(bytes, raw)
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const position: fc.Arbitrary<Position> = fc.record({
  epoch: fc.nat(2),
  revision: fc.nat(99_999),
  isLogged: fc.boolean(),
  order: fc.stringMatching(/^[0-9a-f]{0,2}$/),
  rank: fc.constantFrom(0, 1),
  offset: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 10n })),
  partition: fc.nat(99_999),
  rowIndex: fc.nat(999_999),
})
const change: fc.Arbitrary<Omit<Change, 'rowIndex'>> = fc.record({
  op: fc.constantFrom('c', 'u', 'd', 'r', 't'),
  id: text,
  position,
  sourceTable: fc.option(text),
  sourceTs: fc.option(fc.oneof(int64, fc.constantFrom(9007199254740993n, -1n, -(2n ** 63n)))),
  before: fc.option(bytes),
  after: fc.option(bytes),
  meta: fc.option(bytes),
})
const decoded: fc.Arbitrary<Decoded> = fc.oneof(
  fc
    .array(change, { minLength: 1, maxLength: 2 })
    .map((list) => ({ kind: 'changes' as const, changes: list.map((item, rowIndex) => ({ rowIndex, ...item })) })),
  fc.record({
    kind: fc.constant('reject' as const),
    code: fc.constantFrom('NOT_JSON' as const, 'NOT_UTF8' as const),
    reason: text,
  }),
  fc.constant({ kind: 'tombstone' as const }),
)
const header: fc.Arbitrary<Message['headers'][number]> = fc.tuple(text, fc.option<Buffer>(anyBytes))
const added: fc.Arbitrary<Added> = fc.record({
  message: fc.record({
    topic: fc.constant('täglich'),
    partition: fc.constant(3),
    offset: fc.constant(0n),
    timestamp: fc.oneof(fc.constant(-1n), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })),
    key: fc.option(anyBytes),
    value: fc.option(raw),
    headers: fc.array(header, { maxLength: 3 }),
  }),
  decoded,
})
/** From beyond 2^53 on, with gaps. */
const numbered = (list: readonly Added[]): Added[] =>
  list.map((item, index) => ({ ...item, message: { ...item.message, offset: 2n ** 53n + 1n + BigInt(index * 3) } }))

const plainRow = (offset: bigint, afterText: string | null, rest: Partial<Change> = {}): Added => ({
  message: {
    topic: 'täglich',
    partition: 3,
    offset,
    timestamp: offset,
    key: null,
    value: Buffer.from('v'),
    headers: [],
  },
  decoded: {
    kind: 'changes',
    changes: [
      {
        rowIndex: 0,
        op: 'u',
        id: String(offset),
        position: { epoch: 1, revision: 0, isLogged: true, order: '', rank: 0, offset, partition: 3, rowIndex: 0 },
        sourceTable: null,
        sourceTs: null,
        before: null,
        after: afterText === null ? null : Buffer.from(afterText),
        meta: null,
        ...rest,
      },
    ],
  },
})

describe('a landing file', () => {
  test('holds any rows exactly: nulls, empty texts, bytes that are no text, integers of 64 bits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(added, { maxLength: 60 }), compression, (list, codec) =>
        assertRoundTrip(numbered(list), codec),
      ),
      { numRuns: 150 },
    )
  })

  test('holds values of 1 MB among small ones', async () => {
    const long = (letter: string): string => `{"x":"${letter.repeat(2 ** 20)}"}`
    const texts = ['{}', long('a'), null, long('ß'), '', long('c'), '{"id":1}']
    await assertRoundTrip(texts.map((value, index) => plainRow(BigInt(index), value)))
  })

  test('holds every run of nulls and values, over page ends and row group ends', async () => {
    const rows = Array.from({ length: 52_345 }, (_, index) => {
      const some = index % 3 === 0 ? `{"n":${index}}` : null
      return plainRow(BigInt(index), some, {
        sourceTs: index < 4000 ? null : BigInt(index),
        meta: index > 9000 ? null : Buffer.from('{}'),
      })
    })
    await assertRoundTrip(rows)
    const groups = await query(
      `SELECT DISTINCT row_group_id AS id, row_group_num_rows AS n FROM parquet_metadata('${path}') ORDER BY id`,
    )
    assert.deepEqual(
      groups.map(({ n }) => n),
      [50_000n, 2_345n],
    )
  })

  test('has the columns of the contract: texts marked as UTF-8, plain integers, nullable where optional', async () => {
    await assertRoundTrip([plainRow(0n, '{}')])
    const schema = await query(
      `SELECT name, type, converted_type, repetition_type FROM parquet_schema('${path}') WHERE num_children IS NULL`,
    )
    assert.deepEqual(
      schema.map(({ name, type, converted_type, repetition_type }) => [name, type, converted_type, repetition_type]),
      landingColumns.map(({ name, type, optional }) => [
        name,
        type === 'UTF8' ? 'BYTE_ARRAY' : type,
        type === 'UTF8' ? 'UTF8' : null,
        optional ? 'OPTIONAL' : 'REQUIRED',
      ]),
    )
  })

  for (const codec of ['zstd', 'snappy', 'gzip'] as const) {
    test(`states sizes that add up, ${codec}, and no statistics`, async () => {
      await assertRoundTrip(
        Array.from({ length: 5000 }, (_, index) => plainRow(BigInt(index), `{"same":"${'x'.repeat(90)}"}`)),
        codec,
      )
      const columns = await query(`SELECT * FROM parquet_metadata('${path}')`)
      assert.equal(columns.length, landingColumns.length)
      for (const column of columns) {
        assert.equal(column['compression'], codec.toUpperCase())
        assert.equal(column['stats_min_value'], null)
        assert.equal(column['num_values'], 5000n)
      }
      const afterColumn = columns.find((column) => column['path_in_schema'] === 'after')
      assert.ok((afterColumn?.['total_uncompressed_size'] as bigint) > 5000n * 100n)
      assert.ok((afterColumn?.['total_compressed_size'] as bigint) < 5000n * 20n)
    })
  }

  test('without rows is a valid file', async () => {
    await assertRoundTrip([])
  })

  test('has the same bytes for the same rows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(added, { maxLength: 30 }), async (list) => {
        const [one, two] = [sealed(numbered(list)), sealed(numbered(list))]
        assert.deepEqual(await encodeParquet(one.groups, 'zstd'), await encodeParquet(two.groups, 'zstd'))
      }),
      { numRuns: 30 },
    )
  })

  test('is refused where a column does not hold the rows of its row group', async () => {
    const [group] = sealed(Array.from({ length: 2100 }, (_, index) => plainRow(BigInt(index), '{}'))).groups
    assert.ok(group)
    const columns = group.columns.map((pages, index) => (index === 12 ? pages.slice(0, 1) : pages))
    await assert.rejects(
      encodeParquet([{ ...group, columns }], 'snappy'),
      /values of a column: the footer says 2000, 2100 went in/,
    )
    await assert.rejects(encodeParquet([{ ...group, columns: group.columns.slice(1) }], 'snappy'), /values of a column/)
  })
})
