/**
 * `firn check`: looks at every connection and object that the configuration needs, and prints one line for each.
 */
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { type Finding, unreadable, well } from '../finding.ts'
import { connectSnowflake, type Session } from '../snowflake/session.ts'
import { settingsTable } from '../settings.ts'
import { checkKafka } from '../status/check-kafka.ts'
import { checkStage, type StageCheck } from '../status/check-stage.ts'
import { createLogger, type Logger } from '../telemetry.ts'
import { checkWarehouse } from '../warehouse/checks.ts'
import { readTemplates } from '../warehouse/scripts.ts'
import { checkEpochs } from './check-epochs.ts'
import type { Command } from './command.ts'
import { parseOptions, withConfig } from './options.ts'

const options = { config: { type: 'string' }, json: { type: 'boolean' } } as const

export const command: Command = {
  summary: 'look at every connection and object, and say what is wrong',
  help: `firn check: look at every connection and object, and say what is wrong

usage: firn check [--config FILE] [--json]

Prints a line for each of these, ok, warn or fail, with what to do where it is not ok:

  kafka      brokers and login; each topic: is it there, its partitions, READ and DESCRIBE; the group: READ and DESCRIBE
  stage      that no object is ever replaced; what the key may do (put, get and list are needed, delete is not); encryption,
             versioning and public access, as far as the key may ask; the settings against the record of each topic's epoch
  warehouse  login, role, clock, migrations, rights, stage, pipes, streams, tasks, and whether the bucket notifies the pipes'
             queue; only where the configuration has this section

A part that does not answer hides nothing of the others. Changes nothing but two small objects on the stage, under _firn/.
warn: all works, and something is not as it should be, or could not be seen. What this key may not ask, and ingest does not need, is no fault.

Exits 0 where nothing fails, also with warnings; 3 where something does, which includes what cannot be reached; 2 where the
configuration is not valid; 1 where firn itself fails.

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
    const stage = checkStage(config)
    const parts = await Promise.allSettled([checkIngest(config, logger, stage), checkSnowflake(config, stage)])
    const findings = parts.flatMap((part) => (part.status === 'fulfilled' ? part.value : []))
    const shown = findings.map(({ hint, ...rest }) => ({
      ok: rest.level !== 'failure',
      ...rest,
      hint: hint && withConfig(hint, values.config),
    }))
    const broken = parts.find((part) => part.status === 'rejected')
    const ok = !broken && shown.every((finding) => finding.ok)
    io.stdout.write(values.json === true ? `${JSON.stringify({ ok, findings: shown })}\n` : shown.map(lineOf).join(''))
    if (broken) throw broken.reason
    return ok ? 0 : 3
  },
}

/** The first half, and what both of its ends must agree on. */
async function checkIngest(config: Config, logger: Logger, stage: Promise<StageCheck>): Promise<readonly Finding[]> {
  const [kafka, { findings, isReadable }] = await Promise.all([checkKafka(config, logger), stage])
  return [...kafka.findings, ...findings, ...(isReadable ? await checkEpochs(config, kafka) : [])]
}

async function checkSnowflake(config: Config, stage: Promise<StageCheck>): Promise<readonly Finding[]> {
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
    const [{ notifications }, templates] = await Promise.all([stage, readTemplates()])
    const findings = await checkWarehouse({ session, config, warehouse, templates, notifications })
    return [well(look, `as ${warehouse.user} at ${warehouse.accessUrl ?? warehouse.account}`), ...findings]
  } finally {
    await session.close()
  }
}

const marks = { ok: 'ok  ', warning: 'warn', failure: 'fail' } as const

function lineOf({ level, part, what, detail, hint }: Finding): string {
  const line = `${marks[level]}  ${part.padEnd('warehouse'.length)}  ${what}: ${detail}`
  return `${hint === null ? line : `${line}. ${hint}`}\n`.replace(/\s*\n\s*(?!$)/g, ' ')
}
