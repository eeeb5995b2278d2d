/**
 * Looks at the stage, pipes, streams and tasks in Snowflake, changing nothing. What a script that was not applied yet would make is
 * passed over: the finding about the migrations says that already.
 */
import type { Config, TableConfig, WarehouseConfig } from '../config.ts'
import { type Finding, type Look, unreadable, well, wrong } from '../finding.ts'
import { identifier } from '../identifier.ts'
import type { Row, Session } from '../snowflake/session.ts'
import type { PendingScript } from './migrations.ts'
import { type ObjectName, sharedNames, streamRemake, tableNames, topicNames } from './names.ts'
import { roleInUse } from './rights.ts'

export type ObjectChecks = {
  readonly findings: readonly Finding[]
  /** the pipes' queues, each once */
  readonly channels: readonly string[]
}

/** Never throws for what Snowflake answers: what cannot be read is a finding. */
export async function checkObjects(
  session: Session,
  config: Config,
  warehouse: WarehouseConfig,
  pending: readonly PendingScript[],
): Promise<ObjectChecks> {
  const channels = new Set<string>()
  const ground: Ground = { session, warehouse, pending, heard: (channel) => channels.add(channel) }
  const findings = [await checkStage(ground, config)]
  for (const topic of new Set(config.tables.map((table) => table.topic))) findings.push(await checkPipe(ground, topic))
  for (const table of config.tables) findings.push(await checkStream(ground, table), await checkTask(ground, table))
  return { findings: findings.flatMap((finding) => finding ?? []), channels: [...channels] }
}

type Ground = {
  readonly session: Session
  readonly warehouse: WarehouseConfig
  readonly pending: readonly PendingScript[]
  /** told of each pipe's queue */
  heard(channel: string): void
}

async function checkStage(ground: Ground, config: Config): Promise<Finding | null> {
  const { warehouse } = ground
  const { stage } = sharedNames(warehouse)
  return await checkShown(ground, 'STAGES', stage, (row, look) => {
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

async function checkPipe(ground: Ground, topic: string): Promise<Finding | null> {
  const { session, warehouse } = ground
  const { pipe } = topicNames(warehouse, topic)
  return await checkShown(ground, 'PIPES', pipe, async (row, look) => {
    const channel = row['notification_channel'] ?? null
    if (channel !== null && channel !== '') ground.heard(String(channel))
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

async function checkStream(ground: Ground, table: TableConfig): Promise<Finding | null> {
  const { warehouse } = ground
  const { stream } = tableNames(warehouse, table)
  return await checkShown(ground, 'STREAMS', stream, (row, look) => {
    if (String(row['stale']).toLowerCase() !== 'true') return well(look, 'is not stale')
    const remake = streamRemake(warehouse, table).join('; ')
    return wrong(look, 'is stale: it can no longer be read', `Run: ${remake} (rows that come again change nothing)`)
  })
}

async function checkTask(ground: Ground, table: TableConfig): Promise<Finding | null> {
  const { task } = tableNames(ground.warehouse, table)
  return await checkShown(ground, 'TASKS', task, (row, look) => {
    const state = String(row['state'])
    const { schedule = null } = row
    const when = schedule === null ? 'whenever rows have landed' : `every ${String(schedule)}`
    if (state === 'started') return well(look, `is started, ${when}`)
    return wrong(look, `is ${state}`, `Run: ALTER TASK ${task.sql} RESUME`)
  })
}

/** By kind, the least right with which SHOW shows it. */
const seeing = { STAGES: 'USAGE', PIPES: 'MONITOR', STREAMS: 'SELECT', TASKS: 'MONITOR' } as const

/** Finds the object by SHOW in Firn's schema, and lets `judge` look at its row; null where a pending script makes it. */
async function checkShown(
  { session, warehouse, pending }: Ground,
  kind: keyof typeof seeing,
  { bare, sql }: ObjectName,
  judge: (row: Row, look: Look) => Finding | Promise<Finding>,
): Promise<Finding | null> {
  const { schema, ledger } = sharedNames(warehouse)
  const one = kind.slice(0, -1)
  const look: Look = { part: 'warehouse', what: `${one.toLowerCase()} ${identifier(bare)}` }
  try {
    // LIKE takes _ for any character, so the row is chosen by its whole name.
    const rows = await session.query(`SHOW ${kind} LIKE '${bare}' IN SCHEMA ${schema}`)
    const row = rows.find(({ name }) => name === bare)
    if (row) return await judge(row, look)
    if (isPending(pending, `${one} IF NOT EXISTS ${sql}`) || isPending(pending, `OR REPLACE ${one} ${sql}`)) return null
    const again = `where its script is applied already, first delete the script's row of ${ledger}`
    const grant = `GRANT ${seeing[kind]} ON ${one} ${sql} TO ROLE ${roleInUse(warehouse)}`
    return wrong(look, 'is not there, or this role may not see it', `Run: firn migrate (${again}); or: ${grant}`)
  } catch (error) {
    return unreadable(look, error)
  }
}

function isPending(pending: readonly PendingScript[], made: string): boolean {
  return pending.some(({ script, why }) => {
    return why === 'new' && script.statements.some((statement) => statement.startsWith(`CREATE ${made}`))
  })
}
