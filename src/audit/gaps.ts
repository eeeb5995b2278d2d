/**
 * Judges whether every offset of a partition's epoch is accounted for: staged, loaded, merged, or given up. Files of the live
 * path say how far an epoch reaches; a backfill's fill holes, and never widen it.
 */
import { type OffsetRange, rangeText } from '../change.ts'
import type { TopicEvidence } from '../evidence.ts'
import { ackGapCommand } from '../failure.ts'
import { coversRanges, type LandingName } from '../landing.ts'
import { holesIn, hullOf, overlapsIn } from './coverage.ts'
import { type Finding, finding, type Note } from './finding.ts'

type Commit = NonNullable<NonNullable<TopicEvidence['log']>[number]['commit']>

/** One partition of one epoch. */
type Stretch = {
  readonly topic: string
  readonly epoch: number
  readonly partition: number
  readonly live: readonly OffsetRange[]
  readonly fills: readonly OffsetRange[]
  readonly start: bigint | null
  /** of the current epoch alone */
  readonly commit: Commit | null
  readonly isCurrent: boolean
}

/** Nothing where part of the evidence is not known: what is missing there could be what covers a hole. */
export function judgeGaps(evidence: TopicEvidence): readonly Finding[] {
  return stretchesOf(evidence).flatMap((stretch) => {
    const { topic, epoch, partition, isCurrent } = stretch
    const place = { topic, partition }
    return holesOf(stretch).map((offsets) => {
      const seen = `offsets ${rangeText(offsets)} of epoch ${epoch} lie in no file that is on the stage, in the landing table or merged, and nobody has given them up`
      const command = isCurrent ? ackGapCommand(topic, partition, rangeText(offsets), false) : undefined
      return finding('STAGE_GAP', { ...place, offsets }, seen, command)
    })
  })
}

function holesOf({ live, fills, start, commit }: Stretch): readonly OffsetRange[] {
  const hull = hullOf(live)
  const all = [...live, ...fills]
  const first = start !== null && (hull === null || start < hull.first) ? start : (hull?.first ?? null)
  const behind = staged(commit, all, hull)
  if (first === null) return behind === null ? [] : [behind]
  const last = [hull?.last, behind?.last].reduce<bigint>(
    (most, one) => (one !== undefined && one > most ? one : most),
    first - 1n,
  )
  return last < first ? [] : holesIn({ first, last }, all)
}

/**
 * What the commit says was stored, where its anchor lies in no file: at the end of a partition only this shows that a file
 * is gone. An open batch has no file yet, so neither has an anchor that lies in it.
 */
function staged(commit: Commit | null, known: readonly OffsetRange[], hull: OffsetRange | null): OffsetRange | null {
  const { anchor = null, open = false, first = 0n, next = 0n } = commit ?? {}
  if (!anchor || (open && anchor.offset >= first)) return null
  if (known.some((range) => range.first <= anchor.offset && anchor.offset <= range.last)) return null
  const end = open ? first : next
  const from = hull && hull.last < anchor.offset ? hull.last + 1n : anchor.offset
  return { first: from, last: end > from ? end - 1n : anchor.offset }
}

function stretchesOf(evidence: TopicEvidence): readonly Stretch[] {
  const { topic, epoch: current, log, gaps, epochs, staged: files, landed, tables } = evidence
  const merged = tables.flatMap((table) => table.merged ?? [])
  if (!files || !landed || !gaps || tables.some((table) => table.merged === null)) return []
  const known = new Map<string, LandingName>([...files, ...landed, ...merged].map((one) => [one.name, one]))
  const places = Map.groupBy(known.values(), ({ file }) => `${file.epoch} ${file.partition}`)
  for (const { partition, commit } of log ?? []) {
    const place = `${current} ${partition}`
    if (commit && !places.has(place)) places.set(place, [])
  }
  return [...places].map(([place, names]) => {
    const [epoch = 0, partition = 0] = place.split(' ').map(Number)
    const isCurrent = epoch === current
    const given = gaps.filter((gap) => gap.epoch === epoch && gap.partition === partition).map(({ range }) => range)
    return {
      topic,
      epoch,
      partition,
      live: names.filter(({ run }) => run === null).map(({ file }) => file.range),
      // Single messages say nothing of what lies between them.
      fills: [...names.filter(({ run }) => run !== null && coversRanges(run)).map(({ file }) => file.range), ...given],
      start: epochs?.find((one) => one.epoch === epoch)?.starts.get(partition) ?? null,
      commit: isCurrent ? (log?.find((one) => one.partition === partition)?.commit ?? null) : null,
      isCurrent,
    }
  })
}

/** Overlaps and backfills are right, and odd enough to be explained. */
export function noteOverlaps({ topic, staged: files }: TopicEvidence): readonly Note[] {
  const live = (files ?? []).filter(({ run }) => run === null)
  const overlaps = [...Map.groupBy(live, ({ file }) => `${file.epoch} ${file.partition}`)].flatMap(([place, names]) => {
    const [epoch, partition = 0] = place.split(' ').map(Number)
    const found = overlapsIn(names.map(({ file }) => file.range))
    const [one] = found
    if (!one) return []
    const count = `${found.length} ${found.length === 1 ? 'file overlaps' : 'files overlap'} others of epoch ${epoch}`
    const seen = `${count}, such as at offsets ${rangeText(one)}: a process that had stood still woke up and stored what others had stored; rows that come again change nothing`
    return [{ topic, partition, seen }]
  })
  const runs = [...Map.groupBy(files ?? [], ({ run }) => run)].flatMap(([run, names]) => {
    const count = `${names.length} ${names.length === 1 ? 'file' : 'files'}`
    return run === null
      ? []
      : [{ topic, partition: null, seen: `${count} of the backfill ${run}, which may hold what other files hold too` }]
  })
  return [...overlaps, ...runs]
}
