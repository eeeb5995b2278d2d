/**
 * Reads the first half of the watermarks: committed offsets and log ends from Kafka, landing files from the stage.
 */
import type { Config, TableConfig } from '../config.ts'
import { type Admin, kafkaClient, kafkaFailure } from '../kafka/client.ts'
import { type LandingFile, parseLandingKey } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import type { Logger } from '../telemetry.ts'
import type { LogState } from './watermarks.ts'

const hourMs = 3_600_000

export type Logs = {
  /** null where the brokers do not tell */
  readonly clusterId: string | null
  /** by topic; one that does not exist has no partitions */
  readonly logs: ReadonlyMap<string, readonly LogState[]>
  /** by topic and partition, how many offsets the last hour brought; not of a topic of which a partition has no leader */
  readonly lastHour: ReadonlyMap<string, ReadonlyMap<number, number>>
}

/** @throws Failure KAFKA_* */
export async function readLogs(config: Config, logger: Logger): Promise<Logs> {
  const admin = kafkaClient(config.kafka, logger).admin()
  try {
    await admin.connect()
    // Asking for a topic by name may create it; asking for all never does.
    const known = new Set(await admin.listTopics())
    const topics = [...new Set(config.tables.map((table) => table.topic))]
    const logs = new Map<string, readonly LogState[]>()
    const lastHour = new Map<string, ReadonlyMap<number, number>>()
    for (const topic of topics) {
      const log = known.has(topic) ? await readLog(admin, config.kafka.group, topic) : []
      logs.set(topic, log)
      if (log.every(({ end }) => end !== null)) lastHour.set(topic, await readLastHour(admin, topic, log))
    }
    const { clusterId }: { readonly clusterId: string | null } = await admin.describeCluster()
    return { clusterId, logs, lastHour }
  } catch (error) {
    throw kafkaFailure(error, `read offsets at ${config.kafka.brokers.join(', ')}`)
  } finally {
    await admin.disconnect()
  }
}

async function readLog(admin: Admin, groupId: string, topic: string): Promise<readonly LogState[]> {
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, BigInt(high)]))
  const commits = new Map<number, { readonly offset: string; readonly metadata: string | null }>()
  for (const { partitions } of await admin.fetchOffsets({ groupId, topics: [topic] })) {
    for (const found of partitions) if (found.offset !== '-1') commits.set(found.partition, found)
  }
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const partitions = topics.flatMap((found) => found.partitions.map(({ partitionId }) => partitionId))
  return partitions
    .sort((a, b) => a - b)
    .map((partition) => {
      const { offset, metadata = null } = commits.get(partition) ?? {}
      const committed = offset === undefined ? null : BigInt(offset)
      return { partition, committed, metadata, end: ends.get(partition) ?? null }
    })
}

async function readLastHour(
  admin: Admin,
  topic: string,
  log: readonly LogState[],
): Promise<ReadonlyMap<number, number>> {
  const ends = new Map(log.map(({ partition, end }) => [partition, end]))
  if (log.length === 0) return new Map()
  const began = await admin.fetchTopicOffsetsByTimestamp(topic, Date.now() - hourMs)
  return new Map(
    began.map(({ partition, offset }) => {
      const [first, end] = [BigInt(offset), ends.get(partition) ?? 0n]
      return [partition, end > first ? Number(end - first) : 0]
    }),
  )
}

export type SizedFile = LandingFile & { readonly bytes: number }

/** Files of the table's topic and epoch. @throws Failure STAGE_UNREACHABLE, STAGE_DENIED, BUCKET_MISSING, STAGE_FAILED */
export async function readStagedFiles(
  stage: Stage,
  prefix: string,
  { topic, epoch }: TableConfig,
): Promise<readonly SizedFile[]> {
  const files: SizedFile[] = []
  for await (const { key, size } of stage.list(`${prefix}${topic}/e${epoch}/`)) {
    const file = parseLandingKey(prefix, key)
    if (file) files.push({ ...file, bytes: size })
  }
  return files
}
