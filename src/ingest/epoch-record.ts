/**
 * The epoch record: an object on the stage that says what an epoch of a topic means, written before its first commit. A
 * group's offsets expire and a config changes; this stays. Decides whether a running config still agrees with it.
 * Reading and storing it is epoch.ts.
 */
import type { TableConfig } from '../config.ts'
import { Failure } from '../failure.ts'

export type EpochRecord = {
  /** null where the brokers do not tell */
  readonly clusterId: string | null
  /** of the topic, when the epoch began */
  readonly partitionCount: number
  readonly start: TableConfig['start']
  /** where each partition begins; one that came later begins at its beginning */
  readonly starts: ReadonlyMap<number, bigint>
  readonly dialect: TableConfig['dialect']
  readonly key: TableConfig['key']
  readonly order: TableConfig['order'] | null
}

/** Where an epoch begins in a partition. */
export type EpochStart = {
  readonly offset: bigint
  /** as long as nothing is staged, what Kafka has deleted since is no loss */
  readonly earliest: boolean
}

export function epochStart({ start, starts }: EpochRecord, partition: number): EpochStart {
  const offset = starts.get(partition)
  return offset === undefined ? { offset: 0n, earliest: true } : { offset, earliest: start === 'earliest' }
}

export function encodeEpochRecord(record: EpochRecord): Uint8Array {
  const starts = Object.fromEntries([...record.starts].map(([partition, offset]) => [partition, offset.toString()]))
  return Buffer.from(`${JSON.stringify({ ...record, starts }, null, 2)}\n`)
}

/** @throws Failure EPOCH_RECORD_INVALID */
export function parseEpochRecord(bytes: Uint8Array, key: string): EpochRecord {
  try {
    const { starts, ...rest } = JSON.parse(Buffer.from(bytes).toString()) as Omit<EpochRecord, 'starts'> & {
      readonly starts: Readonly<Record<string, string>>
    }
    if (!Number.isSafeInteger(rest.partitionCount) || !Array.isArray(rest.key))
      throw new TypeError('members are missing')
    const pairs = Object.entries(starts).map(([partition, offset]) => [Number(partition), BigInt(offset)] as const)
    return { ...rest, starts: new Map(pairs) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Failure('EPOCH_RECORD_INVALID', `${key} is no epoch record: ${reason}`, { cause: error })
  }
}

/** What a running Firn sees. */
export type EpochFacts = {
  readonly clusterId: string | null
  readonly partitionCount: number
  /** the epochs of the topic that have begun */
  readonly begun: readonly number[]
  readonly table: Pick<TableConfig, 'topic' | 'dialect' | 'key' | 'order' | 'epoch'>
}

/** Why no partition of the topic may go on; null where all may. */
export function judgeEpoch(
  record: EpochRecord,
  { clusterId, partitionCount, begun, table }: EpochFacts,
): Failure | null {
  const latest = Math.max(...begun, table.epoch)
  // What it would stage loses against the later epoch, row by row, without a word.
  if (latest > table.epoch) {
    const words = `epoch ${latest} of ${table.topic} has begun, and the config says ${table.epoch}`
    return new Failure('SETTINGS_CHANGED', words)
  }
  const epoch = `${table.topic} in epoch ${table.epoch}`
  if (record.clusterId !== null && clusterId !== null && record.clusterId !== clusterId) {
    return new Failure('LOG_REPLACED', `${epoch} began on cluster ${record.clusterId}, and this is ${clusterId}`)
  }
  if (partitionCount < record.partitionCount) {
    const counts = `${record.partitionCount} partitions and has ${partitionCount}`
    return new Failure('LOG_REPLACED', `${epoch} began with ${counts}, and Kafka removes none`)
  }
  for (const name of ['dialect', 'key', 'order'] as const) {
    const [then, now] = [record[name] ?? null, table[name] ?? null].map((value) => JSON.stringify(value))
    if (then !== now)
      return new Failure('SETTINGS_CHANGED', `${epoch} began with ${name} ${then}, and the config says ${now}`)
  }
  if (table.order === undefined && partitionCount !== record.partitionCount) {
    const counts = `${record.partitionCount} partitions and has ${partitionCount}`
    return new Failure('UNORDERED', `${epoch} began with ${counts}, so a row's changes may lie in several of them`)
  }
  return null
}
