/** Landing files for tests, written by DuckDB: what Firn stages, from rows as a test states them. */
import { landingColumns, landingKey } from '../../src/landing.ts'
import type { Stage } from '../../src/stage/stage.ts'
import { parquetOf } from '../local/warehouse/engine/engine-fixture.ts'

/** By column; `id`, `op` and `position` at least. What is left out is NULL, or stands at the row's offset. */
export type LandingFileRow = Readonly<Record<string, string | number | null>>

const duckTypes = { UTF8: 'VARCHAR', INT32: 'INTEGER', INT64: 'BIGINT' } as const

/** Puts one file of epoch 1 on the stage, whose rows have the offsets from `first` on. @returns its key */
export async function stageRows(
  stage: Stage,
  prefix: string,
  { topic, partition = 0, first }: { readonly topic: string; readonly partition?: number; readonly first: number },
  rows: readonly LandingFileRow[],
): Promise<string> {
  const literal = (value: string | number | null | undefined): string =>
    value === null || value === undefined
      ? 'NULL'
      : typeof value === 'number'
        ? String(value)
        : `'${value.replaceAll("'", "''")}'`
  const selects = rows.map((row, at) => {
    const whole: LandingFileRow = {
      kafka_topic: topic,
      kafka_partition: partition,
      kafka_offset: first + at,
      kafka_timestamp: 1_700_000_000_000 + first + at,
      row_index: 0,
      ...row,
    }
    return `SELECT ${landingColumns.map(({ name, type }) => `CAST(${literal(whole[name])} AS ${duckTypes[type]}) AS "${name}"`).join(', ')}`
  })
  const range = { first: BigInt(first), last: BigInt(first + rows.length - 1) }
  const key = landingKey(prefix, { topic, epoch: 1, partition, range })
  await stage.put(key, Buffer.from(await parquetOf(selects.join(' UNION ALL '))), { rows: String(rows.length) })
  return key
}
