/**
 * Looks at everything in Snowflake that the configuration needs, changing nothing: session, migrations, rights. The objects are
 * object-checks.ts; printing is the command's.
 */
import type { Config, WarehouseConfig } from '../config.ts'
import { failures, toFailure } from '../failure.ts'
import { doubtful, type Finding, unreadable, well, wrong } from '../finding.ts'
import type { Session } from '../snowflake/session.ts'
import type { Answer, Notification } from '../stage/bucket.ts'
import { type PendingScript, pendingScripts, readLedger } from './migrations.ts'
import { roleNames, sharedNames, topicNames } from './names.ts'
import { judgeNotification } from './notifications.ts'
import { checkObjects } from './object-checks.ts'
import { renderScripts, type Template } from './render.ts'
import { needing, roleInUse } from './rights.ts'

export type WarehouseGround = {
  readonly session: Session
  readonly config: Config
  readonly warehouse: WarehouseConfig
  readonly templates: readonly Template[]
  /** of the bucket; null where it could not be asked */
  readonly notifications: Answer<readonly Notification[]> | null
}

/** Never throws for what Snowflake answers: what cannot be read is a finding. */
export async function checkWarehouse(ground: WarehouseGround): Promise<readonly Finding[]> {
  const { session, config, warehouse, notifications } = ground
  const { findings: ledger, pending } = await checkLedger(ground)
  const findings = [await checkSession(session, warehouse), await checkClock(session), ...ledger]
  // Before the first migration there is nothing to look at, and each object would say so.
  if (pending === 'all') return findings
  // What is not there yet would be taken for what may not be seen.
  if (pending.length === 0 && ledger.every(({ level }) => level === 'ok')) findings.push(await checkRights(ground))
  const objects = await checkObjects(session, config, warehouse, pending)
  findings.push(...objects.findings)
  const look = { part: 'warehouse', what: 'notifications' } as const
  if (!notifications) return findings
  const topics = [...new Set(config.tables.map(({ topic }) => topic))]
  return [
    ...findings,
    ...objects.channels.map((channel) => judgeNotification(look, channel, notifications, config.stage, topics)),
  ]
}

async function checkSession(session: Session, warehouse: WarehouseConfig): Promise<Finding> {
  const look = { part: 'warehouse', what: 'role' } as const
  try {
    const [row] = await session.query('SELECT CURRENT_ROLE() AS ROLE')
    const role = String(row?.['ROLE'])
    const bare = (name: string) => name.replaceAll('"', '')
    const { owner, ingest } = roleNames(warehouse)
    const isMighty = [bare(owner), 'ACCOUNTADMIN', 'SYSADMIN', 'SECURITYADMIN'].includes(bare(role))
    if (!isMighty) return well(look, role)
    const hint = `Set warehouse.role to ${bare(ingest)} for the service, and for migrations: FIRN_WAREHOUSE_ROLE=${bare(owner)} firn migrate`
    return doubtful(look, `${role} may change and drop what firn run only reads`, hint)
  } catch (error) {
    return unreadable(look, error)
  }
}

/** Beyond it, ages and lags mislead. A request is given that much for its way too. */
const skewMaxMs = 60_000

async function checkClock(session: Session): Promise<Finding> {
  const look = { part: 'warehouse', what: 'clock' } as const
  try {
    const beforeMs = Date.now()
    const [row] = await session.query('SELECT SYSDATE() AS NOW')
    const afterMs = Date.now()
    const now = row?.['NOW']
    if (!(now instanceof Date)) return well(look, 'not known')
    const theirMs = now.getTime()
    // Anything between the two is no skew.
    const skewMs = theirMs < beforeMs ? theirMs - beforeMs : Math.max(0, theirMs - afterMs)
    const seconds = Math.round(Math.abs(skewMs) / 1_000)
    if (Math.abs(skewMs) <= skewMaxMs) return well(look, 'goes with that of this host')
    const hint =
      "Set this host's clock (NTP): ages and lags are wrong by as much, and some minutes make S3 and key logins refuse."
    return doubtful(look, `is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} that of this host`, hint)
  } catch (error) {
    return unreadable(look, error)
  }
}

type LedgerCheck = {
  readonly findings: readonly Finding[]
  /** `all`: none was applied */
  readonly pending: readonly PendingScript[] | 'all'
}

async function checkLedger({ session, config, warehouse, templates }: WarehouseGround): Promise<LedgerCheck> {
  const look = { part: 'warehouse', what: 'migrations' } as const
  try {
    const scripts = renderScripts(templates, config)
    const ledger = await readLedger(session, warehouse)
    const pending = pendingScripts(scripts, ledger)
    if (pending.length === 0) return { findings: [well(look, `all ${scripts.length} scripts are applied`)], pending }
    if (ledger.size === 0) {
      const { ledger: name } = sharedNames(warehouse)
      const hint = `Run: firn migrate. Where it has run: GRANT SELECT ON TABLE ${name} TO ROLE ${roleInUse(warehouse)}, and USAGE on its database and schema`
      return { findings: [wrong(look, 'none applied yet, or this role may not see them', hint)], pending: 'all' }
    }
    const names = pending.map(({ script }) => script.name).join(', ')
    const detail = `${pending.length} of ${scripts.length} scripts are not applied: ${names}`
    return { findings: [wrong(look, detail, failures.MIGRATION_MISSING.hint)], pending }
  } catch (error) {
    return { findings: [unreadable(look, error)], pending: [] }
  }
}

/** What the running service reads; each of these rights is named where it is missing. */
async function checkRights({ session, config, warehouse }: WarehouseGround): Promise<Finding> {
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
