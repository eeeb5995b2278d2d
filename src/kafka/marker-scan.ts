/**
 * Looks ahead in a log for the markers that end the transactions of a fetch, where they lie beyond it: behind its last byte, or
 * behind the last stable offset, which another producer's open transaction holds back. What follows from them is transactions.ts's.
 */
import { releaseAnswer } from '../memory.ts'
import type { FetchedBatch, PartitionData } from './fetched-batch.ts'
import type { FetchOptions, FetchPlace } from './single-fetch.ts'
import { type Marker, markersIn } from './transactions.ts'

/** Null where the offset lies outside of the log, or nothing is answered. */
export type Fetch = (place: FetchPlace, options: FetchOptions) => Promise<PartitionData | null>

const options: FetchOptions = { isolation: 'uncommitted', bytesMax: 2 ** 20, waitMs: 0 }

/** How often one fetch may read ahead: a member sends no heartbeat meanwhile. */
const readsMax = 64

/** Each byte is read ahead once, however many fetches a transaction takes. */
export class MarkerScan {
  readonly #fetch: Fetch
  /** by place, while its fetches have not come to its end */
  readonly #scanned = new Map<string, Scanned>()

  constructor(fetch: Fetch) {
    this.#fetch = fetch
  }

  /**
   * Settles what is in doubt in these batches of one fetch. Where a marker is further ahead, or is not there, the broker's list
   * counts. @throws what `fetch` throws
   */
  async settle(batches: readonly FetchedBatch[]): Promise<void> {
    let reads = 0
    for (const batch of batches) {
      const place = `${batch.topic}/${batch.partition}`
      const known = this.#scanned.get(place)
      if (batch.inDoubt.size === 0) {
        if (known && known.next <= batch.next) this.#scanned.delete(place)
        continue
      }
      const scanned = scannedFrom(batch.next, known)
      this.#scanned.set(place, scanned)
      for (let isOn = true; isOn && reads < readsMax && !isKnown(scanned, batch.inDoubt); reads++) {
        isOn = await this.#readOn(batch, scanned)
      }
      // Of each producer the first counts, which is the last to be put in here.
      batch.settle(new Map(scanned.markers.toReversed().map(({ producerId, outcome }) => [producerId, outcome])))
    }
  }

  /** False where nothing more is to be read now. */
  async #readOn({ topic, partition }: FetchedBatch, scanned: Scanned): Promise<boolean> {
    const data = await this.#fetch({ topic, partition, offset: scanned.next }, options)
    // The first may begin below what was asked for.
    const batches = data?.messages.batches.filter(({ last }) => last >= scanned.next) ?? []
    const last = batches.at(-1)
    if (!last) return false
    scanned.markers.push(...markersIn(batches))
    scanned.next = last.last + 1n
    releaseAnswer(last.stored.buffer)
    return true
  }
}

/** All markers of the offsets `first..next-1`, in order. */
type Scanned = { readonly first: bigint; readonly markers: Marker[]; next: bigint }

/** What is still known of what lies from `first` on. */
function scannedFrom(first: bigint, known: Scanned | undefined): Scanned {
  if (!known || first < known.first || first > known.next) return { first, markers: [], next: first }
  return { first, markers: known.markers.filter(({ offset }) => offset >= first), next: known.next }
}

function isKnown({ markers }: Scanned, producers: ReadonlySet<bigint>): boolean {
  const known = new Set(markers.map(({ producerId }) => producerId))
  return [...producers].every((producer) => known.has(producer))
}
