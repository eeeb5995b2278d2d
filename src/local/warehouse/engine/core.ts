/**
 * What the parts of the engine share: the store and its commits, the catalogue and its grants, time, and the users.
 */
import type { Logger } from '../../../telemetry.ts'
import type { Stage } from '../../../stage/stage.ts'
import type { Catalog } from './catalog.ts'
import type { Clock } from './clock.ts'
import type { EngineUser } from './beforehand.ts'
import type { Grants } from './grants.ts'
import type { Connection, Store } from './store.ts'
import { type Commits, Transaction } from './transaction.ts'

export type Core = {
  readonly store: Store
  readonly commits: Commits
  readonly catalog: Catalog
  readonly grants: Grants
  readonly clock: Clock
  readonly logger: Logger
  /** for what is being loaded */
  readonly loadDir: string
  /** by name */
  readonly users: ReadonlyMap<string, EngineUser>
  readonly openBucket: (bucket: string) => Stage
  /** where the notifications of all pipes come from; null: there are none */
  readonly notificationChannel: string | null
  /** a pipe may have something to do */
  wakePipes: () => void
}

/** What runs in the background and has to hear of what sessions do. */
export type Background = {
  /** the catalogue of tasks has changed */
  readonly tasksChanged: () => void
  /** a pipe may have something to do */
  readonly pipesChanged: () => void
  /** runs a task once, as soon as it is not running */
  readonly executeTask: (taskId: number) => void
}

/** Runs `work` as one transaction that may write, on a connection of its own. */
export async function writing<T>(core: Core, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  return withConnection(core, async (connection) => {
    const transaction = await Transaction.beginToWrite(connection, core.commits)
    return settle(transaction, work)
  })
}

/** Runs `work` as one transaction that only reads, on a connection of its own. */
export async function reading<T>(core: Core, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  return withConnection(core, async (connection) => {
    const transaction = await Transaction.begin(connection, core.commits)
    return settle(transaction, work)
  })
}

/** Commits what `work` did, or rolls it back where it fails. */
export async function settle<T>(transaction: Transaction, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  let outcome: T
  try {
    outcome = await work(transaction)
  } catch (error) {
    await transaction.rollback()
    throw error
  }
  await transaction.commit()
  return outcome
}

async function withConnection<T>(core: Core, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await core.store.connect()
  try {
    return await work(connection)
  } finally {
    connection.close()
  }
}
