/**
 * Reads what Snowflake knows of landing files: the load history, the landing table, and what the merges have taken.
 */
import type { TableConfig, WarehouseConfig } from '../config.ts'
import type { LandedFile, LoadRecord, MergedFile } from '../evidence.ts'
import { type LandingName, parseLandingName } from '../landing.ts'
import type { Cell, Row, Session } from '../snowflake/session.ts'
import { sharedNames, topicNames } from './names.ts'
import { masked } from './masked.ts'
import { needing } from './rights.ts'

/** Of all files of the topic, or of those alone that a run of a backfill has stored. */
export type FileScope = { readonly run?: string }

/** A name of a run has neither quotes nor anything that could be taken for more than itself. */
function inScope({ run }: FileScope): string {
  if (run === undefined) return 'TRUE'
  return `(${['/', '.', '_'].map((end) => `CONTAINS(file_name, '/run-${run}${end}')`).join(' OR ')})`
}

/** 14 days less an hour: Snowflake refuses to be asked for more, and its clock is not this one. */
const historyHours = 14 * 24 - 1

/** What pipes and COPY statements did into the landing table of a topic. @throws Failure as Session.query, RIGHT_MISSING */
export async function readLoads(
  session: Session,
  warehouse: WarehouseConfig,
  topic: string,
  { hours = historyHours, onlyFailed = false }: { readonly hours?: number; readonly onlyFailed?: boolean } = {},
): Promise<readonly LoadRecord[]> {
  const { landing } = topicNames(warehouse, topic)
  const rows = await needing(warehouse, `SELECT ON TABLE ${landing.sql}`, () =>
    session.query(
      `SELECT file_name, stage_location, status, row_count, first_error_message, pipe_name, last_load_time
       FROM TABLE(${sharedNames(warehouse).database}.INFORMATION_SCHEMA.COPY_HISTORY(
         TABLE_NAME => '${landing.sql}', START_TIME => DATEADD('hour', -${hours}, CURRENT_TIMESTAMP())))
       ${onlyFailed ? "WHERE status NOT IN ('Loaded', 'Load in progress')" : ''}`,
    ),
  )
  return rows.flatMap((row) => {
    const name = parseLandingName(topic, `${textOf(row['STAGE_LOCATION'])}/${textOf(row['FILE_NAME'])}`)
    const at = timeOf(row['LAST_LOAD_TIME'])
    if (!name || !at) return []
    const [status, count] = [textOf(row['STATUS']), Number(row['ROW_COUNT'] ?? 0)]
    const [error, pipe] = [maskedOrNull(textOrNull(row['FIRST_ERROR_MESSAGE'])), textOrNull(row['PIPE_NAME'])]
    return [{ ...name, status, rows: count, error, pipe, at }]
  })
}

/** @throws Failure as Session.query, RIGHT_MISSING */
export async function readLanded(
  session: Session,
  warehouse: WarehouseConfig,
  topic: string,
  scope: FileScope = {},
): Promise<readonly LandedFile[]> {
  const { landing } = topicNames(warehouse, topic)
  const rows = await needing(warehouse, `SELECT ON TABLE ${landing.sql}`, () =>
    session.query(
      `SELECT file_name, COUNT(DISTINCT file_row_number) AS row_count, MIN(load_time) AS first_loaded
       FROM ${landing.sql} WHERE ${inScope(scope)} GROUP BY file_name`,
    ),
  )
  return named(rows, topic, (name, row) => {
    return { ...name, rows: Number(row['ROW_COUNT']), firstLoadedAt: timeOf(row['FIRST_LOADED']) ?? new Date(0) }
  })
}

/** @throws Failure as Session.query, RIGHT_MISSING */
export async function readMerged(
  session: Session,
  warehouse: WarehouseConfig,
  { topic, table }: TableConfig,
  scope: FileScope = {},
): Promise<readonly MergedFile[]> {
  const { mergedFiles } = sharedNames(warehouse)
  const rows = await needing(warehouse, `SELECT ON TABLE ${mergedFiles}`, () =>
    session.query(
      `SELECT file_name, SUM(row_count) AS row_count, MAX(merged_at) AS last_merged
       FROM ${mergedFiles} WHERE target_table = ? AND ${inScope(scope)} GROUP BY file_name`,
      [table],
    ),
  )
  return named(rows, topic, (name, row) => {
    return { ...name, rows: Number(row['ROW_COUNT']), lastMergedAt: timeOf(row['LAST_MERGED']) ?? new Date(0) }
  })
}

function named<T>(rows: readonly Row[], topic: string, of: (name: LandingName, row: Row) => T): readonly T[] {
  return rows.flatMap((row) => {
    const name = parseLandingName(topic, textOf(row['FILE_NAME']))
    return name ? [of(name, row)] : []
  })
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === 'string' ? cell : ''
}

function textOrNull(cell: Cell | undefined): string | null {
  return typeof cell === 'string' && cell !== '' ? cell : null
}

function timeOf(cell: Cell | undefined): Date | null {
  return cell instanceof Date ? cell : null
}

function maskedOrNull(text: string | null): string | null {
  return text === null ? null : masked(text)
}
