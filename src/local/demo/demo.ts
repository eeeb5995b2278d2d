/**
 * `make demo`: the whole product on one machine. Starts the stack, migrates, starts the ingester, plays the scenarios and
 * compares the final tables with the source. What is played is in scenarios.ts, what is seen in screen.ts.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../failure.ts'
import { connectSnowflake, type Session } from '../../snowflake/session.ts'
import type { Logger } from '../../telemetry.ts'
import type { Endpoints } from '../endpoints.ts'
import { choosePorts } from '../ports.ts'
import { openStack, type Stack } from '../stack.ts'
import { type Ingester, startIngester } from './ingester.ts'
import { endDemo, keepIngester } from './kept.ts'
import { type Scene, errorAndRecovery, highVolume, realTimeSync } from './scenarios.ts'
import { openScreen, count, type Screen, seconds } from './screen.ts'
import { openSender } from './sender.ts'
import { verify } from './verify.ts'
import { openWatermarks } from './watermarks.ts'

export type DemoOptions = {
  /** holds the stack's data, the config and the log; emptied first */
  readonly dir: string
  readonly keep: boolean
  /** changes of the high-volume scenario, over both tables */
  readonly changes: number
  /** path of the firn command */
  readonly main: string
}

const tables = [
  {
    name: 'customers',
    topic: 'shop.customers',
    target: 'CDC.SHOP.CUSTOMERS',
    landing: 'CDC.FIRN.SHOP_CUSTOMERS_LANDING',
    pipe: 'CDC.FIRN.SHOP_CUSTOMERS_PIPE',
  },
  {
    name: 'orders',
    topic: 'shop.orders',
    target: 'CDC.SHOP.ORDERS',
    landing: 'CDC.FIRN.SHOP_ORDERS_LANDING',
    pipe: 'CDC.FIRN.SHOP_ORDERS_PIPE',
  },
] as const

/** What is undone at the end; `kept` where the demo is to stay as it is. */
type CleanUp = (kept: boolean) => Promise<void>

/** Told when a process ends that nobody ended. */
type OnCrash = (failure: unknown) => void

/** @returns whether every row of both final tables is as the source has it */
export async function playDemo(
  options: DemoOptions,
  out: NodeJS.WritableStream & { readonly isTTY?: boolean },
  signal: AbortSignal,
  logger: Logger,
): Promise<boolean> {
  const screen = openScreen(out)
  const stack = openStack(options.dir, logger)
  // Data of an earlier demo would be counted again, and what it left running would write more of them.
  await endDemo(options.dir, logger)
  const cleanUp: CleanUp[] = []
  const broken = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => {
    broken.reject(new Failure('INTERRUPTED', 'the demo was interrupted'))
  })
  let [kept, clean] = [false, false]
  try {
    const equal = await Promise.race([play(options, screen, stack, cleanUp, broken.reject), broken.promise])
    kept = options.keep
    clean = equal
    return equal
  } finally {
    screen.settle()
    for (const undo of cleanUp.reverse()) await undo(kept)
    // What went wrong is in its logs.
    if (!kept) await stack.down({ clean: clean || signal.aborted })
  }
}

async function play(
  options: DemoOptions,
  screen: Screen,
  stack: Stack,
  cleanUp: CleanUp[],
  onCrash: OnCrash,
): Promise<boolean> {
  const startedAt = Date.now()
  screen.heading('Starting Kafka, the S3 server and the development warehouse')
  const endpoints = await stack.up()
  const scene = await setScene(options, screen, stack, endpoints, cleanUp, onCrash)
  await realTimeSync(scene)
  await highVolume(scene, options.changes)
  await errorAndRecovery(scene)
  const equal = await compare(scene, startedAt)
  if (options.keep) whatToTry(scene, options)
  return equal
}

async function setScene(
  options: DemoOptions,
  screen: Screen,
  stack: Stack,
  endpoints: Endpoints,
  cleanUp: CleanUp[],
  onCrash: OnCrash,
): Promise<Scene> {
  screen.line(
    `  Kafka ${endpoints.kafka.brokers.join(', ')}   S3 ${endpoints.s3.endpoint}   warehouse ${endpoints.warehouse.accessUrl}`,
  )
  const sender = await openSender(endpoints, tables)
  cleanUp.push(() => sender.close())
  screen.line(`  topics ${tables.map(({ topic }) => topic).join(', ')}, 4 partitions each`)

  const [statusPort = 0] = await choosePorts(1)
  const statusUrl = `http://127.0.0.1:${statusPort}`
  const config = join(options.dir, 'firn.yaml')
  await mkdir(options.dir, { recursive: true })
  await writeFile(config, configText(endpoints, statusUrl))

  screen.heading('firn migrate')
  await runMigrate(options.main, config, screen)

  screen.heading('firn run')
  const logFile = join(options.dir, 'ingester.log')
  const start = async (): Promise<Ingester> => {
    const started = await startIngester(options.main, config, logFile, statusUrl)
    started.crashed.catch(onCrash)
    return started
  }
  let ingester = await start()
  cleanUp.push(async (kept) => {
    if (!kept) {
      await ingester.kill('SIGTERM')
      return
    }
    ingester.leave()
    await keepIngester(options.dir, ingester.pid)
  })
  screen.line(`  process ${ingester.pid}, log ${logFile}, metrics ${statusUrl}/metrics`)

  let session: Session | null = null
  const connect = async (): Promise<Session> => (session ??= await connectSnowflake(endpoints.warehouse))
  const reconnect = async (): Promise<void> => {
    const old = session
    session = null
    await old?.close().catch((error: unknown) => {
      // Its server is gone, which is why it is replaced.
      if (!(error instanceof Failure)) throw error
    })
  }
  cleanUp.push(reconnect)
  return {
    screen,
    stack,
    sender,
    tables,
    logFile,
    connect,
    reconnect,
    watermarks: openWatermarks(statusUrl, { connect, reconnect }, 'CDC', tables),
    killIngester: () => ingester.kill('SIGKILL'),
    async restartIngester() {
      ingester = await start()
    },
  }
}

async function compare(scene: Scene, startedAt: number): Promise<boolean> {
  const { screen, sender } = scene
  screen.heading('Comparing every row of both final tables with the source')
  let [equal, missing, extra] = [0, 0, 0]
  for (const { name, target } of tables) {
    const session = await scene.connect()
    const verdict = await verify(session, target, sender.rows(name))
    screen.line(`  ${target}: ${count(verdict.equal)} rows equal; for example`)
    const [row] = await session.query(`SELECT ID, DATA FROM ${target} ORDER BY _POSITION DESC LIMIT 1`)
    if (row) screen.line(`    ${String(row['ID'])}  ${String(row['DATA'])}`)
    for (const kind of ['missing', 'extra', 'different'] as const) {
      const ids = verdict[kind]
      if (ids.length > 0)
        screen.line(
          `  ${target}: ${kind}: ${ids.slice(0, 10).join(', ')}${ids.length > 10 ? ` and ${count(ids.length - 10)} more` : ''}`,
        )
    }
    equal += verdict.equal
    // A row with another content is one that is missing and one that is too many.
    missing += verdict.missing.length + verdict.different.length
    extra += verdict.extra.length + verdict.different.length
  }
  const same = missing === 0 && extra === 0
  screen.line()
  screen.line(
    `  ${count(sender.sent())} changes sent, ${count(equal)} rows left in the source, ${seconds(Date.now() - startedAt)} in all`,
  )
  screen.line(`${same ? 'verified' : 'NOT EQUAL'}: ${equal} rows equal, ${missing} missing, ${extra} extra`)
  return same
}

function whatToTry({ screen }: Scene, { dir }: DemoOptions): void {
  screen.heading('Everything is left running. Try:')
  screen.line(`  make firn ARGS="status --config ${dir}/firn.yaml"`)
  screen.line(`  make firn ARGS="check --config ${dir}/firn.yaml"`)
  screen.line(`  make firn ARGS="local up --dir ${dir} --json"`)
  screen.line(`  tail -f ${dir}/ingester.log`)
  screen.line('To end it:')
  screen.line(`  make firn ARGS="demo --end --dir ${dir}"`)
}

async function runMigrate(main: string, config: string, screen: Screen): Promise<void> {
  const child = spawn(process.execPath, [main, 'migrate', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter(Boolean)) screen.line(`  ${line}`)
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Failure('STATEMENT_FAILED', 'firn migrate failed; its output is above')
}

function configText({ kafka, s3, warehouse }: Endpoints, statusUrl: string): string {
  return `# Written by the demo.
kafka:
  brokers: [${kafka.brokers.join(', ')}]
  group: firn-demo
stage:
  bucket: ${s3.bucket}
  prefix: firn/
  region: ${s3.region}
  endpoint: ${s3.endpoint}
  accessKeyId: ${s3.accessKeyId}
  secretAccessKey: ${s3.secretAccessKey}
warehouse:
  account: ${warehouse.account}
  accessUrl: ${warehouse.accessUrl}
  user: ${warehouse.user}
  password: ${warehouse.password}
  role: ${warehouse.role}
  warehouse: ${warehouse.warehouse}
  database: ${warehouse.database}
  storageIntegration: ${warehouse.storageIntegration}
  schedule: 10 SECONDS
ingest:
  freshness: 1s
  sessionTimeout: 6s
status:
  listen: ${statusUrl.replace('http://', '')}
log:
  level: debug
tables:
${tables.map(({ topic, name }) => `  - { topic: ${topic}, table: SHOP.${name.toUpperCase()}, key: [id] }`).join('\n')}
`
}
