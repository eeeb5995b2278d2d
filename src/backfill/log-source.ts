/**
 * A log as the source of a replay: fetched outside of any group, around the offsets that were given up. Whether it is still
 * the log that was staged is looked at before the first message is taken.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type OffsetRange, rangeText } from '../change.ts'
import type { Config, TableConfig } from '../config.ts'
import { Failure, toFailure } from '../failure.ts'
import { compareAnchor } from '../ingest/anchor.ts'
import { backoffMs } from '../ingest/backoff.ts'
import { readEpoch, epochsBegun } from '../ingest/epoch.ts'
import { judgeEpoch } from '../ingest/epoch-record.ts'
import { logBounds, partitionCountOf } from '../ingest/log-bounds.ts'
import { Outage } from '../ingest/outage.ts'
import type { LogBounds } from '../ingest/resume.ts'
import { anchorsBelow, readGaps, readStaged, type Trace } from '../ingest/staged-trail.ts'
import { type Admin, kafkaClient, kafkaFailure } from '../kafka/client.ts'
import { logReader } from '../kafka/log-reader.ts'
import { scanLog } from '../kafka/log-scan.ts'
import { type PartitionFetcher, partitionFetcher } from '../kafka/partition-fetcher.ts'
import type { Stage } from '../stage/stage.ts'
import type { Logger } from '../telemetry.ts'
import type { Part } from './run-record.ts'
import type { MessageSource, Stretch } from './source.ts'

export type LogAccess = {
  readonly admin: Admin
  readonly fetcher: PartitionFetcher
  close(): Promise<void>
}

/** kafkajs asks for a group's name; this one is never joined. */
const noGroup = 'firn-backfill-joins-no-group'

/** @throws Failure of Kafka */
export async function openLog(config: Config, logger: Logger): Promise<LogAccess> {
  const kafka = kafkaClient(config.kafka, logger)
  const admin = kafka.admin()
  const fetcher = partitionFetcher(kafka, noGroup)
  await admin.connect().catch((error: unknown) => {
    throw kafkaFailure(error, `connect to ${config.kafka.brokers.join(', ')}`)
  })
  await fetcher.connect()
  return {
    admin,
    fetcher,
    close: async () => {
      await Promise.all([admin.disconnect(), fetcher.close()])
    },
  }
}

type Looking = {
  readonly config: Config
  readonly logger: Logger
  readonly stage: Stage
  readonly access: LogAccess
}

type LogPlace = {
  readonly access: LogAccess
  readonly stage: Stage
  readonly prefix: string
  readonly table: TableConfig
}

/**
 * How far the log of each partition reaches. The topic's epoch must have begun, and mean what the configuration means.
 *
 * @throws Failure USAGE, SETTINGS_CHANGED, LOG_REPLACED, UNORDERED, of Kafka and of the stage
 */
export async function readLog({ access, stage, prefix, table }: LogPlace): Promise<{
  readonly partitionCount: number
  readonly bounds: ReadonlyMap<number, LogBounds>
}> {
  const { topic, epoch } = table
  const { admin } = access
  const known = await admin.listTopics().catch((error: unknown) => {
    throw kafkaFailure(error, 'list the topics')
  })
  if (!known.includes(topic))
    throw new Failure('USAGE', `there is no topic ${topic} at the brokers: check kafka.brokers`)
  const record = await readEpoch({ stage, prefix }, table)
  if (!record) {
    throw new Failure(
      'USAGE',
      `epoch ${epoch} of ${topic} has not begun: start firn run first, which notes what it means`,
    )
  }
  const partitionCount = await partitionCountOf(admin, topic)
  const { clusterId } = await admin.describeCluster().catch((error: unknown) => {
    throw kafkaFailure(error, 'look at the cluster')
  })
  const begun = await epochsBegun({ stage, prefix }, topic)
  const disagreement = judgeEpoch(record, { clusterId, partitionCount, begun, table })
  if (disagreement) throw disagreement
  return { partitionCount, bounds: await logBounds(admin, topic) }
}

/** By partition: the first offset at or after a time; the end where there is none. @throws Failure of Kafka */
export async function offsetsAt(access: LogAccess, topic: string, time: Date): Promise<ReadonlyMap<number, bigint>> {
  const found = await access.admin.fetchTopicOffsetsByTimestamp(topic, time.getTime()).catch((error: unknown) => {
    throw kafkaFailure(error, `read the offsets of topic ${topic}`)
  })
  return new Map(found.map(({ partition, offset }) => [partition, BigInt(offset)]))
}

/**
 * A topic that was created again under its name has other messages at the same offsets: staged under the same epoch, they
 * would compete with those that were staged before.
 *
 * @throws Failure LOG_REPLACED, OFFSET_BEYOND_LOG, of Kafka and of the stage
 */
export async function refuseOtherLog(
  { config, logger, stage, access }: Looking,
  topic: string,
  parts: readonly Part[],
  bounds: ReadonlyMap<number, LogBounds>,
): Promise<void> {
  const reader = logReader(kafkaClient(config.kafka, logger), noGroup)
  await reader.connect()
  try {
    for (const { epoch, partition } of parts) {
      const trace = { stage, prefix: config.stage.prefix, topic, epoch, partition }
      const high = await refuseBeyond(access, trace, bounds)
      for await (const anchor of anchorsBelow(trace, high, [])) {
        const compared = compareAnchor(anchor, await reader.entryAt(topic, partition, anchor.offset))
        if (compared === 'gone') continue
        if (compared === 'same') break
        const at = `${topic}/${partition} at offset ${anchor.offset.toString()}`
        throw new Failure('LOG_REPLACED', `${at}: another message than the one that was staged`)
      }
    }
  } finally {
    await reader.close()
  }
}

/** Files of offsets that the log does not have. An ingester stores such as came since `high` was looked up. */
async function refuseBeyond(access: LogAccess, trace: Trace, bounds: ReadonlyMap<number, LogBounds>): Promise<bigint> {
  const { topic, partition } = trace
  const high = endOf(trace, bounds)
  const beyond = (await readStaged(trace, high)).at(-1)
  if (!beyond) return high
  const now = endOf(trace, await logBounds(access.admin, topic))
  if (beyond.first < now) return now
  const words = `${topic}/${partition} ends before ${now.toString()}, and offsets ${rangeText(beyond)} are staged`
  throw new Failure('OFFSET_BEYOND_LOG', words)
}

function endOf({ topic, partition }: Trace, bounds: ReadonlyMap<number, LogBounds>): bigint {
  const log = bounds.get(partition)
  if (log) return log.high
  throw new Failure('LEADER_MISSING', `${topic}/${partition} has no leader, so nobody knows what its log holds`)
}

export type LogSourceSetting = {
  readonly access: LogAccess
  readonly topic: string
  readonly outage: Outage
  /** by partition: offsets that an operator has given up */
  readonly gaps: ReadonlyMap<number, readonly OffsetRange[]>
}

export async function openLogSource(
  { stage, prefix, table }: Omit<LogPlace, 'access'>,
  setting: Omit<LogSourceSetting, 'gaps' | 'topic'>,
): Promise<MessageSource> {
  const gaps = await readGaps({ stage, prefix, topic: table.topic, epoch: table.epoch })
  const whole = { ...setting, topic: table.topic, gaps }
  return { read: (part, from, signal) => readPart(part, from, whole, signal) }
}

async function* readPart(
  { partition, range }: Part,
  from: bigint,
  setting: LogSourceSetting,
  signal: AbortSignal,
): AsyncGenerator<Stretch> {
  const { access, topic, outage, gaps } = setting
  const patiently = <T>(attempt: () => Promise<T>) => untilDone(attempt, outage, signal)
  for (const one of around({ first: from, last: range.last }, gaps.get(partition) ?? [])) {
    if (one.kind === 'gap') yield { messages: [], next: one.range.last + 1n }
    else yield* scanLog(access.fetcher, { topic, partition, range: one.range, patiently })
  }
}

/** The range in pieces: what is to be read, and what was given up. */
export function* around(
  range: OffsetRange,
  gaps: readonly OffsetRange[],
): Generator<{ readonly kind: 'read' | 'gap'; readonly range: OffsetRange }, undefined> {
  let next = range.first
  for (const gap of gaps.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const last = gap.last < range.last ? gap.last : range.last
    if (last < next || gap.first > range.last) continue
    if (gap.first > next) yield { kind: 'read', range: { first: next, last: gap.first - 1n } }
    yield { kind: 'gap', range: { first: gap.first > next ? gap.first : next, last } }
    next = last + 1n
  }
  if (next <= range.last) yield { kind: 'read', range: { first: next, last: range.last } }
  return
}

/** As the live path: what may come back is waited for. @throws the signal's reason, and what is no use to repeat */
async function untilDone<T>(attempt: () => Promise<T>, outage: Outage, signal: AbortSignal): Promise<T> {
  for (let failed = 0; ; failed++) {
    signal.throwIfAborted()
    try {
      const result = await attempt()
      outage.over()
      return result
    } catch (error) {
      const failure = toFailure(error)
      if (failure.response !== 'retry') throw failure
      outage.report(failure)
    }
    await sleep(backoffMs(failed), undefined, { signal })
  }
}
