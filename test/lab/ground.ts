/**
 * A laboratory: brokers behind proxies, an S3 server behind one, and members that are killed: `firn run` as a user starts it,
 * each in a process of its own. What is done to them is decided by who asks for one.
 */
import { existsSync, rmSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { failPointVariable } from '../../src/fail-point.ts'
import { type Admin, type Kafka, kafkaClient } from '../../src/kafka/client.ts'
import { createLogger } from '../../src/telemetry.ts'
import { until } from '../support/until.ts'
import { assertClean, audit, type AuditReport } from './auditor.ts'
import { type Child, logTail, start } from './child.ts'
import { type KafkaCluster, startCluster } from './kafka-cluster.ts'
import { type S3Store, startStore } from './s3-store.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type Member = Child & { readonly name: string }

/** One topic with a group and a prefix of its own. */
export type Bench = {
  readonly topic: string
  readonly partitions: number
  /** Starts a member; `failPoint` as fail-point.ts reads it. */
  startMember(failPoint?: string): Promise<Member>
  /** Members that have not ended. */
  readonly members: () => readonly Member[]
  /**
   * Waits until the group has committed the end of each of the `led` partitions (all of them, if not told otherwise): those that
   * have a leader. What is behind an open transaction counts as beyond the end. @throws Error naming what is left after `deadlineMs`
   */
  drained(deadlineMs: number, led?: number): Promise<void>
  /** How far the group is behind, in offsets, as Kafka has it. */
  lag(): Promise<bigint>
  /** @throws Error where something is missing, wrong or replaced; then logs and objects are kept */
  audit(): Promise<AuditReport>
}

export type Ground = {
  readonly cluster: KafkaCluster
  readonly store: S3Store
  readonly admin: Admin
  bench(name: string, partitions: number, settings?: Readonly<Record<string, unknown>>): Promise<Bench>
  down(): Promise<void>
}

export async function startGround(brokers: 1 | 3): Promise<Ground> {
  const dir = await mkdtemp(join(tmpdir(), 'firn-lab-'))
  // Finds nothing after an orderly end; else processes that are ending may still write into it for a moment.
  process.on('exit', () => {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })
  const [cluster, store] = await Promise.all([startCluster(dir, brokers), startStore(dir)])
  const silent = createLogger({ level: 'silent' })
  const kafka = kafkaClient({ brokers: [...cluster.direct], group: 'x', clientId: 'lab', ssl: false }, silent)
  const admin = await connected(kafka)
  const members = new Set<Member>()
  return {
    cluster,
    store,
    admin,
    bench: (name, partitions, settings = {}) =>
      openBench({ dir, cluster, store, admin, members }, name, partitions, settings),
    down: async () => {
      for (const member of members) member.signal('SIGKILL')
      await Promise.all([...members].map(({ ended }) => ended))
      await admin.disconnect()
      await Promise.all([cluster.down(), store.down()])
      await rm(dir, { recursive: true })
    },
  }
}

/** A client keeps what a broker that has just started told it: anew, then. */
async function connected(kafka: Kafka): Promise<Admin> {
  const connect = async (): Promise<Admin | string> => {
    const admin = kafka.admin({ retry: { retries: 20, maxRetryTime: 1_000 } })
    try {
      await admin.connect()
      return admin
    } catch (error) {
      await admin.disconnect()
      return String(error)
    }
  }
  const found = await until('an answer of Kafka', connect, (answer) => typeof answer !== 'string')
  if (typeof found === 'string') throw new Error(found)
  return found
}

type Inside = Pick<Ground, 'cluster' | 'store' | 'admin'> & { readonly dir: string; readonly members: Set<Member> }

async function openBench(
  { dir, cluster, store, admin, members }: Inside,
  name: string,
  partitions: number,
  settings: Readonly<Record<string, unknown>>,
): Promise<Bench> {
  const topic = `lab.${name}`
  const replicationFactor = cluster.brokers.length
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor }], waitForLeaders: false })
  const ends = () => admin.fetchTopicOffsets(topic).catch(() => [])
  await until(`topic ${topic}`, ends, ({ length }) => length === partitions)
  const folder = join(dir, name)
  await mkdir(folder)
  const group = `lab-${name}`
  const prefix = `${name}/`
  const file = join(folder, 'firn.yaml')
  const config = {
    kafka: { brokers: cluster.proxied, group },
    stage: { ...store.stage, prefix },
    ingest: {
      freshness: '300ms',
      sessionTimeout: '2s',
      leaveTimeout: '5s',
      memory: '32MiB',
      fileBytes: '8MiB',
      ...settings,
    },
    status: { listen: '127.0.0.1:0' },
    log: { level: 'debug' },
    tables: [{ topic, table: 'LAB.T', key: ['id'] }],
  }
  await writeFile(file, JSON.stringify(config))
  let started = 0

  const committed = async (): Promise<ReadonlyMap<number, string>> => {
    const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    return new Map(found?.partitions.map(({ partition, offset }) => [partition, offset]))
  }
  const behind = async (led: number): Promise<readonly string[]> => {
    const [ends, offsets] = await Promise.all([admin.fetchTopicOffsets(topic), committed()])
    if (ends.length !== led) return [`${ends.length} of ${led} partitions have a leader`]
    const late = ends.filter(({ partition, high }) => offsets.get(partition) !== high)
    return late.map(({ partition, high }) => `${partition}: ${offsets.get(partition)} of ${high}`)
  }
  const own = () => [...members].filter(({ name: of }) => of.startsWith(`${name}-`))
  return {
    topic,
    partitions,
    members: own,
    startMember: async (failPoint) => {
      const member = `${name}-${++started}`
      const env = {
        NODE_COMPILE_CACHE: join(dir, 'compiled'),
        ...(failPoint === undefined ? {} : { [failPointVariable]: failPoint }),
      }
      const log = join(folder, `${member}.log`)
      const child = await start(process.execPath, [main, 'run', '--config', file], log, env)
      const made = { ...child, name: member }
      members.add(made)
      void made.ended.then(() => members.delete(made))
      return made
    },
    drained: async (deadlineMs, led = partitions) => {
      const look = () => {
        if (own().length === 0) throw new Error(`nobody reads ${topic}: each member has ended`)
        return behind(led).catch((error: unknown) => [String(error)])
      }
      await until(`${topic} staged and committed`, look, (late) => late.length === 0, deadlineMs)
    },
    lag: async () => {
      const [ends, offsets] = await Promise.all([admin.fetchTopicOffsets(topic), committed()])
      return ends.reduce((sum, { partition, high }) => {
        const offset = BigInt(offsets.get(partition) ?? 0)
        return sum + BigInt(high) - (offset > 0n ? offset : 0n)
      }, 0n)
    },
    audit: async () => {
      const evidence = { brokers: cluster.direct, topic, epoch: 1, folder: join(store.folder, name) }
      try {
        const report = await audit(evidence)
        assertClean(report)
        const replaced = await store.replaced()
        if (replaced.length > 0) throw new Error(`names had two contents: ${replaced.join(', ')}`)
        return report
      } catch (error) {
        const kept = fileURLToPath(new URL(`../../build/lab/${name}`, import.meta.url))
        const keep = async () => {
          await rm(kept, { recursive: true, force: true })
          await cp(folder, kept, { recursive: true })
          if (existsSync(evidence.folder)) await cp(evidence.folder, join(kept, 'objects'), { recursive: true })
          return `logs and objects are kept in ${kept}`
        }
        const where = await keep().catch((trouble: unknown) => `logs and objects could not be kept: ${String(trouble)}`)
        throw new Error(`the audit of ${topic} failed; ${where}`, { cause: error })
      }
    },
  }
}

/** The end of a member's log, for an error. */
export function told(member: Member): string {
  return logTail(member.logFile)
}

/** Whether a member has said something in its log. */
export async function hasTold(member: Member, text: string): Promise<boolean> {
  return (await readFile(member.logFile, 'utf8')).includes(text)
}
