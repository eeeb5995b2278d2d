/**
 * Where a statement runs: the engine, the session's state, who asks, and the transaction; and what a stream reads there.
 */
import type { Access } from './access.ts'
import type { SessionState } from '../engine.ts'
import { nameText } from '../sql/name-resolution.ts'
import { type Name, SqlError } from '../sql/statement.ts'
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

/** @throws SqlError where the table is gone, or another one has its name */
export function streamTable(
  core: Core,
  { table, tableId }: { readonly table: Name; readonly tableId: number },
  stream: Name,
): NonNullable<ReturnType<typeof core.catalog.find<'table'>>> {
  const found = core.catalog.find('table', table)
  if (found?.id === tableId) return found
  const message = `Base table '${nameText(table)}' dropped, cannot read from stream '${nameText(stream)}'.`
  throw new SqlError('002003', '02000', `SQL compilation error:\n${message}`)
}
