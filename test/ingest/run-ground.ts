/**
 * What the tests of `firn run` share: a topic, settings that nobody else has, and a look at what came of it: landing files
 * through the stage, their rows through an independent Parquet reader (DuckDB), commits through Kafka.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { startRun } from '../../src/commands/run.ts'
import { type Config, configSchema } from '../../src/config.ts'
import { kafkaClient, Partitioners, type ProducedMessage } from '../../src/kafka/client.ts'
import { partitionFetcher } from '../../src/kafka/partition-fetcher.ts'
import { type LandingFile, parseLandingKey } from '../../src/landing.ts'
import { openStage } from '../../src/stage/s3.ts'
import { createLogger, type Logger } from '../../src/telemetry.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

export const stack = testStack()
export const silent = createLogger({ level: 'silent' })
export const folder = await mkdtemp(join(tmpdir(), 'firn-run-'))
export const kafka = kafkaClient(
  { brokers: [...stack.kafka.brokers], group: 'x', clientId: 'test', ssl: false },
  silent,
)
export const admin = kafka.admin()
export const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
const fetcher = partitionFetcher(kafka, 'x')
await Promise.all([admin.connect(), producer.connect(), fetcher.connect()])

const runs: Awaited<ReturnType<typeof startRun>>[] = []

/** An ingester in this process; a test that fails may leave it to `endGround`. */
export async function startedRun(config: Config, logger: Logger): Promise<(typeof runs)[number]> {
  const run = await startRun(config, logger)
  runs.push(run)
  return run
}

/** To be called after the last test of a file. */
export async function endGround(): Promise<void> {
  for (const run of runs) run.stop()
  await Promise.allSettled(runs.map(({ done }) => done))
  await Promise.all([admin.disconnect(), producer.disconnect(), fetcher.close()])
  await rm(folder, { recursive: true })
}

type Settings = {
  readonly topics: readonly string[]
  readonly kafka?: Record<string, unknown>
  readonly stage?: Record<string, unknown>
  readonly ingest?: Record<string, unknown>
  readonly table?: Record<string, unknown>
}

/** Settings of a run of its own: a group and a prefix that nobody else has. */
export function settings({ topics, ...more }: Settings) {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = stack.s3
  const id = randomUUID()
  return {
    kafka: { brokers: stack.kafka.brokers, group: `run-${id}`, ...more.kafka },
    stage: { bucket, prefix: `run-${id}/`, region, endpoint, accessKeyId, secretAccessKey, ...more.stage },
    ingest: { freshness: '300ms', sessionTimeout: '6s', ...more.ingest },
    status: { listen: '127.0.0.1:0' },
    tables: topics.map((topic, index) => ({ topic, table: `RUN.T${index}`, key: ['id'], ...more.table })),
  }
}

export const configOf = (given: Settings): Config => configSchema.parse(settings(given))

type TopicSettings = Readonly<Record<string, string>>

export async function createTopic(partitions: number, topicSettings: TopicSettings = {}): Promise<string> {
  const topic = `run.${randomUUID()}`
  await makeTopic(topic, partitions, topicSettings)
  return topic
}

/** The topic is another one afterwards, under its old name. */
export async function recreateTopic(topic: string, partitions: number): Promise<void> {
  // One that has asked for the topic before asks for it ever after, and fails while it is gone.
  const fresh = kafka.admin()
  await fresh.connect()
  await fresh.deleteTopics({ topics: [topic] })
  await until(
    'the topic gone',
    async () => (await fresh.listTopics()).includes(topic),
    (there) => !there,
  )
  await fresh.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false })
  const ends = () => fresh.fetchTopicOffsets(topic).catch(() => [])
  await until(`topic ${topic}`, ends, ({ length }) => length === partitions)
  await fresh.disconnect()
}

async function makeTopic(topic: string, partitions: number, topicSettings: TopicSettings = {}): Promise<void> {
  const configEntries = Object.entries(topicSettings).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: false })
  // Freshly created, a partition has no leader for a moment, and asking for its offsets fails.
  const ends = () => admin.fetchTopicOffsets(topic).catch(() => [])
  await until(`topic ${topic}`, ends, ({ length }) => length === partitions)
}

/** Produces with a client of its own, which knows of partitions that were added just now. */
export async function sendFresh(topic: string, messages: readonly ProducedMessage[]): Promise<void> {
  const fresh = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await fresh.connect()
  await fresh.send({ topic, messages: [...messages] })
  await fresh.disconnect()
}

/** Produces inserts of these ids, keyed by them. */
export async function sendIds(topic: string, ids: readonly number[], partition?: number): Promise<void> {
  const place = partition === undefined ? {} : { partition }
  await producer.send({ topic, messages: ids.map((id) => ({ key: String(id), value: insert(id), ...place })) })
}

export const idsFrom = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at)

/** Produces one transaction, and ends it so. */
export async function sendTransaction(
  topic: string,
  ids: readonly number[],
  outcome: 'commit' | 'abort',
): Promise<void> {
  const transactional = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    transactionalId: `run-${randomUUID()}`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await transactional.connect()
  const transaction = await transactional.transaction()
  await transaction.send({ topic, messages: ids.map((id) => ({ key: String(id), value: insert(id) })) })
  await transaction[outcome]()
  await transactional.disconnect()
}

/** Runs an ingester until all that the topics hold is committed, and stops it. */
export async function stageAll(config: Config): Promise<void> {
  const running = await startedRun(config, silent)
  for (const { topic } of config.tables) await untilCommitted(config, topic)
  running.stop()
  await running.done
}

/** Where the logs of a topic end, not only what is stable of them: a transaction's marker is written after its end was answered. */
async function logEnds(topic: string): Promise<ReadonlyMap<number, string>> {
  const stable = await admin.fetchTopicOffsets(topic)
  const ends = stable.map(async ({ partition, high }) => {
    const options = { isolation: 'uncommitted', bytesMax: 1, waitMs: 0 } as const
    // Of a partition that was added just now, the leader is not known yet: whoever waits looks again.
    const data = await fetcher.fetch({ topic, partition, offset: BigInt(high) }, options).catch(() => null)
    return [partition, data?.highWatermark ?? 'unknown'] as const
  })
  return new Map(await Promise.all(ends))
}

/** Waits until the group has committed the end of every partition of the topic, and so no transaction is open there. */
export async function untilCommitted(config: Config, topic: string): Promise<void> {
  await until(
    `all of ${topic} committed`,
    async () => {
      const expected = [...(await logEnds(topic))].map(([partition, end]) => `${partition}: ${end}`).sort()
      const found = (await committed(config, topic)).map(({ partition, offset }) => `${partition}: ${offset}`).sort()
      return { expected, found }
    },
    ({ expected, found }) => expected.join() === found.join(),
  )
}

export type Halted = {
  readonly partition: number
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** Starts an ingester, waits until as many partitions have halted, and stops it. */
export async function haltsOf(config: Config, count = 1): Promise<readonly Halted[]> {
  const running = await startedRun(config, silent)
  const { halts } = await until(
    'halts',
    () => readiness(running.port),
    ({ halts }) => halts.length >= count,
  )
  running.stop()
  await running.done
  return halts
}

/**
 * The end state that the landing files amount to, whatever order they are loaded in: each id whose newest change is no
 * delete, with the row.
 */
export async function foldedRows(config: Config, topic: string): Promise<ReadonlyMap<string, string | null>> {
  const newest = new Map<string, { readonly position: string; readonly op: string; readonly after: string | null }>()
  for (const { id, position, op, after } of await landedRows(config, topic)) {
    if (op === 'x') continue
    const known = newest.get(id)
    if (!known || position > known.position) newest.set(id, { position, op, after })
  }
  return new Map([...newest].flatMap(([id, { op, after }]) => (op === 'd' ? [] : [[id, after] as const])))
}

export const insert = (id: number): string =>
  `{"operation":"INSERT","before":null,"after":{"id":${id},"n":9007199254740993}}`

/** Landing files of a topic and partition, in the order of their ranges. */
export async function landingFiles(config: Config, topic: string, partition: number): Promise<readonly LandingFile[]> {
  const stage = openStage(config.stage)
  const files: LandingFile[] = []
  for await (const { key } of stage.list(`${config.stage.prefix}${topic}/`)) {
    const file = parseLandingKey(config.stage.prefix, key)
    if (file?.partition === partition) files.push(file)
  }
  stage.close()
  return files
}

/** The offset below which all is covered; a hole ends it. */
function coveredTo(files: readonly LandingFile[]): bigint {
  let next = 0n
  for (const { range } of files) if (range.first <= next && range.last >= next) next = range.last + 1n
  return next
}

type Row = {
  readonly kafka_partition: number
  readonly kafka_offset: bigint
  readonly op: string
  readonly id: string
  readonly position: string
  readonly after: string | null
  readonly headers: string | null
  readonly error: string | null
  readonly raw: string | null
}

/** All rows of a topic's landing files, read by DuckDB. */
export async function landedRows(config: Config, topic: string): Promise<readonly Row[]> {
  const stage = openStage(config.stage)
  const local = await mkdtemp(join(folder, 'files-'))
  let files = 0
  for await (const { key } of stage.list(`${config.stage.prefix}${topic}/`)) {
    const body = await stage.get(key)
    assert.ok(body)
    await writeFile(join(local, `${files++}.parquet`), body)
  }
  stage.close()
  if (files === 0) return []
  const connection = await (await DuckDBInstance.create()).connect()
  const reader = await connection.runAndReadAll(
    `SELECT kafka_partition, kafka_offset, op, id, position, after, headers, error, raw FROM read_parquet('${local}/*.parquet')
     ORDER BY kafka_partition, kafka_offset`,
  )
  connection.closeSync()
  return reader.getRowObjectsJS() as unknown as readonly Row[]
}

export async function untilCovered(config: Config, topic: string, partition: number, end: bigint): Promise<void> {
  await until(
    `${topic}/${partition} staged to ${end}`,
    async () => coveredTo(await landingFiles(config, topic, partition)).toString(),
    (covered) => BigInt(covered) >= end,
  )
}

export async function committed(config: Config, topic: string) {
  const [found] = await admin.fetchOffsets({ groupId: config.kafka.group, topics: [topic] })
  return found?.partitions ?? []
}

export type State = {
  readonly ready: boolean
  readonly stage: { readonly trouble: { readonly code: string } | null }
  readonly kafka: { readonly trouble: { readonly code: string } | null }
  readonly halts: readonly Halted[]
}

/** A place for log lines. */
export function sink(lines: string[]): NodeJS.WritableStream {
  return { write: (line: string) => lines.push(line) > 0 } as unknown as NodeJS.WritableStream
}

/** What /readyz of a run answers. */
export async function readiness(port: number): Promise<State> {
  return (await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as State
}
