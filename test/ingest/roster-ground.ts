/**
 * A roster with a stage, a group and a log in memory, for the tests of what it does through generations and faults.
 */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Message, OffsetRange } from '../../src/change.ts'
import { configSchema } from '../../src/config.ts'
import type { Failure } from '../../src/failure.ts'
import type { SealedBatch } from '../../src/ingest/batch.ts'
import { type Start, startOf } from '../../src/ingest/start.ts'
import { encodeMetadata, parseCommitment, parseHaltNote } from '../../src/ingest/commitment.ts'
import { Outage } from '../../src/ingest/outage.ts'
import type { Offer } from '../../src/ingest/partition.ts'
import { type Committed, type LogBounds, resume, unvouchedFrom, vouching } from '../../src/ingest/resume.ts'
import type { Membership } from '../../src/ingest/membership.ts'
import { RecentFiles } from '../../src/ingest/recent-files.ts'
import { Roster, type RosterSetting } from '../../src/ingest/roster.ts'
import type { LogEntry } from '../../src/kafka/log-reader.ts'
import { type Anchor, landingKey, parseLandingKey } from '../../src/landing.ts'
import { createLogger, createMetrics } from '../../src/telemetry.ts'
import { until } from '../support/until.ts'
import { MemoryStage } from './memory-stage.ts'

export const topic = 'orders'
const prefix = 'p/'

function configOf(ingest: Record<string, unknown>) {
  return configSchema.parse({
    kafka: { brokers: ['broker:9092'] },
    stage: { bucket: 'memory', prefix },
    ingest: { freshness: '1h', ...ingest },
    tables: [{ topic, table: 'A.B', key: ['id'] }],
  })
}

const rosters: Roster[] = []

// Open batches have timers, which would hold the process.
after(async () => {
  await Promise.all(rosters.map((roster) => roster.flush(0)))
})

/** A roster, the group that it is a member of, and the log that it reads. */
export function ground(ingest: Record<string, unknown> = {}) {
  const stage = new MemoryStage()
  const events: string[] = []
  const commits = new Map<number, Committed>()
  const bounds: { log: LogBounds } = { log: { low: 0n, high: 1_000n } }
  const gaps = new Map<number, OffsetRange[]>()
  /** by partition and offset, what stands there; nothing where nothing is said */
  const entries = new Map<string, LogEntry>()
  const failures: Failure[] = []
  const logger = createLogger({ level: 'silent' })
  const config = configOf(ingest)
  const setting: RosterSetting = {
    config,
    stage,
    logger,
    metrics: createMetrics(),
    kafkaOutage: new Outage('Kafka', logger),
    epochOutage: new Outage('an epoch', logger),
    stageOutage: new Outage('the stage', logger),
    recentFiles: new RecentFiles(),
    now: Date.now,
    encoder: { encode: (batch: SealedBatch) => Promise.resolve({ file: fileOf(batch), rows: batch.rows }) },
  }
  const startAt = (partition: number): Start => {
    const files = stage.keys.flatMap((key) => parseLandingKey(prefix, key) ?? [])
    const committed = commits.get(partition) ?? null
    const vouched = vouching(committed, 1)
    const from = unvouchedFrom(vouched) ?? 0n
    const staged = files.filter((file) => file.partition === partition && file.range.first >= from)
    const start = { offset: 0n, earliest: true }
    const ranges = staged.map(({ range }) => range)
    const trail = { epoch: 1, start, committed, staged: ranges, gaps: gaps.get(partition) ?? [] }
    const resumption = resume(trail, bounds.log)
    const newest = vouched?.anchor ?? anchorBelow(resumption.cursor)
    return startOf({ topic, partition }, trail, bounds.log, resumption, {
      log: 'same',
      newest,
      replacedAt: null,
    })
  }
  const entryAt = (partition: number, offset: bigint): LogEntry =>
    entries.get(`${partition} ${offset}`) ?? { kind: 'gone' }
  const membership: Membership = {
    pause: (_, partition) => events.push(`pause ${partition}`),
    resume: (_, partition) => events.push(`resume ${partition}`),
    seek: (_, partition, offset) => events.push(`seek ${partition} ${offset}`),
    findStarts: async (_, partitions) => {
      const starts = partitions.map(startAt)
      await turn()
      return { partitionCount: 1, starts }
    },
    entryAt: (_, partition, offset) => Promise.resolve(entryAt(partition, offset)),
    isReadable: () => Promise.resolve(true),
    fail: (failure) => failures.push(failure),
  }
  const roster = new Roster(setting, membership)
  rosters.push(roster)
  const commit = (partition: number, next: bigint, metadata: string): Promise<void> => {
    assert.equal(parseCommitment(metadata)?.next, next)
    commits.set(partition, { offset: next, metadata })
    const note = parseHaltNote(metadata)
    events.push(`commit ${partition} ${next}${note ? ` ${note.code}` : ''}`)
    return Promise.resolve()
  }
  let generation = 0
  /** Begins a generation in which this process reads these partitions. */
  const assign = (partitions: readonly number[], of: Roster = roster) => {
    const id = ++generation
    const current = { id, commit: (_: string, ...what: Parameters<typeof commit>) => commit(...what) }
    of.assign({ [topic]: partitions }, current)
  }
  /** A fetch of offsets `from..to`, asked for just now unless told. */
  const offer = (partition: number, from: number, to: number, askedAt = roster.turn) =>
    roster.offer(
      topic,
      partition,
      { askedAt, offset: BigInt(from) },
      { messages: messages(partition, from, to), next: BigInt(to + 1), unreadable: null },
    )
  const give = (partition: number, offset: bigint, what: Partial<Offer> & Pick<Offer, 'next'>) =>
    roster.offer(topic, partition, { askedAt: roster.turn, offset }, { messages: [], unreadable: null, ...what })
  /** What is committed: the offset. */
  const committed = (partition: number) => commits.get(partition)?.offset
  return {
    roster,
    stage,
    events,
    commits,
    committed,
    bounds,
    gaps,
    entries,
    failures,
    setting,
    membership,
    assign,
    offer,
    give,
  }
}

/** Of a message that nothing in these tests holds. */
export const anchorBelow = (next: bigint): Anchor | null =>
  next === 0n ? null : { offset: next - 1n, timestamp: 0n, hash: '0'.repeat(64) }

/** A commit of Firn's own. */
export function ownCommit(next: bigint): Committed {
  return {
    offset: next,
    metadata: encodeMetadata({ epoch: 1, next, first: next, open: false, anchor: anchorBelow(next) }),
  }
}

export const fileOf = ({ range, anchor }: SealedBatch) =>
  Buffer.from(`${range.first}-${range.last}-${anchor?.hash ?? ''}`)

/** Messages `from..to`. */
export function messages(partition: number, from: number, to: number): Message[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    topic,
    partition,
    offset: BigInt(from + at),
    timestamp: 1_000n,
    key: Buffer.from('k'),
    value: Buffer.from(`{"operation":"INSERT","before":null,"after":{"id":${from + at}}}`),
    headers: [],
  }))
}

export const keyOf = (partition: number, first: bigint, last: bigint) =>
  landingKey(prefix, { topic, epoch: 1, partition, range: { first, last } })

export async function reading(roster: Roster, count: number): Promise<void> {
  const phases = () => roster.partitions.map(({ phase }) => phase)
  await until('partitions that read', phases, (now) => now.filter((phase) => phase === 'reading').length === count)
}
