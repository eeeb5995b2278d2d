/**
 * How long a broker may wait for more before it answers a fetch. Each fetch names every partition that is read, which costs about
 * 10 us a partition, whatever it brings: a thousand partitions and a fetch for each message would keep a core busy. Pure.
 */
import type { IngestConfig } from '../config.ts'
import type { FetchPatience } from '../kafka/fetch-order.ts'

/** A heartbeat is sent between two fetches. */
export function heartbeatMs({ sessionTimeout }: Pick<IngestConfig, 'sessionTimeout'>): number {
  return Math.min(3_000, Math.floor(sessionTimeout / 3))
}

const bytesMin = 64 * 2 ** 10

/**
 * With more partitions nothing is asked for ahead: the files are many then, and this thread, which is never idle, has to put them.
 * A drain of a thousand partitions took 98 instead of 43 % of the budget and 521 instead of 399 MB, and was no faster.
 */
const partitionsAheadMax = 100

/**
 * Where something comes, a tenth of the freshness goes into waiting for company, half a second at the most. Where nothing does
 * (`idle`), the first message is answered at once, and until then a fetch is asked for the less often the more partitions it
 * names; a member that waits neither leaves nor hears of a rebalance, so that a heartbeat's interval is the end of it.
 */
export function fetchPatience(
  ingest: Pick<IngestConfig, 'freshness' | 'sessionTimeout'>,
  partitions: number,
  idle: boolean,
): FetchPatience {
  const ahead = partitions <= partitionsAheadMax
  if (idle) return { waitMs: Math.min(heartbeatMs(ingest), Math.max(500, 2 * partitions)), bytesMin: 1, ahead }
  return { waitMs: busyWaitMs(ingest), bytesMin, ahead }
}

/** How long a message may lie at its broker before it is answered, where others come as well. */
export function busyWaitMs({ freshness }: Pick<IngestConfig, 'freshness'>): number {
  return Math.max(10, Math.min(500, Math.round(freshness / 10)))
}
