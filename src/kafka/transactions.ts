/**
 * Which of the record batches that a fetch brought a reader of committed transactions may see, and up to where that is known.
 *
 * A transaction ends at its producer's next marker, which says how. A broker lists aborted transactions beside what it sends, too;
 * but a replica that copied several of them at once, and leads by now, leaves some out (Apache Kafka 4.3.1: an entry of its
 * transaction index says that all is stable up to the next producer's transaction, and a search of the index stops there). So
 * the list counts only for a transaction that is longer than a fetch. Pure.
 */
import { markerOf, type Outcome, type RecordBatch } from './record-batch.ts'

/** As a broker lists it. */
export type AbortedTransaction = { readonly producerId: string; readonly firstOffset: string }

export type Decided = {
  /** What may be taken: the batches before the first whose transaction ends beyond the fetch; all of them where that one is the first. */
  readonly batches: readonly RecordBatch[]
  /** those of them that hold what was committed, or is of no transaction */
  readonly visible: ReadonlySet<RecordBatch>
}

/** A reader that goes on behind `batches` gets to the end of a log: a fetch that begins with a long transaction is taken as a whole. */
export function decide(all: readonly RecordBatch[], listed: readonly AbortedTransaction[]): Decided {
  const outcomes = outcomesIn(all)
  const undecided = all.findIndex((batch) => isTransactional(batch) && !outcomes.has(batch))
  const batches = undecided > 0 ? all.slice(0, undecided) : all
  const aborted = undecided === 0 ? abortedAsListed(all, listed) : new Set<RecordBatch>()
  const isVisible = (batch: RecordBatch): boolean => {
    if (!isTransactional(batch)) return !batch.control
    const outcome = outcomes.get(batch)
    return outcome === undefined ? !aborted.has(batch) : outcome === 'commit'
  }
  return { batches, visible: new Set(batches.filter(isVisible)) }
}

/** Of each batch whose transaction ends among these. */
function outcomesIn(batches: readonly RecordBatch[]): ReadonlyMap<RecordBatch, Outcome> {
  const outcomes = new Map<RecordBatch, Outcome>()
  const next = new Map<bigint, Outcome>()
  for (const batch of batches.toReversed()) {
    const outcome = batch.control ? markerOf(batch) : isTransactional(batch) ? next.get(batch.producerId) : null
    if (!outcome) continue
    if (batch.control) next.set(batch.producerId, outcome)
    else outcomes.set(batch, outcome)
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
