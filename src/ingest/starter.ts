/**
 * Starts partitions: asks where, for as long as it takes, and tells each its start or its halt. Where a start is is decided
 * in resume.ts; which partitions there are, in roster.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TableConfig } from '../config.ts'
import { Failure, toFailure } from '../failure.ts'
import { reach } from '../fail-point.ts'
import type { Logger, Metrics } from '../telemetry.ts'
import type { Starts } from './assignment.ts'
import type { Start } from './start.ts'
import { backoffMs } from './backoff.ts'
import type { Outage } from './outage.ts'
import type { Partition } from './partition.ts'

export type StarterSetting = {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly kafkaOutage: Outage
  /** of an epoch that cannot begin while a partition has no leader */
  readonly epochOutage: Outage
  readonly stageOutage: Outage
  /** @throws Failure of Kafka or the stage */
  readonly findStarts: (table: TableConfig, partitions: readonly number[]) => Promise<Starts>
  /** Ends the session: no partition can go on. */
  readonly fail: (failure: Failure) => void
  /** Begins a turn. */
  readonly nextTurn: () => number
  /** The next fetch of a partition begins at its cursor. */
  readonly started: (partition: Partition) => void
}

export type Starting = {
  readonly partition: Partition
  /** the start must lie above it, or the name of a landing file is taken by what is none */
  readonly beyond: bigint | null
  /** Fulfilled when all that this process read of the partition before is stored or given up: where it starts shows then. */
  readonly before: Promise<unknown>
}

/** Resolves when each has started, halted, or been replaced. Never rejects. */
export async function startAll(setting: StarterSetting, table: TableConfig, all: readonly Starting[]): Promise<void> {
  const { logger, stageOutage, kafkaOutage, epochOutage, fail } = setting
  await Promise.all(all.map(({ before }) => before))
  for (let attempt = 0; ; attempt++) {
    const waiting = all.filter(({ partition }) => partition.phase === 'resuming')
    if (waiting.length === 0) return
    try {
      const numbers = waiting.map(({ partition }) => partition.partition)
      const { starts, partitionCount } = await setting.findStarts(table, numbers)
      stageOutage.over()
      epochOutage.over()
      for (const starting of waiting) startOne(setting, starting, starts, partitionCount)
      if (starts.length > 0) logger.info({ topic: table.topic, partitions: starts.map(placeOf).join(', ') }, 'assigned')
    } catch (error) {
      // Of a generation that has ended, nobody needs to hear.
      const still = waiting.filter(({ partition }) => partition.phase === 'resuming')
      if (still.length === 0) return
      const failure = toFailure(error)
      if (failure.response === 'fatal') fail(failure)
      if (failure.response !== 'retry') for (const { partition } of still) partition.halt(failure, null)
      if (failure.response !== 'retry') return
      const isStage = failure.code.startsWith('STAGE_') || failure.code === 'BUCKET_MISSING'
      if (isStage) stageOutage.report(failure)
      else if (failure.code === 'LEADER_MISSING') epochOutage.report(failure)
      else kafkaOutage.report(failure)
    }
    await sleep(backoffMs(attempt))
  }
}

function startOne(
  { logger, metrics, nextTurn, started }: StarterSetting,
  { partition, beyond }: Starting,
  starts: readonly Start[],
  partitionCount: number,
): void {
  const { topic, partition: number } = partition
  const found = starts.find((start) => start.partition === number)
  // By now it may have been replaced, or be leaving.
  if (!found || partition.phase !== 'resuming') return
  if (found.kind === 'halt') {
    partition.halt(found.failure, found.place)
    return
  }
  const { cursor, commitment } = found
  if (beyond !== null && cursor <= beyond) {
    const file = `the landing file that begins at ${cursor.toString()}`
    partition.halt(new Failure('NAME_TAKEN', `${topic}/${number}: ${file}`), { offset: cursor, commitment })
    return
  }
  reach('adopt.before')
  if (found.adopted > 0) metrics.firn_files_adopted_total.inc({ topic, partition: number }, found.adopted)
  if (found.log === 'unverified') {
    metrics.firn_resumes_unverified_total.inc({ topic, partition: number })
    const at = commitment.anchor?.offset.toString()
    logger.warn(
      { topic, partition: number, anchor: at },
      'no staged message is left in the log to compare with; going on',
    )
  }
  partition.start(commitment, nextTurn(), partitionCount, found.committed)
  reach('adopt.after')
  reach('seek.before')
  started(partition)
  reach('seek.after')
}

function placeOf(start: Start): string {
  return start.kind === 'start'
    ? `${start.partition} from ${start.cursor.toString()}`
    : `${start.partition} ${start.failure.code}`
}
