/**
 * Which landing files have been loaded and merged, by what Snowflake's tables say. What follows from it for a watermark is
 * in status/watermarks.ts.
 */
import type { TableConfig, WarehouseConfig } from '../config.ts'
import { type LandingFile, parseLandingKey } from '../landing.ts'
import type { Row, Session } from '../snowflake/session.ts'
import { sharedNames, topicNames } from './names.ts'

/** Files with at least one row in the landing table of the topic. @throws Failure as Session.query */
export async function loadedFiles(
  session: Session,
  warehouse: WarehouseConfig,
  topic: string,
): Promise<readonly LandingFile[]> {
  const rows = await session.query(`SELECT DISTINCT file_name FROM ${topicNames(warehouse, topic).landing.sql}`)
  return filesOf(rows, topic)
}

/** Files whose rows the merge task of the table has taken. @throws Failure as Session.query */
export async function mergedFiles(
  session: Session,
  warehouse: WarehouseConfig,
  { topic, table }: TableConfig,
): Promise<readonly LandingFile[]> {
  const rows = await session.query(
    `SELECT DISTINCT file_name FROM ${sharedNames(warehouse).mergedFiles} WHERE target_table = ?`,
    [table],
  )
  return filesOf(rows, topic)
}

/** By the last four parts of the name, which are the same however much of the path Snowflake shows before them. */
function filesOf(rows: readonly Row[], topic: string): readonly LandingFile[] {
  return rows.flatMap((row) => {
    const file = parseLandingKey('', String(row['FILE_NAME']).split('/').slice(-4).join('/'))
    return file?.topic === topic ? [file] : []
  })
}
