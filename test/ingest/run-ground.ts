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
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
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
await Promise.all([admin.connect(), producer.connect()])

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
  await Promise.all([admin.disconnect(), producer.disconnect()])
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

export async function createTopic(partitions: number): Promise<string> {
  const topic = `run.${randomUUID()}`
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false })
  // Freshly created, a partition has no leader for a moment, and asking for its offsets fails.
  const ends = () => admin.fetchTopicOffsets(topic).catch(() => [])
  await until(`topic ${topic}`, ends, ({ length }) => length === partitions)
  return topic
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
  readonly after: string | null
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
  const connection = await (await DuckDBInstance.create()).connect()
  const reader = await connection.runAndReadAll(
    `SELECT kafka_partition, kafka_offset, op, id, after, error, raw FROM read_parquet('${local}/*.parquet')
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
  readonly halts: readonly { readonly partition: number; readonly code: string }[]
}

/** A place for log lines. */
export function sink(lines: string[]): NodeJS.WritableStream {
  return { write: (line: string) => lines.push(line) > 0 } as unknown as NodeJS.WritableStream
}

/** What /readyz of a run answers. */
export async function readiness(port: number): Promise<State> {
  return (await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as State
}
