/**
 * Reads what a target table and the tables around it say of one id. What follows from it is decided in trace.ts.
 */
import type { Config, TableConfig } from '../config.ts'
import { parseLandingName } from '../landing.ts'
import type { Bind, Cell, Row, Session } from '../snowflake/session.ts'
import { type Rejection, rejectionOf } from './message-columns.ts'
import { sharedNames, tableNames, topicNames } from './names.ts'
import { renderQuery, type Template } from './render.ts'
import { needing } from './rights.ts'
import { type LandedVersion, mergedAtOf, type TracedRow, type TraceEvidence } from './trace.ts'
import { warehouseOf } from './values.ts'

/** Versions that are fetched; the rest is counted. */
const versionsMax = 1_000

export type Traced = TraceEvidence & {
  /** of versions, those that were not fetched among them */
  readonly total: number
}

/**
 * The landing table is asked first and the target last, so that what the target holds is merged, and never looks as if it waited.
 *
 * @throws Failure as Session.query, RIGHT_MISSING, CONFIG_INVALID, SCRIPT_INVALID
 */
export async function readTrace(
  session: Session,
  config: Config,
  { table, id }: { readonly table: TableConfig; readonly id: string },
  templates: readonly Template[],
): Promise<Traced> {
  const warehouse = warehouseOf(config)
  const { landing } = topicNames(warehouse, table.topic)
  const { target, tombstones } = tableNames(warehouse, table)
  const { mergedFiles, mergeRejects, floors } = sharedNames(warehouse)
  const ask = (name: string, sql: string, binds: readonly Bind[]): Promise<readonly Row[]> =>
    needing(warehouse, `SELECT ON TABLE ${name}`, () => session.query(sql, binds))

  const values = { limit: String(versionsMax) }
  const landed = await ask(landing.sql, renderQuery(templates, '30_versions.sql', { config, table, values }), [id])
  const merges = await ask(
    mergedFiles,
    `SELECT file_name, merged_at FROM ${mergedFiles}
     WHERE target_table = ? AND file_name IN (SELECT file_name FROM ${landing.sql} WHERE id = ?)`,
    [table.table, id],
  )
  const refused = await ask(
    mergeRejects,
    // As long as the merge keeps an id there.
    `SELECT kafka_partition, kafka_offset, row_index, position, file_name, MAX(error) AS ERROR FROM ${mergeRejects}
     WHERE target_table = ? AND id = SUBSTR(?, 1, 65536)
     GROUP BY kafka_partition, kafka_offset, row_index, position, file_name`,
    [table.table, id],
  )
  const [floor] = await ask(floors, `SELECT MAX(floor) AS FLOOR FROM ${floors} WHERE target_table = ?`, [table.table])
  const [tombstone] = await ask(
    tombstones.sql,
    `SELECT MAX(position) AS POSITION FROM ${tombstones.sql} WHERE id = ?`,
    [id],
  )
  const flag = table.deletes === 'soft' ? 'COALESCE(_DELETED, FALSE)' : 'NULL'
  const [row] = await ask(
    target,
    `SELECT DATA, LAST_UPDATED, _POSITION AS POSITION, ${flag} AS DELETED FROM ${target} WHERE ID = ?`,
    [id],
  )
  return {
    deletes: table.deletes,
    row: row ? tracedRow(row) : null,
    tombstone: textOf(tombstone?.['POSITION']),
    floor: textOf(floor?.['FLOOR']),
    versions: versionsOf(table.topic, landed, { merges, refused }),
    total: Number(landed[0]?.['TOTAL'] ?? 0),
  }
}

type Books = { readonly merges: readonly Row[]; readonly refused: readonly Row[] }

function versionsOf(topic: string, landed: readonly Row[], { merges, refused }: Books): readonly LandedVersion[] {
  const mergesOf = Map.groupBy(merges, (row) => String(row['FILE_NAME']))
  const errors = new Map(refused.map((row) => [placeOf(row), textOf(row['ERROR'])] as const))
  const copies = new Map<string, number>()
  return landed.map((row) => {
    const fileName = String(row['FILE_NAME'])
    const loadedAt = timeOf(row['LOAD_TIME']) ?? new Date(0)
    const own = `${fileName} ${String(row['FILE_ROW_NUMBER'])}`
    const copy = copies.get(own) ?? 0
    copies.set(own, copy + 1)
    const times = (mergesOf.get(fileName) ?? []).flatMap((merge) => timeOf(merge['MERGED_AT']) ?? [])
    return {
      op: String(row['OP']),
      position: textOf(row['POSITION']),
      partition: Number(row['KAFKA_PARTITION']),
      offset: BigInt(String(row['KAFKA_OFFSET'])),
      rowIndex: Number(row['ROW_INDEX']),
      file: parseLandingName(topic, fileName)?.name ?? fileName,
      fileRow: Number(row['FILE_ROW_NUMBER']),
      sourceAt: msOf(row['SOURCE_TS']),
      kafkaAt: msOf(row['KAFKA_TIMESTAMP']),
      stagedAt: timeOf(row['STAGED_AT']),
      loadedAt,
      mergedAt: mergedAtOf(loadedAt, times, copy),
      rejection: rejectionIn(row, errors.get(placeOf(row)) ?? null),
      isAltered: row['ALTERED'] === true,
    }
  })
}

/** Also where what the merge has noted was removed, for a later revision has resolved it. */
function rejectionIn(row: Row, error: string | null): Rejection | null {
  if (error !== null) return rejectionOf(error)
  const code = textOf(row['REFUSAL'])
  return code === null ? null : { code, reason: 'it is not listed any more' }
}

function placeOf(row: Row): string {
  const columns = ['KAFKA_PARTITION', 'KAFKA_OFFSET', 'ROW_INDEX', 'POSITION', 'FILE_NAME']
  return columns.map((column) => String(row[column])).join(' ')
}

function tracedRow(row: Row): TracedRow {
  return {
    data: String(row['DATA']),
    lastUpdated: timeOf(row['LAST_UPDATED']) ?? new Date(0),
    position: String(row['POSITION']),
    isDeleted: typeof row['DELETED'] === 'boolean' ? row['DELETED'] : null,
  }
}

function textOf(cell: Cell | undefined): string | null {
  return typeof cell === 'string' ? cell : null
}

function timeOf(cell: Cell | undefined): Date | null {
  return cell instanceof Date ? cell : null
}

/** Null also for what is beyond the calendar. */
function msOf(cell: Cell | undefined): Date | null {
  const time = typeof cell === 'string' ? new Date(Number(cell)) : null
  return time && !Number.isNaN(time.getTime()) ? time : null
}
