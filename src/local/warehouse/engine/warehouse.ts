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
import type { Background, Core } from './core.ts'
import type { Engine, SessionState } from '../engine.ts'
import type { EventQueue } from './event-queue.ts'
import { Grants } from './grants.ts'
import { nameText } from '../sql/name-resolution.ts'
import { type Knobs, Pipes } from './pipes.ts'
import { Session } from './session.ts'
import { SqlError } from '../sql/statement.ts'
import { type Connection, openStore } from './store.ts'
import { closeInterruptedRuns } from './task-history.ts'
import { type RunBody, Tasks } from './tasks.ts'
import { restoreSequence } from './row-sequence.ts'
import { variantFunctions } from '../sql/variant-functions.ts'
import { WriterLock } from './writer-lock.ts'

export type EngineOptions = Beforehand & {
  readonly dir: string
  readonly clock: Clock
  readonly knobs: Knobs
  readonly openBucket: (bucket: string) => Stage
  /** null: pipes learn of files through REFRESH alone */
  readonly openQueue: ((connection: Connection) => EventQueue) | null
}

/** The engine, and a door for tests: when the tasks at work have ended. */
export type WarehouseEngine = Engine & { readonly tasksSettled: () => Promise<void> }

/** Opens the folder, or makes it; pipes and tasks go on where they were. */
export async function openEngine(options: EngineOptions, logger: Logger): Promise<WarehouseEngine> {
  const loadDir = join(options.dir, 'load')
  await mkdir(loadDir, { recursive: true })
  for (const left of await readdir(loadDir)) await rm(join(loadDir, left), { force: true })
  const store = await openStore(join(options.dir, 'warehouse.duckdb'), variantFunctions)
  const connection = await store.connect()
  await createCatalogTables(connection, formerOwner(options))
  const catalog = await Catalog.load(connection)
  const tableIds = catalog.list('table').map(({ id }) => id)
  const core: Core = {
    store,
    commits: { lock: new WriterLock(), sequence: await restoreSequence(connection, tableIds), count: 0 },
    catalog,
    grants: await Grants.load(connection),
    clock: options.clock,
    logger,
    loadDir,
    users: new Map(options.users.map((user) => [user.name, user])),
    openBucket: options.openBucket,
  }
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
  await pipes.start()
  tasks.changed()
  return {
    openSession: async (user, state) => Session.open(core, background, user, sessionState(core, user, state)),
    tasksSettled: () => tasks.settled(),
    close: async () => {
      await tasks.close()
      await pipes.close()
      connection.close()
      store.close()
    },
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
