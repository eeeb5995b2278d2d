/**
 * Commits an offset, in the generation that it is meant for. What may be committed is progress.ts's.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { toFailure } from '../failure.ts'
import type { Generation } from '../kafka/group-hooks.ts'
import type { Logger, Metrics } from '../telemetry.ts'
import { backoffMs } from './backoff.ts'

export type Commit = {
  readonly topic: string
  readonly partition: number
  readonly next: bigint
  readonly metadata: string
}

/** How often a commit is tried; the next one, or the stage at resume, makes up for it. */
const triesMax = 3

/**
 * Resolves when Kafka has taken it, has refused it often enough, or `current` gives no generation any more that it would
 * belong to. Never throws.
 */
export async function commit(
  { metrics, logger }: { readonly metrics: Metrics; readonly logger: Logger },
  { topic, partition, next, metadata }: Commit,
  current: () => Generation | null,
): Promise<void> {
  for (let attempt = 1; attempt <= triesMax; attempt++) {
    const generation = current()
    if (!generation) return
    try {
      await generation.commit(topic, partition, next, metadata)
      return
    } catch (error) {
      const { code, message } = toFailure(error)
      metrics.firn_commits_failed_total.inc({ topic, partition })
      logger.debug({ topic, partition, code, reason: message }, 'commit failed')
    }
    if (attempt < triesMax) await sleep(backoffMs(attempt))
  }
}
