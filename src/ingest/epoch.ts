/**
 * Finds the record of a topic's epoch on the stage, or begins the epoch by writing it. What it means is epoch-record.ts.
 */
import type { TableConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import { reach } from '../fail-point.ts'
import { type Admin, kafkaFailure } from '../kafka/client.ts'
import { epochRecordKey, epochRecordsPrefix, parseEpochRecordKey } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import { partitionCountOf } from './log-bounds.ts'
import { encodeEpochRecord, type EpochRecord, parseEpochRecord } from './epoch-record.ts'

export type EpochSources = { readonly admin: Admin; readonly stage: Stage; readonly prefix: string }

/**
 * Of several who begin an epoch at once, the first to store its record decides what all of them read.
 *
 * @throws Failure EPOCH_RECORD_INVALID, of Kafka or of the stage
 */
export async function openEpoch(
  sources: EpochSources,
  table: TableConfig,
  clusterId: string | null,
): Promise<EpochRecord> {
  const { stage, prefix } = sources
  const key = epochRecordKey(prefix, table.topic, table.epoch)
  const found = await stage.get(key)
  if (found) return parseEpochRecord(found, key)
  const record = await firstRecord(sources, table, clusterId)
  reach('record.before')
  const outcome = await stage.put(key, encodeEpochRecord(record), {})
  reach('record.after')
  if (outcome !== 'taken') return record
  const first = await stage.get(key)
  if (!first) throw new Failure('STAGE_FAILED', `${key} was there, and is gone`)
  return parseEpochRecord(first, key)
}

/** Null where the epoch has not begun. @throws as openEpoch */
export async function readEpoch(
  { stage, prefix }: Omit<EpochSources, 'admin'>,
  { topic, epoch }: Pick<TableConfig, 'topic' | 'epoch'>,
): Promise<EpochRecord | null> {
  const key = epochRecordKey(prefix, topic, epoch)
  const found = await stage.get(key)
  return found ? parseEpochRecord(found, key) : null
}

/** The epochs of a topic that have begun, in no order. @throws Failure of the stage */
export async function epochsBegun(
  { stage, prefix }: Omit<EpochSources, 'admin'>,
  topic: string,
): Promise<readonly number[]> {
  const epochs: number[] = []
  for await (const { key } of stage.list(epochRecordsPrefix(prefix, topic), { shallow: true })) {
    const epoch = parseEpochRecordKey(prefix, topic, key)
    if (epoch !== null) epochs.push(epoch)
  }
  return epochs
}

async function firstRecord(
  { admin, stage, prefix }: EpochSources,
  table: TableConfig,
  clusterId: string | null,
): Promise<EpochRecord> {
  const { topic, epoch, dialect, key, order = null } = table
  const partitionCount = await partitionCountOf(admin, topic)
  const begun = await epochsBegun({ stage, prefix }, topic)
  // A later epoch reads again what the one before it has read.
  const start = begun.some((other) => other < epoch) ? 'earliest' : table.start
  const starts = await startOffsets(admin, topic, start)
  // What the record does not list begins at its beginning, which is right for `earliest` alone.
  if (starts.size < partitionCount && start !== 'earliest') {
    const words = `${topic} has ${partitionCount} partitions, and ${starts.size} with a leader: epoch ${epoch} cannot begin`
    throw new Failure('LEADER_MISSING', words)
  }
  return { clusterId, partitionCount, start, starts, dialect, key, order }
}

async function startOffsets(
  admin: Admin,
  topic: string,
  start: TableConfig['start'],
): Promise<ReadonlyMap<number, bigint>> {
  try {
    if (start !== 'earliest' && start !== 'latest') {
      const found = await admin.fetchTopicOffsetsByTimestamp(topic, Date.parse(start))
      return new Map(found.map(({ partition, offset }) => [partition, BigInt(offset)]))
    }
    const found = await admin.fetchTopicOffsets(topic)
    return new Map(found.map(({ partition, low, high }) => [partition, BigInt(start === 'latest' ? high : low)]))
  } catch (error) {
    throw kafkaFailure(error, `read the offsets of topic ${topic}`)
  }
}
