/**
 * The engine behind the protocol server: one folder's store and catalogue, its sessions, pipes and tasks.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stage } from '../../../stage/stage.ts'
import type { Logger } from '../../../telemetry.ts'
import { Access, inheritedRoles } from './access.ts'
import { type Beforehand, formerOwner, makeBeforehand } from './beforehand.ts'
import { createCatalogTables } from './catalog-schema.ts'
import { Catalog } from './catalog.ts'
import type { Clock } from './clock.ts'
import { type Background, type Core, writing } from './core.ts'
import type { Engine, SessionState } from '../engine.ts'
import type { EventQueue } from './event-queue.ts'
import { Grants } from './grants.ts'
import type { Knobs } from './knobs.ts'
import { nameText } from '../sql/name-resolution.ts'
import { Pipes } from './pipes.ts'
import { Session } from './session.ts'
import { SqlError } from '../sql/statement.ts'
import { type Connection, openStore, type Store } from './store.ts'
import { closeInterruptedRuns } from './task-history.ts'
import { type RunBody, Tasks } from './tasks.ts'
import { restoreSequence } from './row-sequence.ts'
import { StreamFreshness } from './stream-freshness.ts'
import type { Transaction } from './transaction.ts'
import { variantFunctions } from '../sql/variant-functions.ts'
import { WriterLock } from './writer-lock.ts'

export type EngineOptions = Beforehand & {
  readonly dir: string
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
  await createCatalogTables(connection, formerOwner(options))
  const core = await openCore(options, logger, { store, connection, loadDir })
  await makeBeforehand(core, options)
  await closeInterruptedRuns(core)
  const pipes = new Pipes(core, options.knobs, options.openQueue?.(connection) ?? null)
  const runBody: RunBody = async ({ name, owner, definition }, body) => {
    const [database = null, schema = null] = name
    const state = { database, schema, role: owner, warehouse: definition.warehouse, parameters: new Map() }
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
    openSession: async (user, state) => Session.open(core, background, user, sessionState(core, user, state)),
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
    grants: await Grants.load(connection),
    clock: options.clock,
    logger,
    loadDir,
    users: new Map(options.users.map((user) => [user.name, user])),
    openBucket: options.openBucket,
    notificationChannel: options.notificationChannel ?? null,
    wakePipes: () => undefined,
  }
}

/**
 * Where a session begins. As in Snowflake a role that the user does not have refuses the login; a database or schema that is
 * not there for the role leaves the session without one.
 */
function sessionState(core: Core, user: string, asked: Parameters<Engine['openSession']>[1]): SessionState {
  const { database = null, schema = null, warehouse = null } = asked
  const role = asked.role ?? core.users.get(user)?.defaultRole ?? 'PUBLIC'
  if (!inheritedRoles(core, { kind: 'user', name: user }).has(role)) throw notGranted(role)
  const access = new Access(core, role, { database, schema })
  if (warehouse !== null) access.existing('warehouse', [warehouse], 'USAGE')
  const inDatabase = database !== null && access.find('database', [database]) !== null
  const wanted = schema ?? 'PUBLIC'
  const inSchema = inDatabase && access.find('schema', [database, wanted]) !== null
  return {
    database: inDatabase ? database : null,
    schema: inSchema ? wanted : null,
    role,
    warehouse,
    parameters: new Map(),
  }
}

function notGranted(role: string): SqlError {
  const text = `Role '${nameText([role])}' specified in the connect string is not granted to this user.`
  return new SqlError('390189', '08004', `${text} Log in with another role, such as PUBLIC.`)
}
