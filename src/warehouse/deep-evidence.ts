/**
 * Compares a target table with its landing table, by the statements under sql/audit/, and lists ids whose order is chance.
 */
import { fixed } from '../change.ts'
import type { Config, TableConfig } from '../config.ts'
import type { DeepEvidence, Deviation } from '../evidence.ts'
import { parseLandingName } from '../landing.ts'
import type { Session } from '../snowflake/session.ts'
import { tableNames } from './names.ts'
import { renderQuery, type Template } from './render.ts'
import { needing } from './rights.ts'
import { warehouseOf } from './values.ts'

/** Rows of each kind that are fetched; the rest is counted. */
const rowsMax = 1_000

/** @throws Failure as Session.query, RIGHT_MISSING, CONFIG_INVALID, SCRIPT_INVALID */
export async function readDeep(
  session: Session,
  config: Config,
  table: TableConfig,
  templates: readonly Template[],
): Promise<DeepEvidence> {
  const warehouse = warehouseOf(config)
  const { target } = tableNames(warehouse, table)
  const values = { limit: String(rowsMax), epoch_start: `${fixed(table.epoch, 5)}.` }
  const query = (file: string) => session.query(renderQuery(templates, file, { config, table, values }))
  const rows = await needing(warehouse, `SELECT ON TABLE ${target}`, () => query('10_target.sql'))
  const deviations = rows.map((row): Deviation => {
    const file = parseLandingName(table.topic, String(row['FILE_NAME']))
    return {
      code: row['CODE'] as Deviation['code'],
      id: String(row['ID']),
      file: file?.name ?? null,
      isMendable: row['MENDABLE'] === true,
    }
  })
  const totals = Object.fromEntries(rows.map((row) => [String(row['CODE']), Number(row['TOTAL'])] as const))
  if (table.order !== undefined) return { deviations, totals, unordered: null }
  const spread = await query('20_unordered.sql')
  const unordered = { ids: spread.map((row) => String(row['ID'])), total: Number(spread[0]?.['TOTAL'] ?? 0) }
  return { deviations, totals, unordered }
}
