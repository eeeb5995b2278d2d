/**
 * Looks at everything in Snowflake that the configuration needs, changing nothing. Printing is the command's.
 */
import type { Config, TableConfig, WarehouseConfig } from '../config.ts'
import { failures, toFailure } from '../failure.ts'
import { type Finding, unreadable, well, wrong } from '../finding.ts'
import { identifier } from '../identifier.ts'
import type { Row, Session } from '../snowflake/session.ts'
import { pendingScripts, readLedger } from './migrations.ts'
import { sharedNames, streamRemake, tableNames, topicNames } from './names.ts'
import { renderScripts, type Template } from './render.ts'
import { needing, roleInUse } from './rights.ts'

/** Never throws for what Snowflake answers: what cannot be read is a finding. */
export async function checkWarehouse(
  session: Session,
  config: Config,
  warehouse: WarehouseConfig,
  templates: readonly Template[],
): Promise<readonly Finding[]> {
  const ledger = await checkLedger(session, config, warehouse, templates)
  const findings = [ledger]
  // Before that, what is not there yet would be taken for what may not be seen.
  if (ledger.ok) findings.push(await checkRights(session, config, warehouse))
  findings.push(await checkStage(session, config, warehouse))
  for (const topic of new Set(config.tables.map((table) => table.topic))) {
    findings.push(await checkPipe(session, warehouse, topic))
  }
  for (const table of config.tables) {
    findings.push(await checkStream(session, warehouse, table))
    findings.push(await checkTask(session, warehouse, table))
  }
  return findings
}

const migrateHint = failures.MIGRATION_MISSING.hint

async function checkLedger(
  session: Session,
  config: Config,
  warehouse: WarehouseConfig,
  templates: readonly Template[],
): Promise<Finding> {
  const look = { part: 'warehouse', what: 'migrations' } as const
  try {
    const scripts = renderScripts(templates, config)
    const pending = pendingScripts(scripts, await readLedger(session, warehouse))
    if (pending.length === 0) return well(look, `all ${scripts.length} scripts are applied`)
    const names = pending.map(({ script }) => script.name).join(', ')
    return wrong(look, `${pending.length} of ${scripts.length} scripts are not applied: ${names}`, migrateHint)
  } catch (error) {
    return unreadable(look, error)
  }
}

/** What the running service reads; each of these rights is named where it is missing. */
async function checkRights(session: Session, config: Config, warehouse: WarehouseConfig): Promise<Finding> {
  const look = { part: 'warehouse', what: 'rights' } as const
  const { ledger, mergedFiles, pipes } = sharedNames(warehouse)
  const landing = [...new Set(config.tables.map(({ topic }) => topicNames(warehouse, topic).landing.sql))]
  const grants: string[] = []
  try {
    for (const table of [ledger, mergedFiles, pipes, ...landing]) {
      const right = `SELECT ON TABLE ${table}`
      await needing(warehouse, right, () => session.query(`SELECT 1 FROM ${table} LIMIT 0`)).catch((error: unknown) => {
        const failure = toFailure(error)
        if (failure.code !== 'RIGHT_MISSING' || failure.command === null) throw failure
        grants.push(failure.command)
      })
    }
  } catch (error) {
    return unreadable(look, error)
  }
  if (grants.length === 0) return well(look, 'what the service reads can be read')
  return wrong(
    look,
    `${grants.length} tables cannot be read`,
    `${failures.RIGHT_MISSING.hint} Run: ${grants.join('; ')}`,
  )
}

async function checkStage(session: Session, config: Config, warehouse: WarehouseConfig): Promise<Finding> {
  const { stage } = sharedNames(warehouse)
  return await checkShown(session, warehouse, { kind: 'STAGES', name: stage.bare }, (row, look) => {
    const url = `s3://${config.stage.bucket}/${config.stage.prefix}`
    const integration = warehouse.storageIntegration
    const [isUrl, isIntegration] = [String(row['url']), String(row['storage_integration'])]
    if (isUrl !== url) {
      return wrong(look, `reads ${isUrl}, not ${url}`, 'Make stage.bucket and stage.prefix name what the stage reads.')
    }
    if (integration !== undefined && isIntegration !== integration) {
      return wrong(look, `uses ${isIntegration}, not ${integration}`, 'Check warehouse.storageIntegration.')
    }
    return well(look, `reads ${isUrl} through ${isIntegration}`)
  })
}

async function checkPipe(session: Session, warehouse: WarehouseConfig, topic: string): Promise<Finding> {
  const { pipe } = topicNames(warehouse, topic)
  return await checkShown(session, warehouse, { kind: 'PIPES', name: pipe.bare }, async (_row, look) => {
    const [answer] = await session.query(`SELECT SYSTEM$PIPE_STATUS('${pipe.sql}') AS STATUS`)
    const status = JSON.parse(String(answer?.['STATUS'])) as {
      readonly executionState?: string
      readonly pendingFileCount?: number
      readonly error?: string
    }
    const { executionState = 'unknown', pendingFileCount = 0, error } = status
    const reason = error === undefined ? '' : `: ${error}`
    const detail = `is ${executionState}, ${pendingFileCount} files wait${reason}`
    if (executionState === 'RUNNING' && error === undefined) return well(look, detail)
    return wrong(look, detail, `Mend the cause, then: ALTER PIPE ${pipe.sql} SET PIPE_EXECUTION_PAUSED = FALSE`)
  })
}

async function checkStream(session: Session, warehouse: WarehouseConfig, table: TableConfig): Promise<Finding> {
  const { stream } = tableNames(warehouse, table)
  return await checkShown(session, warehouse, { kind: 'STREAMS', name: stream.bare }, (row, look) => {
    if (String(row['stale']).toLowerCase() !== 'true') return well(look, 'is not stale')
    const remake = streamRemake(warehouse, table).join('; ')
    return wrong(look, 'is stale: it can no longer be read', `Run: ${remake} (rows that come again change nothing)`)
  })
}

async function checkTask(session: Session, warehouse: WarehouseConfig, table: TableConfig): Promise<Finding> {
  const { task } = tableNames(warehouse, table)
  return await checkShown(session, warehouse, { kind: 'TASKS', name: task.bare }, (row, look) => {
    const state = String(row['state'])
    const { schedule = null } = row
    const when = schedule === null ? 'whenever rows have landed' : `every ${String(schedule)}`
    if (state === 'started') return well(look, `is started, ${when}`)
    return wrong(look, `is ${state}`, `Run: ALTER TASK ${task.sql} RESUME`)
  })
}

type Look = { readonly part: 'warehouse'; readonly what: string }
type Shown = { readonly kind: keyof typeof seeing; readonly name: string }

/** By kind, the least right with which SHOW shows it. */
const seeing = { STAGES: 'USAGE', PIPES: 'MONITOR', STREAMS: 'SELECT', TASKS: 'MONITOR' } as const

/** Finds the object by SHOW in Firn's schema, and lets `judge` look at its row. */
async function checkShown(
  session: Session,
  warehouse: WarehouseConfig,
  { kind, name }: Shown,
  judge: (row: Row, look: Look) => Finding | Promise<Finding>,
): Promise<Finding> {
  const { schema } = sharedNames(warehouse)
  const look: Look = { part: 'warehouse', what: `${kind.toLowerCase().slice(0, -1)} ${identifier(name)}` }
  try {
    // LIKE takes _ for any character, so the row is chosen by its whole name.
    const rows = await session.query(`SHOW ${kind} LIKE '${name}' IN SCHEMA ${schema}`)
    const row = rows.find((one) => one['name'] === name)
    if (row) return await judge(row, look)
    const again = `where its script is applied already, first delete the script's row of ${sharedNames(warehouse).ledger}`
    const one = `${kind.slice(0, -1)} ${schema}.${identifier(name)}`
    const grant = `GRANT ${seeing[kind]} ON ${one} TO ROLE ${roleInUse(warehouse)}`
    return wrong(look, 'is not there, or this role may not see it', `Run: firn migrate (${again}); or: ${grant}`)
  } catch (error) {
    return unreadable(look, error)
  }
}
