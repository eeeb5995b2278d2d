/**
 * What a backfill works with: the settings of one topic, the stage with what it knows of runs, and a session at Snowflake
 * where one is needed. Opened once, and closed at the end whatever happens.
 */
import { openRunStore, type RunStore } from '../backfill/run-store.ts'
import type { Config, TableConfig } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { Failure } from '../failure.ts'
import { connectSnowflake, type Session } from '../snowflake/session.ts'
import { openStage } from '../stage/s3.ts'
import type { Stage } from '../stage/stage.ts'
import { createLogger, type Logger } from '../telemetry.ts'
import type { Io } from './command.ts'
import { tablesOf } from './backfill-options.ts'

export type Ground = {
  readonly config: Config
  readonly tables: readonly [TableConfig, ...TableConfig[]]
  /** the first of them: all agree on what a message means */
  readonly table: TableConfig
  readonly stage: Stage
  readonly prefix: string
  readonly store: RunStore
  readonly logger: Logger
  readonly io: Io
  /** null where the command is told to leave the warehouse alone */
  readonly session: Session | null
}

export type GroundOptions = {
  readonly config: string | undefined
  readonly topic: string | null
  readonly withWarehouse: boolean
  /** without a topic: any will do, for the work looks at all of them */
  readonly anyTopic?: boolean
  /** without a topic: the only one that has a run of this name */
  readonly holding?: string
}

/** @throws Failure CONFIG_INVALID, USAGE, of the warehouse, and what `work` throws */
export async function onGround<T>(
  { config: file, topic, withWarehouse, anyTopic = false, holding }: GroundOptions,
  io: Io,
  work: (ground: Ground) => Promise<T>,
): Promise<T> {
  const config = loadConfig({ file, env: io.env })
  const stage = openStage(config.stage)
  let session: Session | null = null
  try {
    const { prefix } = config.stage
    const logger = createLogger({ level: config.log.level, stream: io.stderr })
    const store = openRunStore(stage, prefix)
    const first = anyTopic ? (config.tables[0]?.topic ?? null) : null
    const found = topic === null && holding !== undefined ? await topicWith(store, config, holding) : null
    const tables = tablesOf(config, topic ?? first ?? found)
    session = withWarehouse ? await openSession(config) : null
    return await work({ config, tables, table: tables[0], stage, prefix, store, logger, io, session })
  } catch (error) {
    // What was under way breaks off with the signal's word, which says nothing by itself.
    if (io.signal.aborted && !(error instanceof Failure)) throw new Failure('INTERRUPTED', 'interrupted')
    throw error
  } finally {
    stage.close()
    await session?.close()
  }
}

/** Null where none has it, or several have. */
async function topicWith(store: RunStore, { tables }: Config, name: string): Promise<string | null> {
  const having: string[] = []
  for (const topic of new Set(tables.map((table) => table.topic))) {
    if ((await store.read(topic, name)) !== null) having.push(topic)
  }
  return having.length === 1 ? (having[0] ?? null) : null
}

async function openSession({ warehouse }: Config): Promise<Session> {
  if (warehouse) return await connectSnowflake(warehouse)
  const words = 'warehouse: missing: a backfill compares with the tables, and waits until they have what it brings'
  throw new Failure('CONFIG_INVALID', `${words}; --stage-only does neither`)
}
