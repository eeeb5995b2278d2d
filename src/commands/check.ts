/**
 * `firn check`: looks at every connection and object that the configuration needs, and prints one line for each.
 */
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { type Finding, unreadable, well } from '../finding.ts'
import { connectSnowflake, type Session } from '../snowflake/session.ts'
import { settingsTable } from '../settings.ts'
import { checkKafka, checkStage } from '../status/checks.ts'
import { createLogger } from '../telemetry.ts'
import { checkWarehouse } from '../warehouse/checks.ts'
import { readTemplates } from '../warehouse/scripts.ts'
import type { Command } from './command.ts'
import { parseOptions } from './options.ts'

const options = { config: { type: 'string' }, json: { type: 'boolean' } } as const

export const command: Command = {
  summary: 'look at every connection and object, and say what is wrong',
  help: `firn check: look at every connection and object, and say what is wrong

usage: firn check [--config FILE] [--json]

Looks at Kafka (brokers, login, topics, group), at the stage (writing, listing, and that it never replaces an object) and,
where the configuration has a section warehouse, at Snowflake (login, migrations, stage, pipes, streams, tasks). Prints one
line for each, ok or fail, with what to do. Changes nothing but one small object on the stage.

Exits 0 where all is well, 3 where something is not.

  --config FILE  the configuration (default: FIRN_CONFIG, then firn.yaml)
  --json         print the findings as one JSON object

examples:
  firn check
  firn check --config firn.yaml --json

settings, in the file or in the environment (which wins):
${settingsTable().replace(/^(?=.)/gm, '  ')}`,
  async run(args, io) {
    const values = parseOptions(args, options, 'firn check --config firn.yaml')
    const config = loadConfig({ file: values.config, env: io.env })
    const logger = createLogger({ level: config.log.level, stream: io.stderr })
    const parts = await Promise.all([checkKafka(config, logger), checkStage(config), checkSnowflake(config)])
    const findings = parts.flat()
    const ok = findings.every((finding) => finding.ok)
    io.stdout.write(values.json === true ? `${JSON.stringify({ ok, findings })}\n` : findings.map(lineOf).join(''))
    return ok ? 0 : 3
  },
}

async function checkSnowflake(config: Config): Promise<readonly Finding[]> {
  const { warehouse } = config
  if (!warehouse) return []
  const look = { part: 'warehouse', what: 'login' } as const
  let session: Session
  try {
    session = await connectSnowflake(warehouse)
  } catch (error) {
    return [unreadable(look, error)]
  }
  try {
    const findings = await checkWarehouse(session, config, warehouse, await readTemplates())
    return [well(look, `as ${warehouse.user} at ${warehouse.accessUrl ?? warehouse.account}`), ...findings]
  } finally {
    await session.close()
  }
}

function lineOf({ ok, part, what, detail, hint }: Finding): string {
  const line = `${ok ? 'ok  ' : 'fail'}  ${part.padEnd('warehouse'.length)}  ${what}: ${detail}`
  return `${hint === null ? line : `${line}. ${hint}`}\n`.replace(/\s*\n\s*(?!$)/g, ' ')
}
