/**
 * What a histogram says of its middle and its end, as Prometheus's histogram_quantile would: exact to the bucket, and even within it.
 */

/** `count` is of all that took `until` seconds at most; the last bucket has no end. */
export type Bucket = { readonly until: number; readonly count: number }

/** In seconds; null where nothing was measured. What lies beyond the last bound is told as that bound. */
export function quantile(buckets: readonly Bucket[], share: number): number | null {
  const total = buckets.at(-1)?.count ?? 0
  if (total === 0) return null
  const rank = share * total
  let [from, below] = [0, 0]
  for (const { until, count } of buckets) {
    if (count >= rank) return until === Infinity ? from : from + (until - from) * ((rank - below) / (count - below))
    from = until
    below = count
  }
  return from
}
