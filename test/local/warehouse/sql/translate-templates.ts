/**
 * The project's SQL files as they are rendered for one topic and table, for tests that need the real statements.
 */
import { basename, join } from 'node:path'
import { renderAccountScript, renderScripts } from '../../../../src/warehouse/render.ts'
import { readTemplates } from '../../../../src/warehouse/scripts.ts'
import { exampleConfig } from '../../../support/config.ts'

export const root = join(import.meta.dirname, '../../../..')

const config = exampleConfig({
  warehouse: {
    account: 'local',
    user: 'FIRN',
    password: 'secret',
    warehouse: 'FIRN_WH',
    schedule: '1 MINUTE',
    storageIntegration: 'FIRN_S3',
    awsRoleArn: 'arn:aws:iam::123456789012:role/firn',
  },
  tables: [{ topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'] }],
})
const templates = await readTemplates()
const scripts = [renderAccountScript(templates, config), ...renderScripts(templates, config)]

/** The text that a file under sql/ is rendered to. */
export function rendered(file: string): string {
  const name = basename(file)
  const stem = basename(file, '.sql')
  const script = scripts.find((one) => one.name === name || one.name.includes(`__${stem}`))
  if (!script) throw new Error(`${file} is rendered to no script`)
  return script.text
}
