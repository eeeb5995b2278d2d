/**
 * Brings the schema to what the scripts say, once each, and writes down what was applied. Which scripts those are is in
 * render.ts.
 *
 * Invariant: a script is in the ledger only after all of its statements have run. Statements may run again (each leaves
 * alone, or replaces, what is there), so a crash between them is cured by running again.
 */
import type { WarehouseConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import type { Session } from '../snowflake/session.ts'
import { sharedNames } from './names.ts'
import type { Script } from './render.ts'

/** Checksum by script name. */
export type Ledger = ReadonlyMap<string, string>

export type PendingScript = { readonly script: Script; readonly why: 'new' | 'changed' }

/**
 * What must run, in order.
 *
 * @throws Failure MIGRATION_CHANGED where a script has changed that may not, once it was applied
 */
export function pendingScripts(scripts: readonly Script[], ledger: Ledger): readonly PendingScript[] {
  const altered = scripts.filter(
    ({ name, checksum, isRepeatable }) => !isRepeatable && ledger.has(name) && ledger.get(name) !== checksum,
  )
  if (altered.length > 0) {
    const names = altered.map(({ name }) => name).join(', ')
    throw new Failure('MIGRATION_CHANGED', `applied before with another text (file or settings): ${names}`)
  }
  return scripts.flatMap((script): readonly PendingScript[] => {
    const applied = ledger.get(script.name)
    if (applied === script.checksum) return []
    return [{ script, why: applied === undefined ? 'new' : 'changed' }]
  })
}

/** What was applied so far; nothing where the ledger itself is not there yet. @throws Failure as Session.query */
export async function readLedger(session: Session, config: WarehouseConfig): Promise<Ledger> {
  try {
    const rows = await session.query(`SELECT script, checksum FROM ${sharedNames(config).ledger}`)
    return new Map(rows.map((row) => [String(row['SCRIPT']), String(row['CHECKSUM'])]))
  } catch (error) {
    if (isMissingObject(error)) return new Map()
    throw error
  }
}

/** Snowflake's SQL state 02000: the object does not exist, or this role may not see it. */
function isMissingObject(error: unknown): boolean {
  if (!(error instanceof Failure) || error.code !== 'STATEMENT_FAILED') return false
  const cause: unknown = error.cause
  return typeof cause === 'object' && cause !== null && 'sqlState' in cause && cause.sqlState === '02000'
}

/**
 * Runs one script and writes it down, unless another one that migrates at the same time has. Where a statement fails
 * because both ran it at once, what the other one has written down counts. `appliedBy` is for people.
 *
 * @returns whether it was this call that applied it
 * @throws Failure as Session.query
 */
export async function applyScript(
  session: Session,
  config: WarehouseConfig,
  { script }: PendingScript,
  appliedBy: string,
): Promise<boolean> {
  const isApplied = async () => (await readLedger(session, config)).get(script.name) === script.checksum
  if (await isApplied()) return false
  try {
    for (const statement of script.statements) await session.execute(statement)
    await session.execute(ledgerStatement(script, config, appliedBy))
    return true
  } catch (error) {
    if (await isApplied().catch(() => false)) return false
    throw error
  }
}

/**
 * Writes a script down; a MERGE, so that of two that apply it at once there is one row. Stands at the end of a rendered
 * file, so that the ledger is right whoever applies it.
 */
export function ledgerStatement({ name, checksum }: Script, config: WarehouseConfig, appliedBy: string): string {
  const by = appliedBy.replaceAll(/[\\']/g, '_')
  return `MERGE INTO ${sharedNames(config).ledger} m
USING (SELECT '${name}' AS script, '${checksum}' AS checksum, '${by}' AS applied_by) s ON m.script = s.script
WHEN MATCHED THEN UPDATE SET checksum = s.checksum, applied_by = s.applied_by, applied_at = SYSDATE()
WHEN NOT MATCHED THEN INSERT (script, checksum, applied_at, applied_by)
  VALUES (s.script, s.checksum, SYSDATE(), s.applied_by)`
}
