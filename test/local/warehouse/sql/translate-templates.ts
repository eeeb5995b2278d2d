/**
 * The project's SQL files with their placeholders filled, for tests that need the real statements.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../../../..')

const values: Readonly<Record<string, string>> = {
  database: 'CDC',
  storage_integration: 'FIRN_S3',
  stage_url: 's3://cdc/firn/',
  topic: 'shop.customers',
  topic_path: 'shop.customers/',
  stage: 'CDC.FIRN.STAGE',
  file_format: 'CDC.FIRN.LANDING_FORMAT',
  landing: 'CDC.FIRN.SHOP_CUSTOMERS_LANDING',
  landing_name: 'SHOP_CUSTOMERS_LANDING',
  pipe: 'CDC.FIRN.SHOP_CUSTOMERS_PIPE',
  stream: 'CDC.FIRN.SHOP_CUSTOMERS_STREAM',
  task: 'CDC.FIRN.SHOP_CUSTOMERS_MERGE',
  task_compute: 'WAREHOUSE = FIRN_WH',
  schedule: '1 MINUTE',
  target: 'CDC.SHOP.CUSTOMERS',
  target_schema: 'CDC.SHOP',
  target_name: 'SHOP.CUSTOMERS',
  tombstones: 'CDC.FIRN.SHOP_CUSTOMERS_TOMBSTONES',
  rejects: 'CDC.FIRN.SHOP_CUSTOMERS_REJECTS',
  merge_rejects: 'CDC.FIRN.MERGE_REJECTS',
  merged_files: 'CDC.FIRN.MERGED_FILES',
}

export function rendered(file: string): string {
  return readFileSync(join(root, file), 'utf8').replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${file} has a placeholder ${name} that this test does not fill`)
    return value
  })
}
