/**
 * Which landing files have been loaded and merged, by what Snowflake's tables say. What follows from it for a watermark is
 * in status/watermarks.ts.
 */
import type { TableConfig, WarehouseConfig } from '../config.ts'
import { type LandingFile, parseLandingKey } from '../landing.ts'
import type { Row, Session } from '../snowflake/session.ts'
import { sharedNames, topicNames } from './names.ts'

/** `newestMs`: commit time at the source, else the Kafka timestamp, of its newest change; null where none is known. */
export type DoneFile = LandingFile & { readonly newestMs: number | null }

/** Files with at least one row in the landing table of the topic. @throws Failure as Session.query */
export async function loadedFiles(
  session: Session,
  warehouse: WarehouseConfig,
  topic: string,
): Promise<readonly DoneFile[]> {
  const rows = await session.query(
    `SELECT file_name, MAX(COALESCE(source_ts, kafka_timestamp)) AS NEWEST
     FROM ${topicNames(warehouse, topic).landing.sql} GROUP BY file_name`,
  )
  return filesOf(rows, topic)
}

/** Files whose rows the merge task of the table has taken. @throws Failure as Session.query */
export async function mergedFiles(
  session: Session,
  warehouse: WarehouseConfig,
  { topic, table }: TableConfig,
): Promise<readonly DoneFile[]> {
  const rows = await session.query(
    `SELECT file_name, MAX(newest_ts) AS NEWEST FROM ${sharedNames(warehouse).mergedFiles}
     WHERE target_table = ? GROUP BY file_name`,
    [table],
  )
  return filesOf(rows, topic)
}

/** By the last four parts of the name, which are the same however much of the path Snowflake shows before them. */
function filesOf(rows: readonly Row[], topic: string): readonly DoneFile[] {
  return rows.flatMap((row) => {
    const file = parseLandingKey('', String(row['FILE_NAME']).split('/').slice(-4).join('/'))
    const newest = row['NEWEST'] ?? null
    return file?.topic === topic ? [{ ...file, newestMs: newest === null ? null : Number(newest) }] : []
  })
}
