/**
 * `firn trace`: one row of a target table, and every change of it that has landed. Why each won or lost is decided in
 * warehouse/trace.ts, how it is told in trace-report.ts.
 */
import { loadConfig } from '../config-source.ts'
import { readAuditTemplates } from '../warehouse/scripts.ts'
import { judgeTrace } from '../warehouse/trace.ts'
import { readTrace } from '../warehouse/trace-evidence.ts'
import { warehouseOf } from '../warehouse/values.ts'
import type { Command } from './command.ts'
import { required, tableNamed } from './named-option.ts'
import { parseOptions } from './options.ts'
import { jsonOf, textOf } from './trace-report.ts'
import { withWarehouse } from './warehouse-session.ts'

const options = {
  config: { type: 'string' },
  table: { type: 'string' },
  id: { type: 'string' },
  json: { type: 'boolean' },
} as const

const example = 'firn trace --table SHOP.ORDERS --id 4711'

export const command: Command = {
  summary: 'show every landed change of one row, and why it won or lost',
  help: `firn trace: show every landed change of one row, and why it won or lost

usage: firn trace --table SCHEMA.TABLE --id ID [--config FILE] [--json]

Prints the row as the target table holds it, or the tombstone of its newest delete, or that there is neither; the floor of the
table; and each change of the id that the landing table still holds, the largest position first: op, position, where it came
from, its file, when it was committed at the source, staged, loaded and merged, and what became of it. Landing rows go
warehouse.landingDays after they were loaded; what is older is out of sight. Changes nothing.

Where the table says something else than its changes do, firn audit --deep finds that too. Needs the rights of the role of
operators (warehouse.rolePrefix, _OPERATOR). Exits 0, also where nothing is known of the id.

  --table SCHEMA.TABLE  a table of the configuration
  --id ID               as in the column ID: the value of one key column, a JSON array of several
  --config FILE         the configuration (default: FIRN_CONFIG, then firn.yaml)
  --json                print the result as one JSON object; offsets are text, and the row is DATA's JSON text

examples:
  ${example}
  firn trace --table SHOP.ORDER_LINES --id '[4711,"A"]' --json
`,
  async run(args, io) {
    const values = parseOptions(args, options, example)
    const config = loadConfig({ file: values.config, env: io.env })
    const table = tableNamed(config, required(values.table, 'table', example))
    const id = required(values.id, 'id', example)
    const templates = await readAuditTemplates()
    const traced = await withWarehouse(config, (session) => readTrace(session, config, { table, id }, templates))
    const { landingDays } = warehouseOf(config)
    const told = { table: table.table, id, traced, trace: judgeTrace(traced), landingDays }
    io.stdout.write(values.json === true ? jsonOf(told) : textOf(told))
    return 0
  },
}
