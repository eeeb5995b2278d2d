/**
 * Reads what became of the landing files of some partitions from an offset on, which is what a running service asks again
 * and again: it must not cost more the longer a table lives. Everything is for `firn audit` (file-evidence.ts).
 */
import type { OffsetRange } from '../change.ts'
import type { TableConfig, WarehouseConfig } from '../config.ts'
import type { LandedFile, MergedFile } from '../evidence.ts'
import { parseLandingName } from '../landing.ts'
import type { Row, Session } from '../snowflake/session.ts'
import { sharedNames, topicNames } from './names.ts'
import { needing } from './rights.ts'

/** `newestMs`: commit time at the source, else the Kafka timestamp, of its newest change; null where none has one. */
export type Newest = { readonly newestMs: number | null }

/** A partition, from an offset on. */
export type From = { readonly partition: number; readonly from: bigint }

/** Partitions in one statement. */
const partitionsMax = 200

/**
 * By partition: behind the last file that was merged more than a day ago; nothing where none was. Names of files sort by offset.
 *
 * @throws Failure as Session.query, RIGHT_MISSING
 */
export async function readMergedYesterday(
  session: Session,
  warehouse: WarehouseConfig,
  { topic, table, epoch }: TableConfig,
): Promise<ReadonlyMap<number, bigint>> {
  const { mergedFiles } = sharedNames(warehouse)
  const rows = await needing(warehouse, `SELECT ON TABLE ${mergedFiles}`, () =>
    session.query(
      `SELECT kafka_partition AS P, MAX(file_name) AS NEWEST FROM ${mergedFiles}
       WHERE target_table = ? AND CONTAINS(file_name, ?) AND NOT CONTAINS(file_name, '/run-') AND merged_at <= DATEADD('day', -1, SYSDATE())
       GROUP BY kafka_partition`,
      [table, `${topic}/e${epoch}/`],
    ),
  )
  return new Map(
    rows.flatMap((row) => {
      const name = parseLandingName(topic, String(row['NEWEST']))
      return name?.run === null ? [[name.file.partition, name.file.range.last + 1n] as const] : []
    }),
  )
}

/** What the merges of a table have taken of its current epoch, whenever. @throws Failure as Session.query, RIGHT_MISSING */
export async function readMergedFrom(
  session: Session,
  warehouse: WarehouseConfig,
  { topic, table, epoch }: TableConfig,
  places: readonly From[],
): Promise<readonly (MergedFile & Newest)[]> {
  const { mergedFiles } = sharedNames(warehouse)
  const found: (MergedFile & Newest)[] = []
  for (const where of conditions(
    places.map(({ partition, from }) => `(kafka_partition = ${partition} AND last_offset >= ${from})`),
  )) {
    const rows = await needing(warehouse, `SELECT ON TABLE ${mergedFiles}`, () =>
      session.query(
        `SELECT file_name, SUM(row_count) AS ROW_COUNT, MAX(merged_at) AS LAST_MERGED, MAX(newest_ts) AS NEWEST
         FROM ${mergedFiles} WHERE target_table = ? AND CONTAINS(file_name, ?) AND (${where}) GROUP BY file_name`,
        [table, `${topic}/e${epoch}/`],
      ),
    )
    for (const row of rows) {
      const name = parseLandingName(topic, String(row['FILE_NAME']))
      if (!name) continue
      found.push({ ...name, rows: Number(row['ROW_COUNT']), lastMergedAt: row['LAST_MERGED'] as Date, ...newest(row) })
    }
  }
  return found
}

/** What the landing table holds of these offsets, by file. @throws Failure as Session.query, RIGHT_MISSING */
export async function readLandedOf(
  session: Session,
  warehouse: WarehouseConfig,
  topic: string,
  ranges: readonly (OffsetRange & { readonly partition: number })[],
): Promise<readonly (LandedFile & Newest)[]> {
  const { landing } = topicNames(warehouse, topic)
  const found: (LandedFile & Newest)[] = []
  const places = ranges.map(
    ({ partition, first, last }) => `(kafka_partition = ${partition} AND kafka_offset BETWEEN ${first} AND ${last})`,
  )
  for (const where of conditions(places)) {
    const rows = await needing(warehouse, `SELECT ON TABLE ${landing.sql}`, () =>
      session.query(
        `SELECT file_name, COUNT(DISTINCT file_row_number) AS ROW_COUNT, MIN(load_time) AS FIRST_LOADED,
           MAX(COALESCE(source_ts, kafka_timestamp)) AS NEWEST
         FROM ${landing.sql} WHERE ${where} GROUP BY file_name`,
      ),
    )
    for (const row of rows) {
      const name = parseLandingName(topic, String(row['FILE_NAME']))
      if (!name) continue
      const firstLoadedAt = row['FIRST_LOADED'] as Date
      found.push({ ...name, rows: Number(row['ROW_COUNT']), firstLoadedAt, ...newest(row) })
    }
  }
  return found
}

function conditions(places: readonly string[]): readonly string[] {
  const count = Math.ceil(places.length / partitionsMax)
  return Array.from({ length: count }, (_, at) =>
    places.slice(at * partitionsMax, (at + 1) * partitionsMax).join(' OR '),
  )
}

function newest(row: Row): Newest {
  const cell = row['NEWEST'] ?? null
  return { newestMs: cell === null ? null : Number(cell) }
}
