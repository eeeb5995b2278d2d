/**
 * Where a benchmark runs: a broker and an S3 server of its own, a topic that was sent before, and processes that are measured:
 * CPU of all threads, the most memory that was resident, and whether what they stored is complete. What is compared with
 * what is each benchmark's own.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Admin, CompressionTypes, kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { createLogger } from '../../src/telemetry.ts'
import { startCluster } from '../lab/kafka-cluster.ts'
import { type S3Store, startStore } from '../lab/s3-store.ts'
import { until } from '../support/until.ts'
import type { BenchMessage } from './messages.ts'

export type BenchGround = {
  readonly dir: string
  readonly brokers: readonly string[]
  readonly store: S3Store
  readonly admin: Admin
  /** Makes the topic and sends these, in batches as a producer under load makes them. Their bytes, key and value. */
  send(topic: string, partitions: number, messages: Iterable<BenchMessage>, compression?: Compression): Promise<number>
  /** Waits until the group has committed the end of every partition. */
  drained(topic: string, group: string): Promise<void>
  down(): Promise<void>
}

export type Compression = 'none' | 'lz4'

/** Of one request: messages; and characters of them for each partition, so that no broker finds a batch too large. */
const [sendAtOnce, sendChars] = [8_000, 600_000]

const sendCharsMax = 8 * 2 ** 20

export async function openBench(): Promise<BenchGround> {
  const dir = await mkdtemp(join(tmpdir(), 'firn-bench-'))
  const [cluster, store] = await Promise.all([startCluster(dir, 1), startStore(dir)])
  const silent = createLogger({ level: 'silent' })
  const brokers = cluster.direct
  const kafka = kafkaClient({ brokers: [...brokers], group: 'x', clientId: 'bench', ssl: false }, silent)
  const admin = kafka.admin()
  await admin.connect()
  return {
    ...{ dir, brokers, store, admin },
    send: async (topic, partitions, messages, compression = 'none') => {
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false })
      const ends = () => admin.fetchTopicOffsets(topic).catch(() => [])
      await until('the topic', ends, ({ length }) => length === partitions)
      // What is sent again after an error must not be there twice.
      const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, idempotent: true })
      await producer.connect()
      const codec = compression === 'lz4' ? CompressionTypes.LZ4 : CompressionTypes.None
      let bytes = 0
      let batch: BenchMessage[] = []
      let chars = 0
      const flush = async () => {
        if (batch.length > 0) await producer.send({ topic, messages: batch, compression: codec })
        batch = []
        chars = 0
      }
      for (const message of messages) {
        bytes += Buffer.byteLength(message.key) + Buffer.byteLength(message.value)
        batch.push(message)
        chars += message.value.length
        if (batch.length === sendAtOnce || chars >= partitions * sendChars || chars >= sendCharsMax) await flush()
      }
      await flush()
      await producer.disconnect()
      return bytes
    },
    drained: async (topic, group) => {
      // A coordinator that has just been chosen refuses at first; the deadline tells where it goes on refusing.
      await until(
        'the log drained',
        () => isDrained(admin, topic, group).catch(String),
        (is) => is === true,
        1_800_000,
      )
    },
    down: async () => {
      await admin.disconnect()
      await Promise.all([cluster.down(), store.down()])
      await rm(dir, { recursive: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

async function isDrained(admin: Admin, topic: string, group: string): Promise<boolean> {
  const ends = await admin.fetchTopicOffsets(topic)
  const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  const committed = new Map(found?.partitions.map(({ partition, offset }) => [partition, offset]))
  return ends.every(({ partition, high }) => committed.get(partition) === high)
}

/** User and system, of all threads, in seconds. Clock ticks are hundredths of a second on Linux. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** The most that was ever resident, in MB. */
export function peakMbOf(pid: number): number {
  const [, kib = 'NaN'] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (Number(kib) * 1024) / 1e6
}

/** Messages that the files of a folder hold, each counted once; read by another Parquet reader than Firn's. */
export async function storedMessages(folder: string): Promise<number> {
  const connection = await (await DuckDBInstance.create()).connect()
  const reader = await connection.runAndReadAll(
    `SELECT COUNT(DISTINCT (kafka_partition, kafka_offset)) FROM read_parquet('${folder}/**/*.parquet')`,
  )
  connection.closeSync()
  return Number(reader.getRowsJS()[0]?.[0])
}

/** How many Parquet files there are, and their bytes. */
export async function filesOf(folder: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.parquet'))
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return { files: names.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

export function machine(): { readonly cpus: number; readonly model: string; readonly memoryGiB: number } {
  return { cpus: cpus().length, model: cpus()[0]?.model ?? '', memoryGiB: Math.round(totalmem() / 2 ** 30) }
}
