/**
 * Where the audit is tried: the stack's Kafka and S3 server, a development warehouse of its own that can be told to lose and
 * to fail, one topic that was staged, loaded and merged, and `firn audit` as its command runs.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { DuckDBInstance } from '@duckdb/node-api'
import { stringify } from 'yaml'
import { writeFile } from 'node:fs/promises'
import type { ExitCode, Io } from '../../src/commands/command.ts'
import { command } from '../../src/commands/audit.ts'
import { type Config, configSchema, type TableConfig } from '../../src/config.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { storageIntegration, warehouseName, warehouseRole, warehouseRoles } from '../../src/local/warehouse-server.ts'
import { type RunningWarehouse, startWarehouse, type WarehouseOptions } from '../../src/local/warehouse/start.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { openStage } from '../../src/stage/s3.ts'
import type { Stage } from '../../src/stage/stage.ts'
import { sharedNames, tableNames, topicNames } from '../../src/warehouse/names.ts'
import { renderScripts } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { createTopic, folder, producer, settings, silent, stack, stageAll } from '../ingest/run-ground.ts'
import { until } from '../support/until.ts'

export type Audited = {
  readonly code: ExitCode
  readonly stdout: string
  readonly stderr: string
  /** of the findings, each once */
  readonly codes: readonly string[]
  readonly findings: readonly {
    readonly code: string
    readonly partition: number | null
    readonly table: string | null
    readonly offsets: string | null
    readonly files: readonly string[]
    readonly ids: readonly string[]
    readonly seen: string
    readonly hint: string
  }[]
  readonly notes: readonly { readonly seen: string }[]
  readonly repair?: {
    readonly statements: readonly string[]
    readonly treatments: readonly {
      readonly code: string
      readonly cured: boolean | null
      readonly words: readonly string[]
    }[]
  }
}

type Sent = { readonly id: number; readonly partition: number; readonly value?: string }

export type AuditGround = {
  readonly topic: string
  readonly config: Config
  readonly file: string
  readonly table: TableConfig
  readonly names: ReturnType<typeof namesOf>
  readonly stage: Stage
  readonly warehouse: () => RunningWarehouse
  readonly session: () => Session
  send(messages: readonly Sent[]): Promise<void>
  /** Sends these messages, and stages them in files of their own. */
  stageMore(messages: readonly Sent[]): Promise<void>
  /** Names of the landing files, in order. */
  files(): Promise<readonly string[]>
  /** Runs merges until every file on the stage is loaded and merged. */
  settled(): Promise<void>
  merge(): Promise<void>
  one(sql: string): Promise<string>
  audit(...args: readonly string[]): Promise<Audited>
  /** Gives again what the scripts give on an object: one that is made anew has lost it. */
  grantAgain(name: string): Promise<void>
  /** Ages every stream, as if nobody had consumed it for so many days. */
  ageStreams(days: number): Promise<void>
  down(): Promise<void>
}

function namesOf(config: Config, table: TableConfig) {
  const warehouse = warehouseOf(config)
  return { ...sharedNames(warehouse), ...topicNames(warehouse, table.topic), ...tableNames(warehouse, table) }
}

export const change = (operation: 'INSERT' | 'UPDATE' | 'DELETE', id: number, n = 1): string => {
  const row = `{"id":${id},"n":${n}}`
  return `{"operation":"${operation}","before":${operation === 'INSERT' ? 'null' : row},"after":${operation === 'DELETE' ? 'null' : row}}`
}

export type GroundSettings = {
  readonly schedule?: string
  readonly partitions?: number
  readonly ingest?: Readonly<Record<string, unknown>>
}

export async function openAuditGround(
  tableSettings: Readonly<Record<string, unknown>> = {},
  { schedule = '24 HOURS', partitions = 2, ingest = {} }: GroundSettings = {},
): Promise<AuditGround> {
  const topic = await createTopic(partitions)
  const [port = 0] = await choosePorts(1)
  const options = warehouseOptions(port, join(folder, `warehouse-${port}`))
  let warehouse = await startWarehouse(options, silent)
  const raw = {
    ...settings({ topics: [topic], table: tableSettings, ingest }),
    warehouse: {
      account: 'local',
      accessUrl: `http://127.0.0.1:${port}`,
      user: 'FIRN',
      password: 'secret',
      role: warehouseRole,
      warehouse: warehouseName,
      storageIntegration,
      schedule,
    },
    log: { level: 'silent' },
  }
  const config = configSchema.parse(raw)
  const [table] = config.tables
  assert.ok(table)
  const file = join(folder, `audit-${port}.yaml`)
  await writeFile(file, stringify(raw))
  let session = await connectSnowflake(warehouseOf(config))
  const statements = renderScripts(await readTemplates(), config).flatMap((script) => script.statements)
  for (const statement of statements) await session.execute(statement)
  const names = namesOf(config, table)
  const stage = openStage(config.stage)
  const one = async (sql: string): Promise<string> => {
    const [row] = await session.query(sql)
    return String(Object.values(row ?? {})[0])
  }

  const ground: AuditGround = {
    topic,
    config,
    file,
    table,
    names,
    stage,
    one,
    warehouse: () => warehouse,
    session: () => session,
    send: async (messages) => {
      const sent = messages.map(({ id, partition, value }) => {
        return { key: String(id), partition, value: value ?? change('INSERT', id) }
      })
      await producer.send({ topic, messages: sent })
    },
    stageMore: async (messages) => {
      await ground.send(messages)
      await stageAll(config)
    },
    files: async () => {
      const found: string[] = []
      for await (const { key } of stage.list(`${config.stage.prefix}${topic}/`))
        found.push(key.slice(config.stage.prefix.length))
      return found
    },
    merge: async () => {
      const runs = () =>
        one(
          `SELECT COUNT(*) FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => '${names.task.bare}', RESULT_LIMIT => 1000)) WHERE completed_time IS NOT NULL`,
        )
      const before = Number(await runs())
      await session.execute(`EXECUTE TASK ${names.task.sql}`)
      await until('the merge', runs, (count) => Number(count) > before)
    },
    settled: async () => {
      const count = (await ground.files()).length
      await until(
        'all files loaded',
        () => one(`SELECT COUNT(DISTINCT file_name) FROM ${names.landing.sql}`),
        (loaded) => Number(loaded) >= count,
      )
      await ground.merge()
    },
    audit: (...args) => {
      // With no more rights than the help says.
      const isOperator = args.includes('--deep') || args.includes('--repair')
      const role = isOperator ? 'FIRN_OPERATOR' : 'FIRN_INGEST'
      return runAudit(['--config', file, '--json', ...args], { FIRN_WAREHOUSE_ROLE: role })
    },
    grantAgain: async (name) => {
      const grants = statements.filter((text) => text.startsWith('GRANT ') && text.includes(` ${name} TO ROLE `))
      for (const statement of grants) await session.execute(statement)
    },
    ageStreams: async (days) => {
      await session.close()
      await warehouse.close()
      const instance = await DuckDBInstance.create(join(options.dir, 'warehouse.duckdb'))
      const connection = await instance.connect()
      await connection.run(`UPDATE _catalog.stream_offsets SET fresh_ms = fresh_ms - ${days} * 24 * 3600 * 1000`)
      connection.closeSync()
      instance.closeSync()
      warehouse = await startWarehouse(options, silent)
      session = await connectSnowflake(warehouseOf(config))
    },
    down: async () => {
      stage.close()
      await session.close()
      await warehouse.close()
    },
  }
  return ground
}

function warehouseOptions(port: number, dir: string): WarehouseOptions {
  const { endpoint, region, accessKeyId, secretAccessKey, eventTopic } = stack.s3
  const roles = ['ACCOUNTADMIN', ...warehouseRoles.map(({ name }) => name)]
  return {
    dir,
    port,
    users: [{ name: 'FIRN', password: 'secret', publicKeyFile: null, defaultRole: warehouseRole, roles }],
    s3: { endpoint, region, accessKeyId, secretAccessKey },
    events: { brokers: [...stack.kafka.brokers], topic: eventTopic },
    storageIntegrations: [storageIntegration],
    warehouses: [warehouseName],
    roles: warehouseRoles,
  }
}

/** The command as main.ts runs it, in this process. */
export async function runAudit(args: readonly string[], env: Io['env'] = {}): Promise<Audited> {
  const out: string[] = []
  const err: string[] = []
  const io = { stdout: textSink(out), stderr: textSink(err), env, signal: new AbortController().signal }
  const code = await command.run(args, io)
  const stdout = out.join('')
  const told = (args.includes('--json') ? JSON.parse(stdout) : { findings: [], notes: [] }) as Audited
  const codes = [...new Set(told.findings.map((one) => one.code))].sort()
  return { ...told, code, codes, stdout, stderr: err.join('') }
}

function textSink(chunks: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString())
      done()
    },
  })
}
