/**
 * Whether the ranges that are known of a partition join: which offsets lie between them, and which ranges overlap. Knows of
 * offsets alone; where ranges come from, and what a hole means, is gaps.ts's.
 */
import type { OffsetRange } from '../change.ts'

/**
 * The offsets from `bounds.first` to `bounds.last` that lie in no range, as the fewest ranges, in order.
 *
 * Invariant: together with the ranges they cover the bounds, and they share no offset with any range.
 */
export function holesIn(bounds: OffsetRange, ranges: readonly OffsetRange[]): readonly OffsetRange[] {
  const holes: OffsetRange[] = []
  let next = bounds.first
  for (const { first, last } of sorted(ranges)) {
    if (next > bounds.last) break
    if (first > next) holes.push({ first: next, last: first - 1n < bounds.last ? first - 1n : bounds.last })
    if (last >= next) next = last + 1n
  }
  if (next <= bounds.last) holes.push({ first: next, last: bounds.last })
  return holes
}

/** The least range that holds all of these; null where there is none. */
export function hullOf(ranges: readonly OffsetRange[]): OffsetRange | null {
  return ranges.reduce<OffsetRange | null>(
    (hull, { first, last }) =>
      hull
        ? { first: first < hull.first ? first : hull.first, last: last > hull.last ? last : hull.last }
        : { first, last },
    null,
  )
}

/** The offsets that more than one of the ranges holds, one range for each that begins before an earlier one has ended. */
export function overlapsIn(ranges: readonly OffsetRange[]): readonly OffsetRange[] {
  const overlaps: OffsetRange[] = []
  let end: bigint | null = null
  for (const { first, last } of sorted(ranges)) {
    if (end !== null && first <= end) overlaps.push({ first, last: last < end ? last : end })
    if (end === null || last > end) end = last
  }
  return overlaps
}

function sorted(ranges: readonly OffsetRange[]): readonly OffsetRange[] {
  return [...ranges].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
}
