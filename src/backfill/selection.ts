/**
 * Decides which offsets of a log a request means, and refuses what the log does not hold. Pure: how far the log reaches and
 * which offsets stand at a time are looked up by the caller.
 */
import { type OffsetRange, rangeText } from '../change.ts'
import { Failure } from '../failure.ts'
import type { LogBounds } from '../ingest/resume.ts'
import type { Request } from './request.ts'
import type { Part } from './run-record.ts'

export type LogFacts = {
  readonly epoch: number
  readonly partitionCount: number
  /** by partition; none for one without a leader */
  readonly bounds: ReadonlyMap<number, LogBounds>
  /** by partition: the first offset at or after the time; null where none was asked for */
  readonly since: ReadonlyMap<number, bigint> | null
  readonly until: ReadonlyMap<number, bigint> | null
  /** by partition: what files of the live path cover */
  readonly staged: ReadonlyMap<number, readonly OffsetRange[]>
}

/**
 * The parts of the log that are asked for, none of them empty.
 *
 * @throws Failure USAGE where the log does not hold them, LEADER_MISSING
 */
export function selectParts(request: Request, facts: LogFacts): readonly Part[] {
  const { topic, partitions, offsets } = request
  const { epoch, partitionCount, bounds } = facts
  if (partitionCount === 0) throw new Failure('USAGE', `there is no topic ${topic}`)
  const unknown = partitions?.find((partition) => partition >= partitionCount)
  if (unknown !== undefined) {
    throw new Failure('USAGE', `topic ${topic} has no partition ${unknown}: there are 0 to ${partitionCount - 1}`)
  }
  const chosen = partitions ?? Array.from({ length: partitionCount }, (_, partition) => partition)
  if (offsets && chosen.length > 1) {
    const words = `--offsets are those of one partition, and topic ${topic} has ${partitionCount}: add --partition`
    throw new Failure('USAGE', words)
  }
  const parts = chosen.flatMap((partition): readonly Part[] => {
    const log = bounds.get(partition)
    if (!log)
      throw new Failure('LEADER_MISSING', `${topic}/${partition} has no leader, so nobody knows what its log holds`)
    const range = offsets ? insideOf(topic, partition, offsets, facts, log) : between(partition, facts, log)
    return range.first > range.last ? [] : [{ epoch, partition, range }]
  })
  if (parts.length > 0) return parts
  const held = [...bounds].map(([partition, log]) => `${partition}: ${boundsText(log)}`).join(', ')
  throw new Failure('USAGE', `nothing of topic ${topic} lies in what was asked for; by partition its log holds ${held}`)
}

function between(partition: number, { since, until }: LogFacts, { low, high }: LogBounds): OffsetRange {
  const from = since?.get(partition) ?? low
  const end = until?.get(partition) ?? high
  return { first: from > low ? from : low, last: (end < high ? end : high) - 1n }
}

function insideOf(topic: string, partition: number, asked: OffsetRange, facts: LogFacts, log: LogBounds): OffsetRange {
  if (asked.first >= log.low && asked.last < log.high) return asked
  const words = `offsets ${rangeText(asked)} of ${topic}/${partition} lie outside of the log, which holds ${boundsText(log)}`
  const left = overlap(asked, { first: log.low, last: log.high - 1n })
  const inLog = left ? `of these offsets, ${rangeText(left)} are there` : 'none of these offsets is there'
  if (asked.last >= log.high) {
    const advice = left ? `; what is there: --offsets ${rangeText(left)}` : ''
    throw new Failure('USAGE', `${words}: it has not come so far yet${advice}`)
  }
  const staged = (facts.staged.get(partition) ?? []).some((range) => overlap(range, asked) !== null)
  const elsewhere = staged
    ? `files on the stage hold some of them: firn backfill --topic ${topic} --from stage --partition ${partition} --offsets ${rangeText(asked)}`
    : 'no file on the stage holds any of them; an export of the source can be replayed with --from file'
  throw new Failure('USAGE', `${words}: ${inLog}; ${elsewhere}`)
}

export function overlap(a: OffsetRange, b: OffsetRange): OffsetRange | null {
  const first = a.first > b.first ? a.first : b.first
  const last = a.last < b.last ? a.last : b.last
  return first <= last ? { first, last } : null
}

function boundsText({ low, high }: LogBounds): string {
  return low === high ? `nothing (it ends at ${high.toString()})` : rangeText({ first: low, last: high - 1n })
}
