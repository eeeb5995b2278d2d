/**
 * Where the time of a change goes, from its producer to the target table, at a steady rate: through Kafka, Firn, the S3 server
 * and the development warehouse. That one's own delays are at zero: the pipe is told at once, and the merge task is asked for
 * again as soon as it has ended, where Snowflake waits 10 s at the least.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { storedFiles } from '../../src/local/demo/ingester.ts'
import type { Endpoints } from '../../src/local/endpoints.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { createLogger } from '../../src/telemetry.ts'
import { stop } from '../lab/child.ts'
import { ownStack } from '../support/stack.ts'
import { until } from '../support/until.ts'
import { mainFile, startFirn, untilStarted } from './firn-process.ts'

export type LatencyOptions = {
  readonly perSecond: number
  readonly seconds: number
  /** as ingest.freshness has it */
  readonly freshness: string
  readonly say: (line: string) => void
}

const steps = ['answered', 'sealed', 'stored', 'loaded', 'merged'] as const
type Step = (typeof steps)[number]

export type Percentiles = {
  readonly name: string
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export type Latency = {
  readonly messages: number
  /** in ms: each step after the one before, then from the producer to the stage, and to the target table */
  readonly percentiles: readonly Percentiles[]
  /** whether every message is landed, and the target holds the newest change of every id */
  readonly complete: boolean
}

const [topic, partitions, ids] = ['bench.clicks', 4, 5_000]
const database = 'BENCH'
const tickMs = 10

/** When each message was sent, and answered; ms since 1970. By `<partition>/<offset>`. */
type Sent = ReadonlyMap<
  string,
  { readonly sentAt: number; readonly answeredAt: number; readonly id: number; readonly n: number }
>

export async function benchLatency({ perSecond, seconds, freshness, say }: LatencyOptions): Promise<Latency> {
  const stack = ownStack()
  try {
    const endpoints = await stack.up()
    const folder = join(stack.dir, 'bench')
    const settings = settingsOf(endpoints, freshness)
    await createTopic(endpoints)
    const config = join(stack.dir, 'migrate.yaml')
    writeFileSync(config, JSON.stringify(settings))
    const migrated = spawnSync(process.execPath, [mainFile, 'migrate', '--config', config], { encoding: 'utf8' })
    if (migrated.status !== 0) throw new Error(migrated.stderr)
    const child = await startFirn(folder, settings)
    const session = await connectSnowflake({ ...endpoints.warehouse, database })
    try {
      await untilStarted(child, partitions)
      const merging = new AbortController()
      const merger = mergeOn(session, merging.signal)
      // Its failure counts when it is waited for.
      merger.catch(() => undefined)
      say(`sending ${perSecond} messages a second for ${seconds} s`)
      const sent = await Promise.race([produce(endpoints, perSecond, seconds), child.endedEarly])
      await Promise.race([untilMerged(session, sent.size), merger, child.endedEarly])
      merging.abort()
      await merger
      return await measured(session, sent, child.logFile)
    } finally {
      await stop(child)
      await session.close()
    }
  } finally {
    await stack.down({ clean: true })
  }
}

function settingsOf({ kafka, s3, warehouse }: Endpoints, freshness: string): object {
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3
  const { account, accessUrl, user, password, role, storageIntegration } = warehouse
  return {
    kafka: { brokers: kafka.brokers, group: 'bench' },
    stage: { bucket, region, endpoint, accessKeyId, secretAccessKey, prefix: 'bench/' },
    warehouse: {
      account,
      accessUrl,
      user,
      password,
      role,
      storageIntegration,
      database,
      warehouse: warehouse.warehouse,
    },
    ingest: { freshness },
    log: { level: 'debug' },
    tables: [{ topic, table: 'APP.CLICKS', key: ['id'] }],
  }
}

function clientOf({ kafka }: Endpoints) {
  const brokers = [...kafka.brokers]
  return kafkaClient({ brokers, group: 'x', clientId: 'bench', ssl: false }, createLogger({ level: 'silent' }))
}

async function createTopic(endpoints: Endpoints): Promise<void> {
  const admin = clientOf(endpoints).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false })
  const ends = () => admin.fetchTopicOffsets(topic).catch(() => [])
  await until('the topic', ends, ({ length }) => length === partitions)
  await admin.disconnect()
}

/** One request every few milliseconds, by the clock: what is late is not left out. */
async function produce(endpoints: Endpoints, perSecond: number, seconds: number): Promise<Sent> {
  const producer = clientOf(endpoints).producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const sent = new Map<string, { sentAt: number; answeredAt: number; id: number; n: number }>()
  const underway: Promise<void>[] = []
  const begun = Date.now()
  let n = 0
  const send = async (count: number): Promise<void> => {
    const sentAt = Date.now()
    const messages = Array.from({ length: count }, () => {
      const [id, version] = [n % ids, n++]
      // An id keeps its partition.
      return { id, n: version, partition: id % partitions, key: String(id), value: valueOf(id, version) }
    })
    const answers = await producer.send({
      topic,
      messages: messages.map(({ partition, key, value }) => ({ partition, key, value, timestamp: String(sentAt) })),
    })
    const answeredAt = Date.now()
    const next = new Map(answers.map(({ partition, baseOffset }) => [partition, BigInt(baseOffset ?? '-1')]))
    for (const { id, n: version, partition } of messages) {
      const offset = next.get(partition) ?? -1n
      next.set(partition, offset + 1n)
      sent.set(`${partition}/${offset.toString()}`, { sentAt, answeredAt, id, n: version })
    }
  }
  for (;;) {
    const elapsed = Math.min(Date.now() - begun, seconds * 1_000)
    const due = Math.floor((elapsed / 1_000) * perSecond) - n
    if (due > 0) underway.push(send(due))
    if (elapsed === seconds * 1_000) break
    await sleep(tickMs)
  }
  await Promise.all(underway)
  await producer.disconnect()
  return sent
}

function valueOf(id: number, n: number): string {
  const row = `{"id":${id},"n":${n},"note":"${'x'.repeat(400)}"}`
  return `{"operation":"UPDATE","before":null,"after":${row}}`
}

/** Asks for the task again and again. */
async function mergeOn(session: Session, ended: AbortSignal): Promise<void> {
  const [task] = await session.query(`SHOW TASKS IN DATABASE ${database}`)
  const name = `${database}.${String(task?.['schema_name'])}.${String(task?.['name'])}`
  while (!ended.aborted) {
    await session.query(`EXECUTE TASK ${name}`)
    await sleep(50)
  }
}

async function untilMerged(session: Session, messages: number): Promise<void> {
  const merged = async () => {
    const [row] = await session.query(`SELECT COALESCE(SUM(row_count), 0) AS n FROM ${database}.FIRN.MERGED_FILES`)
    return Number(row?.['N'])
  }
  await until('all merged', merged, (rows) => rows >= messages)
}

async function measured(session: Session, sent: Sent, logFile: string): Promise<Latency> {
  const landed = await session.query(
    `SELECT l.kafka_partition, l.kafka_offset, l.file_name, l.load_time, m.merged_at
     FROM ${database}.FIRN.BENCH_CLICKS_LANDING l JOIN ${database}.FIRN.MERGED_FILES m ON m.file_name = l.file_name`,
  )
  const files = new Map((await storedFiles(logFile)).map((file) => [file.key, file]))
  const times: number[][] = []
  for (const row of landed) {
    const message = sent.get(`${String(row['KAFKA_PARTITION'])}/${String(row['KAFKA_OFFSET'])}`)
    const file = files.get(String(row['FILE_NAME']))
    if (!message || !file)
      throw new Error(`${JSON.stringify(row)} was not sent, or ${logFile} does not tell of its file`)
    const [loadedAt, mergedAt] = [msOf(row['LOAD_TIME']), msOf(row['MERGED_AT'])]
    times.push([message.sentAt, message.answeredAt, file.sealedAt, file.storedAt, loadedAt, mergedAt])
  }
  const between = (from: number, to: number) => times.map((at) => (at[to] ?? NaN) - (at[from] ?? NaN))
  const percentiles = [
    ...steps.map((step, at) => percentilesOf(nameOf(step), between(at, at + 1))),
    percentilesOf('produced to stored', between(0, 3)),
    percentilesOf('produced to merged', between(0, 5)),
  ]
  return { messages: sent.size, percentiles, complete: landed.length === sent.size && (await isEqual(session, sent)) }
}

function nameOf(step: Step): string {
  const of: Readonly<Record<Step, string>> = {
    answered: 'Kafka: sent to answered',
    sealed: 'batch: answered to sealed',
    stored: 'upload: sealed to stored',
    loaded: 'pipe: stored to loaded',
    merged: 'task: loaded to merged',
  }
  return of[step]
}

async function isEqual(session: Session, sent: Sent): Promise<boolean> {
  const newest = new Map<string, number>()
  for (const { id, n } of sent.values()) newest.set(String(id), Math.max(n, newest.get(String(id)) ?? -1))
  const rows = await session.query(`SELECT ID, DATA:after.n::NUMBER AS N FROM ${database}.APP.CLICKS`)
  return rows.length === newest.size && rows.every((row) => newest.get(String(row['ID'])) === Number(row['N']))
}

const msOf = (value: unknown): number => new Date(value as Date | string).getTime()

function percentilesOf(name: string, values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return { name, mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}
