/**
 * A small second implementation of a session: keeps the ledger, and takes every other statement down in order.
 */
import { Failure } from '../../src/failure.ts'
import type { Session } from '../../src/snowflake/session.ts'

export type LedgerSession = Session & {
  /** statements other than those that read or write the ledger */
  readonly ran: string[]
  readonly ledger: Map<string, string>
  /** the next statements that begin so fail, once each */
  readonly failing: string[]
}

export function ledgerSession(): LedgerSession {
  const ran: string[] = []
  const ledger = new Map<string, string>()
  const failing: string[] = []
  let hasLedger = false

  function run(sql: string): number {
    const fails = failing.findIndex((start) => sql.startsWith(start))
    if (fails >= 0) {
      failing.splice(fails, 1)
      throw new Failure('STATEMENT_FAILED', `refused: ${sql}`, { cause: { sqlState: '42501' } })
    }
    if (/^MERGE INTO \S+\.FIRN\.MIGRATIONS /.test(sql)) {
      const [, script = '', checksum = ''] = /'([^']*)' AS script, '([^']*)' AS checksum/.exec(sql) ?? []
      ledger.set(script, checksum)
      return 1
    }
    if (/^CREATE TABLE IF NOT EXISTS \S+\.FIRN\.MIGRATIONS /.test(sql)) hasLedger = true
    ran.push(sql)
    return 0
  }

  return {
    ran,
    ledger,
    failing,
    query(sql) {
      if (!/^SELECT script, checksum FROM \S+\.FIRN\.MIGRATIONS$/.test(sql)) throw new Error(`not known here: ${sql}`)
      if (!hasLedger) {
        const missing = new Failure('STATEMENT_FAILED', 'does not exist', { cause: { sqlState: '02000' } })
        return Promise.reject(missing)
      }
      return Promise.resolve([...ledger].map(([SCRIPT, CHECKSUM]) => ({ SCRIPT, CHECKSUM })))
    },
    execute: (sql) => Promise.resolve().then(() => run(sql)),
    close: () => Promise.resolve(),
  }
}
