/**
 * What target tables know of single ids, and how far below nobody knows: what a plan of a backfill compares with.
 */
import type { TableConfig, WarehouseConfig } from '../config.ts'
import type { Row, Session } from '../snowflake/session.ts'
import { sharedNames, tableNames } from './names.ts'
import { needing } from './rights.ts'

/** The position of an id's row and of its tombstone; null where there is none. */
export type IdStanding = { readonly row: string | null; readonly tombstone: string | null }

/** Ids that one statement should be asked for. Snowflake takes 16,384 expressions in a list. */
export const idsMax = 5_000

/** By id; none for an id that the table knows nothing of. @throws Failure as Session.query, RIGHT_MISSING */
export async function readStanding(
  session: Session,
  warehouse: WarehouseConfig,
  table: Pick<TableConfig, 'table'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, IdStanding>> {
  const { target, tombstones } = tableNames(warehouse, table)
  const places = ids.map(() => '?').join(', ')
  const read = (of: string, sql: string): Promise<readonly Row[]> =>
    needing(warehouse, `SELECT ON TABLE ${of}`, () => session.query(sql, ids))
  const rows = await read(target, `SELECT ID, _POSITION AS P FROM ${target} WHERE ID IN (${places})`)
  const dead = await read(tombstones.sql, `SELECT id, position AS P FROM ${tombstones.sql} WHERE id IN (${places})`)
  const [rowOf, deadOf] = [rows, dead].map((all) => new Map(all.map((one) => [String(one['ID']), String(one['P'])])))
  return new Map(
    [...new Set([...(rowOf?.keys() ?? []), ...(deadOf?.keys() ?? [])])].map((id) => [
      id,
      { row: rowOf?.get(id) ?? null, tombstone: deadOf?.get(id) ?? null },
    ]),
  )
}

/** The position below which the table's tombstones were pruned; empty where none were. @throws as readStanding */
export async function readFloor(
  session: Session,
  warehouse: WarehouseConfig,
  { table }: Pick<TableConfig, 'table'>,
): Promise<string> {
  const { floors } = sharedNames(warehouse)
  const [row] = await needing(warehouse, `SELECT ON TABLE ${floors}`, () =>
    session.query(`SELECT COALESCE(MAX(floor), '') AS FLOOR FROM ${floors} WHERE target_table = ?`, [table]),
  )
  return String(row?.['FLOOR'] ?? '')
}
