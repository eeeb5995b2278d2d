/**
 * Real Kafka for the laboratory: one broker or three, each its own controller too. Clients under test come through a proxy a
 * broker, whose port the broker advertises on a listener of its own; everybody else asks the brokers directly.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findParts } from '../../src/local/parts.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { until } from '../support/until.ts'
import { type Child, logTail, start, stop } from './child.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

const run = promisify(execFile)

export type Broker = {
  readonly id: number
  /** `host:port`, past the proxy */
  readonly address: string
  readonly proxy: TcpProxy
  start(): Promise<void>
  /** Orderly, or with SIGKILL; resolves when it has ended. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export type KafkaCluster = {
  readonly brokers: readonly Broker[]
  /** bootstrap servers past the proxies */
  readonly direct: readonly string[]
  /** bootstrap servers through the proxies */
  readonly proxied: readonly string[]
  down(): Promise<void>
}

/** What brokers have beside their two plain listeners. Ports are of one broker: for a cluster of three they would be taken. */
export type Secured = {
  /** by name, in capitals */
  readonly listeners: Readonly<Record<string, { readonly port: number; readonly protocol: string }>>
  readonly settings: Readonly<Record<string, string>>
  readonly javaFlags?: readonly string[]
}

type Ports = { readonly direct: number; readonly behind: number; readonly controller: number }

/** Starts all brokers; `dir` is the caller's to remove. */
export async function startCluster(
  dir: string,
  count: 1 | 3,
  secured: Secured = { listeners: {}, settings: {} },
): Promise<KafkaCluster> {
  const numbers = await choosePorts(count * 3)
  const ports = Array.from({ length: count }, (_, at): Ports => {
    const [direct = 0, behind = 0, controller = 0] = numbers.slice(at * 3, at * 3 + 3)
    return { direct, behind, controller }
  })
  const voters = ports.map(({ controller }, at) => `${at + 1}@127.0.0.1:${controller}`).join(',')
  const clusterId = randomBytes(16).toString('base64url')
  const shared = { dir, voters, count, clusterId, secured }
  const brokers = await Promise.all(ports.map((own, at) => prepare({ ...shared, id: at + 1, own })))
  await Promise.all(brokers.map((broker) => broker.start()))
  return {
    brokers,
    direct: brokers.map(({ address }) => address),
    proxied: brokers.map(({ proxy }) => proxy.address),
    down: async () => {
      await Promise.all(brokers.map((broker) => broker.stop('SIGKILL')))
      await Promise.all(brokers.map(({ proxy }) => proxy.close()))
    },
  }
}

type Plan = {
  readonly dir: string
  readonly id: number
  readonly own: Ports
  readonly voters: string
  readonly count: number
  readonly clusterId: string
  readonly secured: Secured
}

async function prepare(plan: Plan): Promise<Broker> {
  const { dir, id, own, clusterId } = plan
  const folder = join(dir, `kafka-${id}`)
  await mkdir(folder, { recursive: true })
  const proxy = await startTcpProxy(own.behind)
  const properties = join(folder, 'server.properties')
  await writeFile(properties, propertiesOf(plan, folder, proxy.port))
  const log4j = join(folder, 'log4j2.xml')
  await writeFile(log4j, log4jText)
  const { java, kafkaClassPath } = findParts()
  const flags = ['-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xmx384m', `-Dlog4j2.configurationFile=file:${log4j}`]
  flags.push(...(plan.secured.javaFlags ?? []))
  const command = (mainClass: string, ...args: readonly string[]) => [
    ...flags,
    '-cp',
    kafkaClassPath,
    mainClass,
    ...args,
  ]
  await run(java, command('kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '-c', properties))
  let child: Child | null = null
  const logFile = join(folder, 'broker.log')
  return {
    id,
    address: `127.0.0.1:${own.direct}`,
    proxy,
    start: async () => {
      const started = await start(java, command('kafka.Kafka', properties), logFile)
      child = started
      await until(
        `broker ${id}`,
        () => (started.running() ? listens(own.direct) : Promise.reject(new Error(logTail(logFile)))),
        Boolean,
      )
    },
    stop: async (signal = 'SIGTERM') => {
      if (!child) return
      if (signal === 'SIGKILL') child.signal(signal)
      await stop(child)
    },
  }
}

function propertiesOf({ id, own, voters, count, secured }: Plan, folder: string, proxyPort: number): string {
  const replicas = String(count)
  const more = Object.entries(secured.listeners)
  const addresses = more.map(([name, { port }]) => `,${name}://127.0.0.1:${port}`).join('')
  const protocols = more.map(([name, { protocol }]) => `,${name}:${protocol}`).join('')
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'DIRECT',
    listeners: `DIRECT://127.0.0.1:${own.direct},PROXIED://127.0.0.1:${own.behind},CONTROLLER://127.0.0.1:${own.controller}${addresses}`,
    'advertised.listeners': `DIRECT://127.0.0.1:${own.direct},PROXIED://127.0.0.1:${proxyPort}${addresses}`,
    'listener.security.protocol.map': `DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}`,
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': count === 3 ? '2' : '1',
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': count === 3 ? '2' : '1',
    'transaction.state.log.num.partitions': '3',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    // Members that die are missed soon, and brokers that die are followed soon.
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '500',
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '400',
    'controller.quorum.election.timeout.ms': '500',
    'controller.quorum.fetch.timeout.ms': '1000',
    'replica.lag.time.max.ms': '3000',
    'leader.imbalance.check.interval.seconds': '5',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.enable': 'false',
    // A follower that was away copies many transactions at once, and an auditor reads a partition at once.
    'replica.fetch.max.bytes': String(8 * 2 ** 20),
    'fetch.max.bytes': String(2 ** 30),
    ...secured.settings,
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const log4jText = `<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="warn">
  <Appenders><Console name="console"><PatternLayout pattern="%d{ISO8601} %-5p %m (%c{1})%n%throwable"/></Console></Appenders>
  <Loggers><Root level="warn"><AppenderRef ref="console"/></Root></Loggers>
</Configuration>
`

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}
