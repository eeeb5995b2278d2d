/**
 * The ingester as a whole: proves the stage, then holds one session of the consumer group after the other until told to
 * stop. What a session does is session.ts; the HTTP side of it, status/.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { toFailure } from '../failure.ts'
import { probeStage } from '../stage/probe.ts'
import { openStage } from '../stage/s3.ts'
import type { Logger, Metrics } from '../telemetry.ts'
import { backoffMs } from './backoff.ts'
import { startEncoder } from './encoder.ts'
import { Outage, type Trouble } from './outage.ts'
import { RecentFiles, type StoredFile } from './recent-files.ts'
import type { Halt } from './slots.ts'
import { Observer } from './observer.ts'
import { Session, type SessionSetting } from './session.ts'

/** What /readyz tells. */
export type IngestState = {
  /** a member of the group, with a stage that has proved itself, and no partition that stands still */
  readonly ready: boolean
  readonly kafka: { readonly joined: boolean; readonly trouble: Trouble | null }
  readonly stage: { readonly proved: boolean; readonly trouble: Trouble | null }
  /** partitions that lag and have not moved for a while, as `<topic>/<partition>` */
  readonly stalled: readonly string[]
  readonly halts: readonly Halt[]
}

/** A partition that is read here, and its staged watermark. */
export type Place = { readonly topic: string; readonly partition: number; readonly staged: bigint }

export type Ingest = {
  /** Fulfilled after `stop`; rejected with the Failure that ended it. */
  readonly done: Promise<void>
  /** Stores what is buffered within ingest.leaveTimeout, commits, leaves the group. */
  stop(): void
  state(): IngestState
  /** How far each partition that is read here is staged. */
  places(): readonly Place[]
  /** The landing files stored last, the newest first. */
  recentFiles(): readonly StoredFile[]
  /** Measures the lag of each partition that is read here, and ends the process where it is stuck. Never rejects. */
  observe(): Promise<void>
  /** Looks whether what halted partitions is over. Never rejects. */
  reconsider(): Promise<void>
  /** Looks whether each log is still the one that is read. Never rejects. */
  verify(): Promise<void>
}

/** Returns at once; everything that is not there yet is waited for. */
export function startIngest(config: Config, logger: Logger, metrics: Metrics): Ingest {
  const stage = openStage(config.stage)
  const encoder = startEncoder(config.ingest)
  const stopping = new AbortController()
  const stageOutage = new Outage('the stage', logger, { reachable: metrics.firn_stage_reachable })
  const kafkaOutage = new Outage('Kafka', logger)
  const topicsOutage = new Outage('every topic', logger)
  const leadersOutage = new Outage('the leader of every partition', logger)
  const epochOutage = new Outage('what a new epoch needs', logger)
  const recentFiles = new RecentFiles()
  const observer = new Observer({ config, metrics, kafkaOutage, leadersOutage, epochOutage, stageOutage })
  const setting: SessionSetting = {
    config,
    logger,
    metrics,
    stage,
    encoder,
    stageOutage,
    recentFiles,
    kafkaOutage,
    topicsOutage,
    epochOutage,
    now: Date.now,
  }
  metrics.firn_memory_budget_bytes.set(config.ingest.memory)
  // Until they are told otherwise.
  for (const name of ['firn_kafka_connected', 'firn_assigned_partitions', 'firn_buffered_bytes'] as const) {
    metrics[name].set(0)
  }
  let session: Session | null = null
  let proved = false

  async function run(): Promise<void> {
    proved = await persist(() => probeStage(stage, config.stage.prefix), stageOutage, stopping.signal)
    const hold = () => {
      session = new Session(setting)
      return session.run(stopping.signal)
    }
    while (!stopping.signal.aborted) await persist(hold, kafkaOutage, stopping.signal)
  }

  const done = run().finally(async () => {
    session = null
    stage.close()
    await encoder.close()
  })

  return {
    done,
    stop: () => {
      stopping.abort()
    },
    state: () => {
      const joined = session?.joined ?? false
      return {
        ready: joined && proved && observer.stalled.length === 0,
        kafka: { joined, trouble: troubleOf(kafkaOutage, topicsOutage, leadersOutage, epochOutage) },
        stage: { proved, trouble: stageOutage.failure },
        stalled: observer.stalled,
        halts: session?.roster.halts ?? [],
      }
    },
    places: () =>
      (session?.roster.partitions ?? [])
        .filter(({ hasStarted }) => hasStarted)
        .map(({ topic, partition, staged }) => ({ topic, partition, staged })),
    recentFiles: () => recentFiles.all,
    observe: async () => {
      if (session) await observer.observe(session, stopping.signal)
    },
    reconsider: async () => session?.roster.reconsider(),
    verify: async () => session?.roster.verify(),
  }
}

/** Tries until it is done: true; or until `stopping`: false. @throws Failure where repeating is no use */
async function persist(attempt: () => Promise<void>, outage: Outage, stopping: AbortSignal): Promise<boolean> {
  for (let failed = 0; !stopping.aborted; failed++) {
    try {
      await attempt()
      outage.over()
      return true
    } catch (error) {
      const failure = toFailure(error)
      if (failure.response !== 'retry') throw failure
      outage.report(failure)
    }
    await pause(backoffMs(failed), stopping)
  }
  return false
}

/** Ends early, and without an error, when `stopping` says so. */
async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal: stopping })
  } catch (error) {
    if (!stopping.aborted) throw error
  }
}

function troubleOf(...outages: readonly Outage[]): Trouble | null {
  return outages.find(({ failure }) => failure !== null)?.failure ?? null
}
