/**
 * Reads on behind a fetch for the markers that end its transactions, where they lie beyond it: behind its last byte, or behind the
 * last stable offset, which another producer's open transaction holds back. What follows from them is transactions.ts's.
 */
import { releaseAnswer } from '../memory.ts'
import type { FetchedBatch, PartitionData } from './fetched-batch.ts'
import type { Outcome } from './record-batch.ts'
import type { FetchOptions, FetchPlace } from './single-fetch.ts'
import { type Marker, markersIn } from './transactions.ts'

/** Null where there is nothing to be had. */
export type Fetch = (place: FetchPlace, options: FetchOptions) => Promise<PartitionData | null>

const options: FetchOptions = { isolation: 'uncommitted', bytesMax: 2 ** 20, waitMs: 0 }

/** How many pieces, each of one read, are known behind a fetch of a partition: their markers stand in memory. */
const piecesMax = 32

/** How often a broker is asked that answers with nothing, as it does a client over its quota: the marker of what is stable is there. */
const asksMax = 5

/** How long the reads of one fetch may take, in ms, but for the first: a member sends no heartbeat meanwhile. */
const readsMsDefault = 1_000

/** Markers of the offsets from `first` to below `next`, in order. */
type Piece = { readonly first: bigint; readonly next: bigint; readonly markers: readonly Marker[] }

/** Of one partition: where the next fetch is expected, and what is known behind it, each piece from where the one before ends. */
type Known = { readonly expected: bigint; readonly pieces: readonly Piece[] }

/** As long as fetches of a partition continue each other, each byte is read once, however many of them a transaction takes. */
export class MarkerScan {
  readonly #fetch: Fetch
  readonly #readsMs: number
  /** by place */
  readonly #known = new Map<string, Known>()

  constructor(fetch: Fetch, readsMs = readsMsDefault) {
    this.#fetch = fetch
    this.#readsMs = readsMs
  }

  /**
   * Settles what is in doubt in batches of one fetch, and gives those that may be taken: not those for which time ran out, which are
   * to be fetched again. Where a marker lies beyond all pieces, or is not to be had, the broker's list counts.
   *
   * @throws what `fetch` throws
   */
  async settle(batches: readonly FetchedBatch[]): Promise<readonly FetchedBatch[]> {
    const turn = { endMs: performance.now() + this.#readsMs, reads: 0 }
    const settled: FetchedBatch[] = []
    for (const batch of batches) if (await this.#isSettled(batch, turn)) settled.push(batch)
    return settled
  }

  async #isSettled(batch: FetchedBatch, turn: { readonly endMs: number; reads: number }): Promise<boolean> {
    if (batch.inDoubt.size === 0 && this.#known.size === 0) return true
    const place = `${batch.topic}/${batch.partition}`
    const from = BigInt(batch.fetchedOffset)
    const known = this.#known.get(place)
    // Else another log may lie in between: one that was truncated, or created anew.
    let pieces = known?.expected === from ? known.pieces.filter(({ next }) => next > batch.next) : []
    const ends = new Map<bigint, Outcome>()
    for (const piece of pieces) addEnds(ends, piece, batch.next)
    while (!isKnown(batch.inDoubt, ends) && pieces.length < piecesMax) {
      if (turn.reads++ > 0 && performance.now() > turn.endMs) {
        this.#known.set(place, { expected: from, pieces })
        return false
      }
      const piece = await this.#pieceAt(batch, pieces.at(-1)?.next ?? batch.next)
      if (!piece) break
      pieces = [...pieces, piece]
      addEnds(ends, piece, batch.next)
    }
    if (pieces.length > 0) this.#known.set(place, { expected: batch.next, pieces })
    else this.#known.delete(place)
    if (batch.inDoubt.size > 0) batch.settle(ends)
    return true
  }

  /** Null where nothing is to be had. */
  async #pieceAt({ topic, partition }: FetchedBatch, first: bigint): Promise<Piece | null> {
    for (let ask = 1; ask <= asksMax; ask++) {
      const data = await this.#fetch({ topic, partition, offset: first }, options)
      // The first may begin below what was asked for.
      const batches = data?.messages.batches.filter(({ last }) => last >= first) ?? []
      const last = batches.at(-1)
      if (last) {
        const piece = { first, next: last.last + 1n, markers: markersIn(batches) }
        releaseAnswer(last.stored.buffer)
        return piece
      }
      if (data?.messages.unreadable) return null
    }
    return null
  }
}

/** Of each producer the first marker at or above `from` counts. */
function addEnds(ends: Map<bigint, Outcome>, { markers }: Piece, from: bigint): void {
  for (const { producerId, offset, outcome } of markers) {
    if (offset >= from && !ends.has(producerId)) ends.set(producerId, outcome)
  }
}

function isKnown(producers: ReadonlySet<bigint>, ends: ReadonlyMap<bigint, Outcome>): boolean {
  return [...producers].every((producer) => ends.has(producer))
}
