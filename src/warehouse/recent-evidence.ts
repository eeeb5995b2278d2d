/**
 * Reads what became of the landing files of the last day, which is what a running service asks again and again: it must not
 * cost more the longer a table lives. What is older is for `firn audit`, which reads all of it (file-evidence.ts).
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

export type RecentMerges = {
  /** by partition: the end of what was merged more than a day ago */
  readonly before: ReadonlyMap<number, bigint>
  readonly merged: readonly (MergedFile & Newest)[]
}

/** Of the table's current epoch. @throws Failure as Session.query, RIGHT_MISSING */
export async function readRecentMerges(
  session: Session,
  warehouse: WarehouseConfig,
  { topic, table, epoch }: TableConfig,
): Promise<RecentMerges> {
  const { mergedFiles } = sharedNames(warehouse)
  const own = [table, `${topic}/e${epoch}/`]
  const query = (sql: string) => needing(warehouse, `SELECT ON TABLE ${mergedFiles}`, () => session.query(sql, own))
  const before = await query(
    `SELECT kafka_partition AS P, MAX(last_offset) + 1 AS UNTIL FROM ${mergedFiles}
     WHERE target_table = ? AND CONTAINS(file_name, ?) AND merged_at <= DATEADD('day', -1, SYSDATE()) GROUP BY kafka_partition`,
  )
  const recent = await query(
    `SELECT file_name, SUM(row_count) AS ROW_COUNT, MAX(merged_at) AS LAST_MERGED, MAX(newest_ts) AS NEWEST FROM ${mergedFiles}
     WHERE target_table = ? AND CONTAINS(file_name, ?) AND merged_at > DATEADD('day', -1, SYSDATE()) GROUP BY file_name`,
  )
  return {
    before: new Map(before.map((row) => [Number(row['P']), BigInt(String(row['UNTIL']))])),
    merged: recent.flatMap((row) => {
      const name = parseLandingName(topic, String(row['FILE_NAME']))
      if (!name) return []
      return [{ ...name, rows: Number(row['ROW_COUNT']), lastMergedAt: row['LAST_MERGED'] as Date, ...newest(row) }]
    }),
  }
}

/** Partitions in one statement. */
const partitionsMax = 200

/** What the landing table holds of these offsets, by file. @throws Failure as Session.query, RIGHT_MISSING */
export async function readLandedOf(
  session: Session,
  warehouse: WarehouseConfig,
  topic: string,
  ranges: readonly (OffsetRange & { readonly partition: number })[],
): Promise<readonly (LandedFile & Newest)[]> {
  const { landing } = topicNames(warehouse, topic)
  const found: (LandedFile & Newest)[] = []
  for (let start = 0; start < ranges.length; start += partitionsMax) {
    const places = ranges
      .slice(start, start + partitionsMax)
      .map(
        ({ partition, first, last }) =>
          `(kafka_partition = ${partition} AND kafka_offset BETWEEN ${first} AND ${last})`,
      )
    const rows = await needing(warehouse, `SELECT ON TABLE ${landing.sql}`, () =>
      session.query(
        `SELECT file_name, COUNT(DISTINCT file_row_number) AS ROW_COUNT, MIN(load_time) AS FIRST_LOADED,
           MAX(COALESCE(source_ts, kafka_timestamp)) AS NEWEST
         FROM ${landing.sql} WHERE ${places.join(' OR ')} GROUP BY file_name`,
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

function newest(row: Row): Newest {
  const cell = row['NEWEST'] ?? null
  return { newestMs: cell === null ? null : Number(cell) }
}
