/**
 * Finds where newly assigned partitions of one topic start: looks up what resume.ts, epoch-record.ts and anchor.ts decide
 * on, and puts their answers together. Repeating after an outage is the caller's.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TableConfig } from '../config.ts'
import { type Admin, kafkaFailure } from '../kafka/client.ts'
import type { LogReader } from '../kafka/log-reader.ts'
import type { Anchor } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import { compareAnchor } from './anchor.ts'
import type { Commitment } from './commitment.ts'
import { epochsBegun, openEpoch } from './epoch.ts'
import { epochStart, judgeEpoch } from './epoch-record.ts'
import { logBounds, partitionCountOf } from './log-bounds.ts'
import {
  type Committed,
  type LogBounds,
  resume,
  type Resumption,
  type Trail,
  unvouchedFrom,
  vouching,
} from './resume.ts'
import { type Compared, type Start, startOf } from './start.ts'
import { anchorsBelow, readGaps, readStaged, type Trace } from './staged-trail.ts'

export type AssignmentSources = {
  readonly admin: Admin
  readonly reader: LogReader
  readonly group: string
  readonly stage: Stage
  readonly prefix: string
}

/** One start for each partition, but for those that have no leader now, or are not known to every broker yet. */
export type Starts = { readonly partitionCount: number; readonly starts: readonly Start[] }

/** A leader that has just been elected may not know its log's end yet: a halt counts when it is seen this often. */
const looksMax = 3
const lookAgainMs = 1_000

/** How many partitions are looked up at once. */
const lookupsMax = 8

/** @throws Failure of Kafka or of the stage; EPOCH_RECORD_INVALID */
export async function findStarts(
  sources: AssignmentSources,
  table: TableConfig,
  partitions: readonly number[],
): Promise<Starts> {
  for (let look = 1; ; look++) {
    const found = await lookOnce(sources, table, partitions)
    if (look === looksMax || found.starts.every(({ kind }) => kind === 'start')) return found
    await sleep(lookAgainMs)
  }
}

async function lookOnce(
  sources: AssignmentSources,
  table: TableConfig,
  partitions: readonly number[],
): Promise<Starts> {
  const { admin } = sources
  const { topic, epoch } = table
  const clusterId = await clusterIdOf(admin)
  const record = await openEpoch(sources, table, clusterId)
  const committed = await committedOffsets(sources, topic)
  const partitionCount = await partitionCountOf(admin, topic)
  const begun = await epochsBegun(sources, topic)
  const refusal = judgeEpoch(record, { clusterId, partitionCount, begun, table })
  if (refusal) {
    const starts = partitions.map((partition): Start => {
      // Not noted: it shows anew whenever the record and the config are compared, and a note would outlive its cause.
      return { kind: 'halt', partition, failure: refusal, place: null }
    })
    return { partitionCount, starts }
  }
  const gaps = await readGaps({ ...sources, topic, epoch })
  const trails = await each(partitions, async (partition) => {
    const found = committed.get(partition) ?? null
    const from = unvouchedFrom(vouching(found, epoch))
    const staged = await readStaged({ ...sources, topic, epoch, partition }, from)
    const start = epochStart(record, partition)
    return { partition, trail: { epoch, start, committed: found, staged, gaps: gaps.get(partition) ?? [] } }
  })
  // After the listings: a file stored in between may end beyond what the log held before.
  const bounds = await logBounds(admin, topic)
  const looked = await each(trails, ({ partition, trail }) => {
    const log = bounds.get(partition)
    return log ? lookAt(sources, table, partition, trail, log) : null
  })
  return { partitionCount, starts: looked.filter((start) => start !== null) }
}

async function lookAt(
  sources: AssignmentSources,
  { topic, epoch }: TableConfig,
  partition: number,
  trail: Trail,
  log: LogBounds,
): Promise<Start> {
  const trace: Trace = { ...sources, topic, epoch, partition }
  const resumption = resume(trail, log)
  const { cursor, adopted } = resumption
  const vouched = vouching(trail.committed, epoch)
  const compared = await compare(sources.reader, trace, { cursor, adopted, vouched, log })
  return startOf({ topic, partition }, trail, log, resumption, compared)
}

type Standing = {
  readonly cursor: bigint
  readonly adopted: Resumption['adopted']
  readonly vouched: Commitment | null
  readonly log: LogBounds
}

/** Compares the newest anchor that the log still has. @throws Failure of Kafka or of the stage */
async function compare(reader: LogReader, trace: Trace, standing: Standing): Promise<Compared> {
  const { log } = standing
  let newest: Anchor | null = null
  for await (const anchor of anchors(trace, standing)) {
    newest ??= anchor
    // Earlier ones are gone too.
    if (anchor.offset < log.low || anchor.offset >= log.high) break
    const entry = await reader.entryAt(trace.topic, trace.partition, anchor.offset)
    const verdict = compareAnchor(anchor, entry)
    if (verdict === 'same') return { log: 'same', newest, replacedAt: null }
    if (verdict === 'other') return { log: 'unverified', newest, replacedAt: anchor.offset }
  }
  return { log: newest ? 'unverified' : 'new', newest, replacedAt: null }
}

/** Newest first. A commit passes its anchor on to the next one, so that one without has nothing before it. */
async function* anchors(trace: Trace, { cursor, adopted, vouched }: Standing): AsyncGenerator<Anchor> {
  if (adopted.length > 0) yield* anchorsBelow(trace, cursor, adopted)
  else if (vouched?.anchor) {
    yield vouched.anchor
    yield* anchorsBelow(trace, vouched.first, [])
  }
}

async function each<T, R>(items: readonly T[], look: (item: T) => Promise<R> | R): Promise<readonly R[]> {
  const found: R[] = []
  for (let at = 0; at < items.length; at += lookupsMax) {
    found.push(...(await Promise.all(items.slice(at, at + lookupsMax).map(look))))
  }
  return found
}

async function clusterIdOf(admin: Admin): Promise<string | null> {
  // Declared as text; brokers may leave it out.
  const { clusterId }: { readonly clusterId: string | null } = await admin.describeCluster().catch((error: unknown) => {
    throw kafkaFailure(error, 'read the id of the cluster')
  })
  return clusterId
}

async function committedOffsets({ admin, group }: AssignmentSources, topic: string) {
  const topics = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch((error: unknown) => {
    throw kafkaFailure(error, `read the committed offsets of group ${group}`)
  })
  const committed = new Map<number, Committed>()
  for (const { partition, offset, metadata } of topics.flatMap(({ partitions }) => partitions)) {
    if (BigInt(offset) >= 0n) committed.set(partition, { offset: BigInt(offset), metadata })
  }
  return committed
}
