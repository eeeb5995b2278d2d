/**
 * A development warehouse of a test's own, in a process that can be killed and started again on the same folder. Its pipes
 * hear of nothing: rows are landed by statements.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { choosePorts } from '../../src/local/ports.ts'
import type { WarehouseOptions } from '../../src/local/warehouse/start.ts'
import { storageIntegration, warehouseName, warehouseRole, warehouseRoles } from '../../src/local/warehouse-server.ts'
import { connectSnowflake, type LoginConfig, type Session } from '../../src/snowflake/session.ts'
import { type Child, logTail, start } from '../lab/child.ts'
import { until } from '../support/until.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type OwnWarehouse = {
  readonly login: LoginConfig
  connect(): Promise<Session>
  /** SIGKILL, and a new process on the same folder. Sessions from before are gone. */
  killAndRestart(): Promise<void>
  down(): Promise<void>
}

export async function startOwnWarehouse(): Promise<OwnWarehouse> {
  const dir = await mkdtemp(join(tmpdir(), 'firn-warehouse-'))
  process.on('exit', () => {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })
  const [port = 0] = await choosePorts(1)
  const user = {
    name: 'FIRN',
    password: 'secret',
    publicKeyFile: null,
    defaultRole: warehouseRole,
    roles: [warehouseRole],
  }
  const options: WarehouseOptions = {
    dir: join(dir, 'data'),
    port,
    users: [user],
    s3: { endpoint: 'http://127.0.0.1:1', region: 'us-east-1', accessKeyId: 'none', secretAccessKey: 'none' },
    events: null,
    storageIntegrations: [storageIntegration],
    warehouses: [warehouseName],
    roles: warehouseRoles,
  }
  const file = join(dir, 'options.json')
  await writeFile(file, JSON.stringify(options))
  const accessUrl = `http://127.0.0.1:${port}`
  const login = {
    account: 'local',
    accessUrl,
    user: user.name,
    password: user.password,
    role: warehouseRole,
    database: 'CDC',
  }
  const launch = async (): Promise<Child> => {
    const log = join(dir, 'warehouse.log')
    const child = await start(process.execPath, [main, 'local', 'warehouse', '--options', file], log)
    const answers = () =>
      fetch(accessUrl).then(
        async (answer) => (await answer.arrayBuffer(), true),
        () => {
          if (!child.running()) throw new Error(`the warehouse has ended\n${logTail(log)}`)
          return false
        },
      )
    await until('the warehouse', answers, Boolean)
    return child
  }
  let child = await launch()
  return {
    login,
    connect: () => connectSnowflake(login),
    killAndRestart: async () => {
      child.signal('SIGKILL')
      await child.ended
      child = await launch()
    },
    down: async () => {
      child.signal('SIGKILL')
      await child.ended
      await rm(dir, { recursive: true })
    },
  }
}
