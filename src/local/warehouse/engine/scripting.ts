/**
 * Scripting blocks: statements in order, and what happens when one of them fails.
 */
import type { Result } from '../engine.ts'
import { listing, textType } from './outcome.ts'
import { type Block, SqlError, type Statement } from '../sql/statement.ts'

/** What a block needs of the session that it runs in. */
export interface BlockHost {
  run(statement: Statement): Promise<Result>
  readonly inTransaction: boolean
  rollback(): Promise<void>
}

/**
 * Runs a block. An error that the handler does not catch, or raises again, ends the block; the transaction that the block
 * opened is rolled back then. A transaction that the block leaves open is an error too.
 */
export async function runBlock(host: BlockHost, block: Block): Promise<Result> {
  const openedBefore = host.inTransaction
  try {
    await runStatements(host, block)
    if (host.inTransaction && !openedBefore) {
      throw new SqlError('090232', '25000', 'The transaction that the block started was not ended; it was rolled back.')
    }
  } catch (error) {
    if (host.inTransaction && !openedBefore) await host.rollback()
    throw error
  }
  return listing('select', [['anonymous block', textType]], [[null]])
}

async function runStatements(host: BlockHost, { statements, handler }: Block): Promise<void> {
  try {
    for (const statement of statements) await host.run(statement)
  } catch (error) {
    // WHEN OTHER catches what the SQL is to blame for; a broken engine is not that.
    if (!(error instanceof SqlError) || !handler) throw error
    for (const statement of handler) {
      if (statement.kind === 'raise') throw error
      await host.run(statement)
    }
  }
}
