/**
 * A development stack whose warehouse can be told to fail (its knobs), and services over it as a user starts them. What is done
 * to them is decided by who asks for one.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Admin, kafkaClient } from '../../src/kafka/client.ts'
import type { Endpoints } from '../../src/local/endpoints.ts'
import { storageIntegration, warehouseName, warehouseRoles } from '../../src/local/warehouse-server.ts'
import { type RunningWarehouse, startWarehouse } from '../../src/local/warehouse/start.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { createLogger } from '../../src/telemetry.ts'
import { firn, type Running, startFirn } from '../support/firn.ts'
import { ownStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const login = { account: 'check', user: 'FIRN', password: 'check-alerts' }

export type Service = {
  readonly topic: string
  readonly running: Running
  /** `host:port` of its /metrics */
  readonly target: string
  /** Runs a command with the service's own configuration. @throws Error where it ends with none of these codes */
  run(args: readonly string[], role: string, codes: readonly number[]): Promise<void>
  stop(): Promise<void>
}

export type WarehouseGround = {
  readonly brokers: readonly string[]
  readonly warehouse: RunningWarehouse
  /** as the owner of all */
  readonly owner: Session
  /** Makes the topic and its schema, and starts `firn run`. */
  service(topic: string, partitions: number, ingest: Readonly<Record<string, unknown>>): Promise<Service>
  /** Takes the warehouse away, and leaves the rest; once, whoever asks for it. */
  endWarehouse(): Promise<void>
  down(): Promise<void>
}

export const database = 'ALERTS'

export async function startWarehouseGround(dir: string): Promise<WarehouseGround> {
  const stack = ownStack()
  const endpoints = await stack.up()
  // Its place is taken by one with knobs.
  await stack.stop('warehouse')
  const silent = createLogger({ level: 'silent' })
  const kafka = kafkaClient(
    { brokers: [...endpoints.kafka.brokers], group: 'x', clientId: 'check', ssl: false },
    silent,
  )
  const warehouse = await startWarehouse(
    {
      dir: join(dir, 'warehouse'),
      port: 0,
      users: [
        {
          ...{ name: login.user, password: login.password, publicKeyFile: null, defaultRole: 'FIRN_OWNER' },
          roles: ['ACCOUNTADMIN', ...warehouseRoles.map(({ name }) => name)],
        },
      ],
      s3: endpoints.s3,
      events: { brokers: endpoints.kafka.brokers, topic: endpoints.s3.eventTopic },
      storageIntegrations: [storageIntegration],
      warehouses: [warehouseName],
      roles: warehouseRoles,
    },
    silent,
  )
  const access = { ...login, accessUrl: warehouse.url, warehouse: warehouseName, database }
  const admin = kafka.admin()
  await admin.connect()
  const owner = await connectSnowflake({ ...access, role: 'FIRN_OWNER' })
  let ended: Promise<void> | undefined
  const endWarehouse = (): Promise<void> => (ended ??= owner.close().then(() => warehouse.close()))
  return {
    brokers: endpoints.kafka.brokers,
    warehouse,
    owner,
    service: (topic, partitions, ingest) => startService({ dir, admin, endpoints, access }, topic, partitions, ingest),
    endWarehouse,
    down: async () => {
      await Promise.all([endWarehouse(), admin.disconnect()])
      await stack.down({ clean: true })
    },
  }
}

type Inside = {
  readonly dir: string
  readonly admin: Admin
  readonly endpoints: Endpoints
  readonly access: Readonly<Record<string, string>>
}

async function startService(
  { dir, admin, endpoints, access }: Inside,
  topic: string,
  partitions: number,
  ingest: Readonly<Record<string, unknown>>,
): Promise<Service> {
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false })
  const ends = () => admin.fetchTopicOffsets(topic).catch(() => [])
  await until(`topic ${topic}`, ends, ({ length }) => length === partitions)
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = endpoints.s3
  const file = join(dir, `${topic}.yaml`)
  const config = {
    kafka: { brokers: endpoints.kafka.brokers, group: topic },
    stage: { bucket, prefix: 'firn/', region, endpoint, accessKeyId, secretAccessKey },
    warehouse: { ...access, storageIntegration, schedule: 'triggered' },
    ingest: { sessionTimeout: '10s', ...ingest },
    audit: { every: '1s', patience: '3s' },
    status: { listen: '127.0.0.1:0' },
    tables: [{ topic, table: `SHOP.${topic.toUpperCase()}`, key: ['id'] }],
  }
  await writeFile(file, stringify(config))
  const run = async (args: readonly string[], role: string, codes: readonly number[]): Promise<void> => {
    const { code, stdout, stderr } = await firn([...args, '--config', file], { FIRN_WAREHOUSE_ROLE: role })
    if (code !== null && codes.includes(code)) return
    throw new Error(`firn ${args.join(' ')} ended with ${String(code)}:\n${stdout}${stderr}`)
  }
  await run(['migrate'], 'FIRN_OWNER', [0])
  const running = startFirn(['run', '--config', file], { FIRN_WAREHOUSE_ROLE: 'FIRN_INGEST' })
  const port = await until(
    'the status server',
    () => /"status":"port (\d+)"/.exec(running.log())?.[1] ?? '',
    (found) => found !== '',
  )
  const stop = async (): Promise<void> => {
    running.process.kill('SIGTERM')
    await running.finished
  }
  return { topic, running, target: `127.0.0.1:${port}`, run, stop }
}
