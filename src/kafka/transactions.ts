/**
 * Which of the record batches that a fetch brought a reader of committed transactions may see. Pure; markers that lie beyond the
 * fetch are looked for in marker-scan.ts.
 *
 * A transaction ends at its producer's next marker, which says how. A broker lists aborted transactions beside what it sends, too;
 * but a replica that copied several of them at once, and leads by now, leaves some out (Apache Kafka 4.3.1: an entry of its
 * transaction index says that all is stable up to the first open transaction of another producer, and a search of the index stops
 * there). So the list counts only where no marker is known.
 */
import { markerOf, type Outcome, type RecordBatch } from './record-batch.ts'

/** As a broker lists it. */
export type AbortedTransaction = { readonly producerId: string; readonly firstOffset: string }

export type Marker = { readonly producerId: bigint; readonly offset: bigint; readonly outcome: Outcome }

export type Decided = {
  /** the batches that hold what was committed, or is of no transaction */
  readonly visible: ReadonlySet<RecordBatch>
  /** producers of whose last transaction here no marker is known */
  readonly inDoubt: ReadonlySet<bigint>
}

/** `ends`: of the first marker of a producer behind these batches, where it is known. */
export function decide(
  batches: readonly RecordBatch[],
  listed: readonly AbortedTransaction[],
  ends: ReadonlyMap<bigint, Outcome> = new Map(),
): Decided {
  const outcomes = outcomesIn(batches, ends)
  const doubtful = batches.filter((batch) => isTransactional(batch) && !outcomes.has(batch))
  const aborted = doubtful.length > 0 ? abortedAsListed(batches, listed) : new Set<RecordBatch>()
  const isVisible = (batch: RecordBatch): boolean => {
    if (!isTransactional(batch)) return !batch.control
    const outcome = outcomes.get(batch)
    return outcome === undefined ? !aborted.has(batch) : outcome === 'commit'
  }
  return {
    visible: new Set(batches.filter(isVisible)),
    inDoubt: new Set(doubtful.map(({ producerId }) => producerId)),
  }
}

/** In the order of their offsets. */
export function markersIn(batches: readonly RecordBatch[]): readonly Marker[] {
  return batches.flatMap((batch) => {
    const outcome = markerOf(batch)
    return outcome === null ? [] : { producerId: batch.producerId, offset: batch.last, outcome }
  })
}

/** Of each batch of a transaction whose end is known. */
function outcomesIn(
  batches: readonly RecordBatch[],
  ends: ReadonlyMap<bigint, Outcome>,
): ReadonlyMap<RecordBatch, Outcome> {
  const outcomes = new Map<RecordBatch, Outcome>()
  const next = new Map(ends)
  for (const batch of batches.toReversed()) {
    const marker = markerOf(batch)
    if (marker) next.set(batch.producerId, marker)
    const outcome = isTransactional(batch) ? next.get(batch.producerId) : undefined
    if (outcome) outcomes.set(batch, outcome)
  }
  return outcomes
}

/**
 * A broker lists the transactions that were aborted in the fetched range, in any order; each lasts from its first offset to its
 * producer's next abort marker.
 */
function abortedAsListed(
  batches: readonly RecordBatch[],
  listed: readonly AbortedTransaction[],
): ReadonlySet<RecordBatch> {
  const ahead = listed
    .map(({ producerId, firstOffset }) => ({ producerId: BigInt(producerId), first: BigInt(firstOffset) }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
  const aborting = new Set<bigint>()
  const aborted = batches.filter((batch) => {
    for (let next = ahead[0]; next && next.first <= batch.last; next = ahead[0]) {
      aborting.add(next.producerId)
      ahead.shift()
    }
    if (markerOf(batch) === 'abort') aborting.delete(batch.producerId)
    return isTransactional(batch) && aborting.has(batch.producerId)
  })
  return new Set(aborted)
}

function isTransactional({ transactional, control }: RecordBatch): boolean {
  return transactional && !control
}
