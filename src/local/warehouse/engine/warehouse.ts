/**
 * The engine behind the protocol server: one folder's store and catalogue, its sessions, pipes and tasks.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from '../../../stage/stage.ts'
import type { Logger } from '../../../telemetry.ts'
import { createCatalogTables } from './catalog-schema.ts'
import { Catalog } from './catalog.ts'
import type { Clock } from './clock.ts'
import { type Background, type Core, writing } from './core.ts'
import type { Engine, SessionState } from '../engine.ts'
import type { EventQueue } from './event-queue.ts'
import { missing } from '../sql/name-resolution.ts'
import type { Knobs } from './knobs.ts'
import { Pipes } from './pipes.ts'
import { Session } from './session.ts'
import { type Connection, openStore, type Store } from './store.ts'
import { closeInterruptedRuns } from './task-history.ts'
import { type RunBody, Tasks } from './tasks.ts'
import { restoreSequence } from './row-sequence.ts'
import { StreamFreshness } from './stream-freshness.ts'
import type { Transaction } from './transaction.ts'
import { variantFunctions } from '../sql/variant-functions.ts'
import { WriterLock } from './writer-lock.ts'

export type EngineOptions = {
  readonly dir: string
  readonly storageIntegrations: readonly string[]
  readonly warehouses: readonly string[]
  readonly roles: readonly string[]
  readonly clock: Clock
  readonly knobs: Partial<Knobs>
  readonly openBucket: (bucket: string) => Stage
  /** null: pipes learn of files through REFRESH alone */
  readonly openQueue: ((connection: Connection) => EventQueue) | null
  /** the queue's name, for SHOW PIPES */
  readonly notificationChannel?: string | null
}

/** The engine, and doors for tests. */
export type WarehouseEngine = Engine & {
  /** when the tasks at work have ended */
  readonly tasksSettled: () => Promise<void>
  /** @throws Failure USAGE */
  readonly turn: (knobs: Partial<Knobs>) => void
}

/** Opens the folder, or makes it; pipes and tasks go on where they were. */
export async function openEngine(options: EngineOptions, logger: Logger): Promise<WarehouseEngine> {
  const loadDir = join(options.dir, 'load')
  await mkdir(loadDir, { recursive: true })
  for (const left of await readdir(loadDir)) await rm(join(loadDir, left), { force: true })
  const store = await openStore(join(options.dir, 'warehouse.duckdb'), variantFunctions)
  const connection = await store.connect()
  await createCatalogTables(connection)
  const core = await openCore(options, logger, { store, connection, loadDir })
  await closeInterruptedRuns(core)
  const pipes = new Pipes(core, options.knobs, options.openQueue?.(connection) ?? null)
  const runBody: RunBody = async ({ name, definition }, body) => {
    const [database = null, schema = null] = name
    const state = { database, schema, role: null, warehouse: definition.warehouse, parameters: new Map() }
    const session = await Session.open(core, background, 'SYSTEM', state)
    try {
      await session.run(body)
    } finally {
      await session.close()
    }
  }
  const tasks = new Tasks(core, runBody)
  core.wakePipes = () => {
    pipes.changed()
  }
  core.commits.onCommit = () => {
    tasks.committed()
  }
  const background: Background = {
    tasksChanged: () => {
      tasks.changed()
    },
    pipesChanged: () => {
      pipes.changed()
    },
    executeTask: (id) => {
      tasks.execute(id)
    },
  }
  const save = (work: (transaction: Transaction) => Promise<void>): Promise<void> =>
    writing(core, work).catch((error: unknown) => {
      logger.error({ err: error }, 'how fresh streams are could not be saved')
    })
  core.commits.freshness.start(save)
  await pipes.start()
  tasks.changed()
  return {
    openSession: async (user, state) => Session.open(core, background, user, sessionState(core, state)),
    tasksSettled: () => tasks.settled(),
    turn: (knobs) => {
      pipes.turn(knobs)
    },
    close: async () => {
      await tasks.close()
      await pipes.close()
      await core.commits.freshness.close(save)
      connection.close()
      store.close()
    },
  }
}

type Opened = { readonly store: Store; readonly connection: Connection; readonly loadDir: string }

async function openCore(options: EngineOptions, logger: Logger, { store, connection, loadDir }: Opened): Promise<Core> {
  const catalog = await Catalog.load(connection)
  const tableIds = catalog.list('table').map(({ id }) => id)
  return {
    store,
    commits: {
      lock: new WriterLock(),
      sequence: await restoreSequence(connection, tableIds),
      count: 0,
      freshness: await StreamFreshness.load(connection, options.clock),
      nowMs: () => options.clock.nowMs(),
      onCommit: () => undefined,
    },
    catalog,
    clock: options.clock,
    logger,
    loadDir,
    storageIntegrations: new Set(options.storageIntegrations),
    warehouses: new Set(options.warehouses),
    roles: new Set(options.roles),
    openBucket: options.openBucket,
    notificationChannel: options.notificationChannel ?? null,
    wakePipes: () => undefined,
  }
}

/**
 * Where a session begins. As in Snowflake a role that is not there refuses the login; a database or schema that is not
 * there leaves the session without one.
 */
function sessionState(core: Core, asked: Parameters<Engine['openSession']>[1]): SessionState {
  const { database = null, schema = null, role = null, warehouse = null } = asked
  if (role !== null && !core.roles.has(role)) throw missing('role', [role])
  if (warehouse !== null && !core.warehouses.has(warehouse)) throw missing('warehouse', [warehouse])
  const inDatabase = database !== null && core.catalog.find('database', [database]) !== null
  const wanted = schema ?? 'PUBLIC'
  const inSchema = inDatabase && core.catalog.find('schema', [database, wanted]) !== null
  return {
    database: inDatabase ? database : null,
    schema: inSchema ? wanted : null,
    role,
    warehouse,
    parameters: new Map(),
  }
}
