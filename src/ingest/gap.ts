/**
 * Acknowledged gaps: an operator's word, kept on the stage, that offsets are given up. Decides what may be given up; the
 * partition takes it up where resume.ts follows the chain.
 */
import { type OffsetRange, rangeText } from '../change.ts'
import { Failure } from '../failure.ts'
import { gapKey, type LandingFile } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import type { LogBounds } from './resume.ts'

export type GapVerdict =
  /** Kafka has deleted all of it: nothing more is lost by saying so. */
  | { readonly kind: 'gone' }
  /** Kafka still has these; they will never be staged. */
  | { readonly kind: 'discards'; readonly range: OffsetRange }

/** @throws Failure USAGE where it reaches beyond the log: what is not there yet cannot be lost */
export function judgeGap(range: OffsetRange, log: LogBounds): GapVerdict {
  if (range.last >= log.high) {
    const end = log.high.toString()
    throw new Failure('USAGE', `offsets ${rangeText(range)} reach beyond the log, which ends before ${end}`)
  }
  if (range.last < log.low) return { kind: 'gone' }
  return { kind: 'discards', range: { first: range.first < log.low ? log.low : range.first, last: range.last } }
}

/** Who gives up what, and why. */
export type Gap = LandingFile & { readonly reason: string | null; readonly acknowledgedAt: Date }

/** The key of the object that keeps it; `again` where it was kept before. @throws Failure of the stage */
export async function keepGap(
  stage: Stage,
  prefix: string,
  gap: Gap,
): Promise<{ readonly key: string; readonly again: boolean }> {
  const { topic, epoch, partition, range, reason, acknowledgedAt } = gap
  const key = gapKey(prefix, gap)
  const [first, last] = [range.first.toString(), range.last.toString()]
  const record = { topic, epoch, partition, first, last, reason, acknowledgedAt: acknowledgedAt.toISOString() }
  const outcome = await stage.put(key, Buffer.from(`${JSON.stringify(record, null, 2)}\n`), {})
  return { key, again: outcome !== 'stored' }
}
