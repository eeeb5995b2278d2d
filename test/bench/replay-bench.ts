/**
 * Measures a backfill of a whole log against the ingester that drains the same log, in one run, on the same broker and store:
 * interleaved rounds, medians, and whether what was stored is complete. What the figures must be is the reader's to judge.
 */
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Admin, CompressionTypes, kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { openSource } from '../../src/local/workload.ts'
import { createLogger } from '../../src/telemetry.ts'
import { type Child, start } from '../lab/child.ts'
import { startCluster } from '../lab/kafka-cluster.ts'
import { type S3Store, startStore } from '../lab/s3-store.ts'
import { until } from '../support/until.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const topic = 'bench.orders'
const partitions = 8

export type Figures = {
  readonly name: 'ingester' | 'backfill'
  readonly seconds: number
  readonly messagesPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly peakMb: number
  /** median of what was resident in each quarter of the time */
  readonly quartersMb: readonly number[]
  /** the last of them over the third: 1 is flat */
  readonly growth: number
  readonly complete: boolean
}

export type BenchOptions = {
  readonly messages: number
  readonly rounds: number
  readonly say: (line: string) => void
}

/** In the order in which they were measured. */
export async function benchReplay({ messages, rounds, say }: BenchOptions): Promise<readonly Figures[]> {
  const dir = await mkdtemp(join(tmpdir(), 'firn-bench-'))
  const [cluster, store] = await Promise.all([startCluster(dir, 1), startStore(dir)])
  const kafka = kafkaClient(
    { brokers: [...cluster.direct], group: 'x', clientId: 'bench', ssl: false },
    createLogger({ level: 'silent' }),
  )
  const admin = kafka.admin()
  await admin.connect()
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false })
    await until(
      'the topic',
      () => admin.fetchTopicOffsets(topic).catch(() => []),
      ({ length }) => length === partitions,
    )
    say(`sending ${messages.toLocaleString('en-US')} messages`)
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    const source = openSource({ table: 'orders', keys: 200_000, seed: 1 })
    for (let sent = 0; sent < messages; sent += 5_000) {
      const batch = Array.from({ length: Math.min(5_000, messages - sent) }, () => source.next())
      await producer.send({ topic, messages: batch, compression: CompressionTypes.LZ4 })
    }
    await producer.disconnect()
    const figures: Figures[] = []
    for (let round = 1; round <= rounds; round++) {
      const bench = { dir, store, admin, brokers: cluster.direct, round, messages }
      for (const name of ['ingester', 'backfill'] as const) {
        const one = await measure(name, bench)
        figures.push(one)
        say(`round ${round}: ${textOf(one)}`)
      }
    }
    return figures
  } finally {
    await admin.disconnect()
    await Promise.all([cluster.down(), store.down()])
    await rm(dir, { recursive: true, maxRetries: 10, retryDelay: 100 })
  }
}

type Bench = {
  readonly dir: string
  readonly store: S3Store
  readonly admin: Admin
  readonly brokers: readonly string[]
  readonly round: number
  readonly messages: number
}

/** A round has a prefix: the ingester begins its epoch there, and the backfill follows it. */
async function measure(name: Figures['name'], bench: Bench): Promise<Figures> {
  const { dir, store, admin, brokers, round, messages } = bench
  const prefix = `bench-${round}/`
  const group = `bench-${round}`
  const folder = join(dir, prefix)
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'firn.yaml')
  await writeFile(
    config,
    JSON.stringify({
      kafka: { brokers, group },
      stage: { ...store.stage, prefix },
      ingest: { freshness: '1s' },
      status: { listen: '127.0.0.1:0' },
      tables: [{ topic, table: 'BENCH.ORDERS', key: ['id'] }],
    }),
  )
  const args =
    name === 'ingester' ? ['run'] : ['backfill', '--from', 'log', '--name', `r${round}`, '--stage-only', '--yes']
  const begun = Date.now()
  const child = await start(process.execPath, [main, ...args, '--config', config], join(folder, `${name}.log`))
  const resident: number[] = []
  const watching = watch(child, resident)
  let cpuSeconds: number
  if (name === 'ingester') {
    // A coordinator that has just been chosen refuses at first; the deadline tells where it goes on refusing.
    await until(
      'the log drained',
      () => isDrained(admin, group).catch(String),
      (is) => is === true,
      900_000,
    )
    cpuSeconds = cpuOf(child.pid)
  } else {
    // The last look before its end; a process that has ended tells nothing any more.
    cpuSeconds = (await watching).cpuSeconds
    const { code } = await child.ended
    if (code !== 0)
      throw new Error(`the backfill ended with ${code}: ${readFileSync(child.logFile, 'utf8').slice(-2_000)}`)
  }
  const seconds = (Date.now() - begun) / 1_000
  child.signal('SIGTERM')
  await child.ended
  await watching
  const rows = await storedMessages(join(store.folder, prefix, topic, name === 'ingester' ? 'e1' : `run-r${round}`))
  const length = Math.ceil(resident.length / 4)
  const quartersMb = [0, 1, 2, 3].map((at) => Math.round(median(resident.slice(at * length, (at + 1) * length)) / 1e6))
  return {
    name,
    seconds,
    messagesPerSecond: messages / seconds,
    cpuSecondsPerMillion: (cpuSeconds / messages) * 1e6,
    peakMb: Math.max(...resident) / 1e6,
    quartersMb,
    growth: (quartersMb[3] ?? NaN) / (quartersMb[2] ?? NaN),
    complete: rows === messages,
  }
}

async function watch(child: Child, resident: number[]): Promise<{ readonly cpuSeconds: number }> {
  let cpuSeconds = 0
  while (child.running()) {
    try {
      cpuSeconds = cpuOf(child.pid)
      const [, kib = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      if (kib !== '0') resident.push(Number(kib) * 1024)
    } catch (error) {
      // It ended between two looks.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ESRCH')
        throw error
    }
    await sleep(50)
  }
  return { cpuSeconds }
}

/** User and system, of all threads. Clock ticks are hundredths of a second on Linux. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function isDrained(admin: Admin, group: string): Promise<boolean> {
  const ends = await admin.fetchTopicOffsets(topic)
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  const committed = new Map(found?.partitions.map(({ partition, offset }) => [partition, offset]))
  return ends.every(({ partition, high }) => committed.get(partition) === high)
}

/** Messages that the files of a folder hold, each counted once; read by another Parquet reader than Firn's. */
async function storedMessages(folder: string): Promise<number> {
  const connection = await (await DuckDBInstance.create()).connect()
  const reader = await connection.runAndReadAll(
    `SELECT COUNT(DISTINCT (kafka_partition, kafka_offset)) FROM read_parquet('${folder}/**/*.parquet')`,
  )
  connection.closeSync()
  return Number(reader.getRowsJS()[0]?.[0])
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

export function textOf(figures: Figures): string {
  const { name, messagesPerSecond, cpuSecondsPerMillion, peakMb, quartersMb, complete } = figures
  const rate = `${Math.round(messagesPerSecond).toLocaleString('en-US')} messages/s`
  const memory = `peak ${Math.round(peakMb)} MB, by quarters ${quartersMb.join(', ')} MB`
  return `${name.padEnd(8)}  ${rate}, ${cpuSecondsPerMillion.toFixed(1)} CPU s per million, ${memory}, ${complete ? 'complete' : 'INCOMPLETE'}`
}
