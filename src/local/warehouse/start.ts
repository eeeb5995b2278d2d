/**
 * Puts the development warehouse together: the engine over one folder, and the protocol server in front of it.
 * What the parts do is theirs; the stack decides where they listen and what an administrator has made beforehand.
 */
import { openStage } from '../../stage/s3.ts'
import type { Stage } from '../../stage/stage.ts'
import type { Logger } from '../../telemetry.ts'
import type { Beforehand, EngineUser } from './engine/beforehand.ts'
import { systemClock } from './engine/clock.ts'
import { readPositions } from './engine/event-queue.ts'
import { kafkaEventQueue } from './engine/kafka-event-queue.ts'
import type { Knobs } from './engine/knobs.ts'
import type { WarehouseUser } from './wire/login.ts'
import { openServer } from './wire/server.ts'
import { openEngine } from './engine/warehouse.ts'

/** What `firn local warehouse --options FILE` reads, as JSON. */
export type WarehouseOptions = Omit<Beforehand, 'users'> & {
  /** holds the database file and what is being loaded; made where it is not there */
  readonly dir: string
  /** 0: a free one */
  readonly port: number
  readonly users: readonly (WarehouseUser & EngineUser)[]
  /** the S3 server behind every `s3://` URL */
  readonly s3: {
    readonly endpoint: string
    readonly region: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
  }
  /** Kafka topic of the S3 server's notifications; null: pipes learn of files through ALTER PIPE ... REFRESH alone */
  readonly events: { readonly brokers: readonly string[]; readonly topic: string } | null
  /** as they are at the start; `firn local up` gives none */
  readonly knobs?: Partial<Knobs>
}

export type RunningWarehouse = {
  readonly url: string
  /** Turns knobs while it runs; the others stay as they are. @throws Failure USAGE */
  turn(knobs: Partial<Knobs>): void
  close(): Promise<void>
}

/** Resolves when the server takes logins. @throws where the folder, the port or a key file cannot be had */
export async function startWarehouse(options: WarehouseOptions, logger: Logger): Promise<RunningWarehouse> {
  const { dir, port, users, events, storageIntegrations, warehouses, roles } = options
  const buckets = new Map<string, Stage>()
  const openBucket = (bucket: string): Stage => {
    const stage = buckets.get(bucket) ?? openStage({ ...options.s3, bucket, prefix: '' })
    buckets.set(bucket, stage)
    return stage
  }
  const engine = await openEngine(
    {
      dir,
      // As a login names them.
      users: users.map((user) => ({ ...user, name: user.name.toUpperCase() })),
      storageIntegrations,
      warehouses,
      roles,
      clock: systemClock,
      knobs: options.knobs ?? {},
      notificationChannel: events?.topic ?? null,
      openBucket,
      openQueue:
        events &&
        ((connection) =>
          kafkaEventQueue({ ...events, logger, positions: () => readPositions(connection, events.topic) })),
    },
    logger,
  )
  const closeEngine = async (): Promise<void> => {
    await engine.close()
    for (const stage of buckets.values()) stage.close()
  }
  try {
    const server = await openServer({ port, users, logger }, engine)
    const close = async (): Promise<void> => {
      await server.close()
      await closeEngine()
    }
    const turn = (knobs: Partial<Knobs>): void => {
      engine.turn(knobs)
    }
    return { url: server.url, turn, close }
  } catch (error) {
    await closeEngine()
    throw error
  }
}
