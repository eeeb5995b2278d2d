/**
 * A roster with a stage, a group and a log in memory, for the tests of what it does through generations and faults.
 */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Message } from '../../src/change.ts'
import { configSchema } from '../../src/config.ts'
import { Failure } from '../../src/failure.ts'
import type { SealedBatch } from '../../src/ingest/batch.ts'
import { parseCommitment } from '../../src/ingest/commitment.ts'
import { Outage } from '../../src/ingest/outage.ts'
import { type LogBounds, resume } from '../../src/ingest/resume.ts'
import { type Membership, Roster, type RosterSetting } from '../../src/ingest/roster.ts'
import { landingKey, parseLandingKey } from '../../src/landing.ts'
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
  const commits = new Map<number, bigint>()
  const bounds: { log: LogBounds } = { log: { low: 0n, high: 1_000n } }
  const partitionCount = 1
  const failures: Failure[] = []
  const logger = createLogger({ level: 'silent' })
  const config = configOf(ingest)
  const setting: RosterSetting = {
    config,
    stage,
    logger,
    metrics: createMetrics(),
    kafkaOutage: new Outage('Kafka', logger),
    stageOutage: new Outage('the stage', logger),
    now: Date.now,
    encoder: { encode: (batch: SealedBatch) => Promise.resolve({ file: fileOf(batch), rows: batch.rows }) },
  }
  const membership: Membership = {
    pause: (_, partition) => events.push(`pause ${partition}`),
    resume: (_, partition) => events.push(`resume ${partition}`),
    seek: (_, partition, offset) => events.push(`seek ${partition} ${offset}`),
    commit: (_, partition, next, metadata) => {
      assert.equal(parseCommitment(metadata)?.next, next)
      commits.set(partition, next)
      events.push(`commit ${partition} ${next}`)
      return Promise.resolve()
    },
    findStarts: async (_, __, partitions) => {
      const files = stage.keys.flatMap((key) => parseLandingKey(prefix, key) ?? [])
      await turn()
      const starts = partitions.map((partition) => {
        const committed = commits.get(partition) ?? null
        const staged = files.filter((file) => file.partition === partition).map(({ range }) => range)
        return { partition, committed, resumption: resume(committed, staged, bounds.log) }
      })
      return { partitionCount, starts }
    },
    fail: (failure) => failures.push(failure),
  }
  const roster = new Roster(setting, membership)
  rosters.push(roster)
  return { roster, stage, events, commits, bounds, failures, setting, membership }
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

export const offer = (roster: Roster, partition: number, from: number, to: number) =>
  roster.offer(topic, partition, BigInt(from), messages(partition, from, to), BigInt(to + 1))
