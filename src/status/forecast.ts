/**
 * What a topic will come to in a day, if messages go on as they came lately: files, bytes and credits, by the settings that seal
 * a batch. Pure; what came is read in watermarks-source.ts.
 */
import type { IngestConfig } from '../config.ts'
import { creditsOf } from '../price.ts'

/** One partition, as it was lately. */
export type Traffic = {
  readonly messagesPerSecond: number
  /** of landing files, for each message that they cover; null where there are none to go by */
  readonly bytesPerMessage: number | null
}

/** In a day. Bytes and credits are null where no landing file says what a message comes to. */
export type Forecast = {
  readonly messages: number
  readonly files: number
  readonly bytes: number | null
  readonly credits: number | null
}

const daySeconds = 86_400

/**
 * Batches of one partition follow each other: each waits for its first row, and from then on for its age, its rows or its bytes,
 * whichever comes first. Messages count as spread evenly: in bursts they make fewer files. Memory that runs short makes more,
 * and so does a rebalance.
 */
export function forecastOf(
  partitions: readonly Traffic[],
  limits: Pick<IngestConfig, 'freshness' | 'fileBytes' | 'fileRows'>,
): Forecast {
  let [messages, files, bytes] = [0, 0, 0]
  let isMeasured = true
  for (const { messagesPerSecond: rate, bytesPerMessage } of partitions) {
    if (rate <= 0) continue
    const byAge = 1 / rate + limits.freshness / 1_000
    const byRows = limits.fileRows / rate
    const byBytes = bytesPerMessage === null ? Infinity : limits.fileBytes / (rate * bytesPerMessage)
    messages += rate * daySeconds
    files += daySeconds / Math.max(1 / rate, Math.min(byAge, byRows, byBytes))
    bytes += rate * daySeconds * (bytesPerMessage ?? 0)
    isMeasured &&= bytesPerMessage !== null
  }
  const known = isMeasured ? bytes : null
  return { messages, files, bytes: known, credits: known === null ? null : creditsOf(known) }
}
