/**
 * Where a statement runs: the engine, the session's state, who asks, and the transaction; and what a stream reads there.
 */
import type { Access } from './access.ts'
import type { SessionState } from '../engine.ts'
import { nameText } from '../sql/name-resolution.ts'
import { SqlError } from '../sql/statement.ts'
import type { CatalogObject } from './catalog.ts'
import type { Core } from './core.ts'
import type { Transaction } from './transaction.ts'

/** Where a statement runs. */
export type Standing = {
  readonly core: Core
  /** of the session's role; within a view, of the view's owner */
  readonly access: Access
  readonly state: SessionState
  readonly user: string
  readonly transaction: Transaction
}

/** The table that a stream reads. @throws SqlError where it is gone, another one has its name, or the stream is stale */
export function streamTable(core: Core, { id, name, definition }: CatalogObject<'stream'>): CatalogObject<'table'> {
  const { table, tableId } = definition
  const found = core.catalog.find('table', table)
  if (found?.id !== tableId) {
    const message = `Base table '${nameText(table)}' dropped, cannot read from stream '${nameText(name)}'.`
    throw new SqlError('002003', '02000', `SQL compilation error:\n${message}`)
  }
  if (core.commits.freshness.isStale(id)) {
    const message = `Stream '${nameText(name)}' is stale: nobody has consumed it for 14 days. Create it anew.`
    throw new SqlError('002003', '02000', `SQL compilation error:\n${message}`)
  }
  return found
}
