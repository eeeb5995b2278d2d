/**
 * The development warehouse as a part of the stack: what an administrator has made in it beforehand, how its process is
 * started, and when it is ready. What it can do is in warehouse/.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { certificatesIn } from './certificates.ts'
import { eventTopic } from './kafka-server.ts'
import type { PartServer, StackPlan } from './part-server.ts'
import { s3AccessKeyId, s3Region } from './s3-server.ts'
import type { EngineRole } from './warehouse/engine/beforehand.ts'
import type { WarehouseOptions } from './warehouse/start.ts'

export const warehouseUser = 'FIRN'
export const warehouseRole = 'FIRN_OWNER'
/** The four of sql/0_account.sql. The account's script can be applied all the same; it finds them there. */
export const warehouseRoles: readonly EngineRole[] = [
  { name: warehouseRole, accountPrivileges: ['CREATE DATABASE', 'EXECUTE TASK', 'EXECUTE MANAGED TASK'] },
  ...['FIRN_INGEST', 'FIRN_OPERATOR', 'FIRN_READER'].map((name) => ({ name, accountPrivileges: [] })),
]
export const warehouseName = 'FIRN_WH'
export const storageIntegration = 'FIRN_S3'

export function warehouseServer(plan: StackPlan): PartServer {
  const { dir, state } = plan
  const folder = join(dir, 'warehouse')
  const optionsFile = join(folder, 'options.json')
  // Beside this file is src/main.ts, or dist/main.js where it was built.
  const main = join(import.meta.dirname, '..', `main${extname(import.meta.filename)}`)
  return {
    name: 'warehouse',
    // It waits for the others by itself.
    needs: [],
    prepare: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFile(optionsFile, JSON.stringify(warehouseOptions(plan, folder), null, 2), { mode: 0o600 })
    },
    launch: () => ({ program: process.execPath, args: [main, 'local', 'warehouse', '--options', optionsFile] }),
    assertReady: async () => {
      // Any answer will do: what its paths are is between it and the driver.
      const answer = await fetch(`http://127.0.0.1:${state.ports.warehouse}/`, { signal: AbortSignal.timeout(10_000) })
      await answer.arrayBuffer()
    },
  }
}

function warehouseOptions({ dir, state }: StackPlan, folder: string): WarehouseOptions {
  const { publicKeyFile } = certificatesIn(dir)
  return {
    dir: join(folder, 'data'),
    port: state.ports.warehouse,
    users: [
      {
        name: warehouseUser,
        password: state.passwords.warehouse,
        publicKeyFile,
        defaultRole: warehouseRole,
        roles: ['ACCOUNTADMIN', ...warehouseRoles.map(({ name }) => name)],
      },
    ],
    s3: {
      endpoint: `http://127.0.0.1:${state.ports.s3}`,
      region: s3Region,
      accessKeyId: s3AccessKeyId,
      secretAccessKey: state.passwords.s3,
    },
    events: { brokers: [`127.0.0.1:${state.ports.kafka}`], topic: eventTopic },
    storageIntegrations: [storageIntegration],
    warehouses: [warehouseName],
    roles: warehouseRoles,
  }
}
