/**
 * Reads what the stage knows of a partition's past: landing files from an offset on, acknowledged gaps, anchors.
 * What follows from it is resume.ts and anchor.ts.
 */
import { fixed, type OffsetRange } from '../change.ts'
import {
  type Anchor,
  anchorIn,
  gapsPrefix,
  landingKey,
  parseGapKey,
  parseLandingKey,
  partitionPrefix,
} from '../landing.ts'
import type { Stage } from '../stage/stage.ts'

/** One partition of one epoch on the stage. */
export type Trace = {
  readonly stage: Stage
  readonly prefix: string
  readonly topic: string
  readonly epoch: number
  readonly partition: number
}

/** The landing files that begin at `from` or above (null: all), sorted by first offset. @throws Failure of the stage */
export async function readStaged(trace: Trace, from: bigint | null): Promise<readonly OffsetRange[]> {
  const { stage, prefix, topic, epoch, partition } = trace
  const folder = partitionPrefix(prefix, topic, epoch, partition)
  const ranges: OffsetRange[] = []
  for await (const { key } of stage.list(folder, from === null ? {} : { startAfter: `${folder}${fixed(from, 20)}` })) {
    const file = parseLandingKey(prefix, key)
    if (file) ranges.push(file.range)
  }
  return ranges
}

/** All acknowledged gaps of a topic's epoch, by partition. @throws Failure of the stage */
export async function readGaps({
  stage,
  prefix,
  topic,
  epoch,
}: Omit<Trace, 'partition'>): Promise<ReadonlyMap<number, readonly OffsetRange[]>> {
  const gaps = new Map<number, OffsetRange[]>()
  for await (const { key } of stage.list(gapsPrefix(prefix, topic, epoch))) {
    const gap = parseGapKey(prefix, topic, epoch, key)
    if (gap) gaps.set(gap.partition, [...(gaps.get(gap.partition) ?? []), gap.range])
  }
  return gaps
}

/** How many files are looked at for an anchor that can be compared. */
const filesMax = 4

/** How many files of the size of the last one a first look back may find. */
const filesBack = 8n

/**
 * Anchors of the newest files that end below `end`, newest first: `known` ones, then earlier ones, found by looking back
 * further and further, so that the cost does not grow with the number of old files.
 *
 * @throws Failure of the stage
 */
export async function* anchorsBelow(
  trace: Trace,
  end: bigint,
  known: readonly OffsetRange[],
): AsyncGenerator<Anchor, undefined> {
  let looked = 0
  for (const range of known.toReversed()) {
    if (looked++ === filesMax) return
    yield* anchorAt(trace, range)
  }
  const last = known.at(-1)
  let below = known[0]?.first ?? end
  let span = filesBack * (last ? last.last - last.first + 1n : 1_000n)
  while (below > 0n && looked < filesMax) {
    const from = below > span ? below - span : 0n
    const older = (await readStaged(trace, from)).filter((range) => range.last < below)
    for (const range of older.toReversed()) {
      if (looked++ === filesMax) return
      yield* anchorAt(trace, range)
    }
    below = older[0]?.first ?? from
    span *= filesBack
  }
  return
}

async function* anchorAt(trace: Trace, range: OffsetRange): AsyncGenerator<Anchor, undefined> {
  const head = await trace.stage.head(landingKey(trace.prefix, { ...trace, range }))
  const anchor = head && anchorIn(head.metadata)
  if (anchor) yield anchor
  return
}
