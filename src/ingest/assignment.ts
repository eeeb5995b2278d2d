/**
 * Looks up what resume.ts decides on: committed offsets, landing files and the bounds of the log, of newly assigned
 * partitions of one topic. Repeating after an outage is the caller's.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { fixed, type OffsetRange } from '../change.ts'
import { type Admin, kafkaFailure } from '../kafka/client.ts'
import { parseLandingKey, partitionPrefix } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import { type Committed, type LogBounds, resume, type Resumption, vouchedOffset } from './resume.ts'

export type AssignmentSources = {
  readonly admin: Admin
  readonly group: string
  readonly stage: Stage
  readonly prefix: string
}

export type Start = {
  readonly partition: number
  readonly resumption: Resumption
  /** null where the group has none */
  readonly committed: bigint | null
}

export type Starts = { readonly partitionCount: number; readonly starts: readonly Start[] }

/** A leader that has just been elected may not know its log's end yet: a halt counts when it is seen this often. */
const looksMax = 3
const lookAgainMs = 1_000

/** How many partitions are listed at once. */
const listingsMax = 8

/** @throws Failure of Kafka or of the stage */
export async function findStarts(
  sources: AssignmentSources,
  topic: string,
  epoch: number,
  partitions: readonly number[],
): Promise<Starts> {
  const committed = await committedOffsets(sources, topic)
  const staged = new Map<number, readonly OffsetRange[]>()
  for (let at = 0; at < partitions.length; at += listingsMax) {
    const some = partitions.slice(at, at + listingsMax)
    await Promise.all(
      some.map(async (partition) => {
        const from = vouchedOffset(committed.get(partition) ?? null, epoch)
        staged.set(partition, await stagedRanges(sources, topic, epoch, partition, from))
      }),
    )
  }
  for (let look = 1; ; look++) {
    // After the listings: a file stored in between may end beyond what the log held before.
    const log = await logBounds(sources.admin, topic)
    const starts = partitions.map((partition): Start => {
      const found = committed.get(partition) ?? null
      const bounds = log.get(partition) ?? { low: 0n, high: 0n }
      const resumption = resume(vouchedOffset(found, epoch), staged.get(partition) ?? [], bounds)
      return { partition, resumption, committed: found?.offset ?? null }
    })
    const halts = starts.some(({ resumption }) => resumption.kind === 'halt')
    if (!halts || look === looksMax) return { partitionCount: log.size, starts }
    await sleep(lookAgainMs)
  }
}

/** The bounds of each partition's log, up to the last stable offset. @throws Failure of Kafka */
export async function logBounds(admin: Admin, topic: string): Promise<ReadonlyMap<number, LogBounds>> {
  const offsets = await admin.fetchTopicOffsets(topic).catch((error: unknown) => {
    throw kafkaFailure(error, `read the offsets of topic ${topic}`)
  })
  return new Map(offsets.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }]))
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

/** The ranges of a partition's landing files, of those that begin at `from` or above. */
async function stagedRanges(
  { stage, prefix }: AssignmentSources,
  topic: string,
  epoch: number,
  partition: number,
  from: bigint | null,
): Promise<readonly OffsetRange[]> {
  const folder = partitionPrefix(prefix, topic, epoch, partition)
  const ranges: OffsetRange[] = []
  for await (const { key } of stage.list(folder, from === null ? undefined : `${folder}${fixed(from, 20)}`)) {
    const file = parseLandingKey(prefix, key)
    if (file) ranges.push(file.range)
  }
  return ranges
}
