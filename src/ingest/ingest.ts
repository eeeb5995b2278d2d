/**
 * The ingester as a whole: proves the stage, then holds one session of the consumer group after the other until told to
 * stop. What a session does is session.ts; the HTTP side of it, status/.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { Failure, toFailure } from '../failure.ts'
import { probeStage } from '../stage/probe.ts'
import { openStage } from '../stage/s3.ts'
import type { Logger, Metrics } from '../telemetry.ts'
import { backoffMs } from './backoff.ts'
import { startEncoder } from './encoder.ts'
import { Outage } from './outage.ts'
import type { Halt } from './roster.ts'
import { joinMs, Session, type SessionSetting } from './session.ts'
import { backlogOf, type Patience, pulsesOf, type Seen, Watchdog } from './watchdog.ts'

type Trouble = Pick<Failure, 'code' | 'message' | 'hint'>

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

/** A partition that lags and does not move for so long is stalled, unless ingest.stuckAfter is shorter. */
const stalledAfterMs = 60_000

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
  const encoder = startEncoder()
  const stopping = new AbortController()
  const stageOutage = new Outage('the stage', logger, { reachable: metrics.firn_stage_reachable })
  const kafkaOutage = new Outage('Kafka', logger)
  const topicsOutage = new Outage('every topic', logger)
  const leadersOutage = new Outage('the leader of every partition', logger)
  const epochOutage = new Outage('what a new epoch needs', logger)
  const watchdog = new Watchdog()
  const progress = new Watchdog()
  let stalled: readonly string[] = []
  const setting: SessionSetting = {
    config,
    logger,
    metrics,
    stage,
    encoder,
    stageOutage,
    kafkaOutage,
    topicsOutage,
    epochOutage,
    now: Date.now,
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
        ready: joined && proved && stalled.length === 0,
        kafka: { joined, trouble: troubleOf(kafkaOutage, topicsOutage, leadersOutage, epochOutage) },
        stage: { proved, trouble: stageOutage.failure },
        stalled,
        halts: session?.roster.halts ?? [],
      }
    },
    places: () =>
      (session?.roster.partitions ?? [])
        .filter(({ hasStarted }) => hasStarted)
        .map(({ topic, partition, staged }) => ({ topic, partition, staged })),
    observe: async () => {
      if (!session) return
      const lags = session.joined ? await measureLag(session, metrics, kafkaOutage) : noLags
      if (session.joined) tellLeaderless(lags, leadersOutage)
      const waits = { kafka: troubleOf(kafkaOutage, epochOutage) !== null, stage: stageOutage.failure !== null }
      const seen = seenOf(session, lags)
      const patience = patienceOf(config)
      const still = progress.look(backlogOf(seen, Math.min(stalledAfterMs, patience.partitionMs)), Date.now())
      stalled = still.map(({ name }) => name)
      const [stuck] = watchdog.look(pulsesOf(session.isOutside, seen, waits, patience), Date.now())
      if (!stuck || stopping.signal.aborted) return
      session.fail(new Failure('STUCK', `${stuck.name} has not moved for ${stuck.patienceMs / 1_000} s`))
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

/** By partition, as `<topic>/<partition>`; null where it has no leader, so that nobody can say. */
type Lags = ReadonlyMap<string, bigint | null>

const noLags: Lags = new Map()

async function measureLag(session: Session, metrics: Metrics, kafkaOutage: Outage): Promise<Lags> {
  const lags = new Map<string, bigint | null>()
  for (const topic of new Set(session.roster.partitions.map((partition) => partition.topic))) {
    try {
      const bounds = await session.logBounds(topic)
      if (!session.joined) return noLags
      for (const { topic: of, partition, cursor, hasStarted } of session.roster.partitions) {
        const high = bounds.get(partition)?.high
        if (of !== topic) continue
        if (high === undefined) lags.set(`${topic}/${partition}`, null)
        if (high === undefined) continue
        const lag = hasStarted && high > cursor ? high - cursor : 0n
        lags.set(`${topic}/${partition}`, lag)
        if (!hasStarted) continue
        metrics.firn_end_offset.set({ topic, partition }, Number(high))
        metrics.firn_lag_messages.set({ topic, partition }, Number(lag))
      }
      kafkaOutage.over()
    } catch (error) {
      if (session.joined) kafkaOutage.report(toFailure(error))
    }
  }
  return lags
}

function troubleOf(...outages: readonly Outage[]): Trouble | null {
  return outages.find(({ failure }) => failure !== null)?.failure ?? null
}

function patienceOf({ ingest }: Config): Patience {
  return { partitionMs: ingest.stuckAfter, joinMs: ingest.stuckAfter + joinMs(ingest) }
}

function tellLeaderless(lags: Lags, outage: Outage): void {
  const places = [...lags].flatMap(([place, lag]) => (lag === null ? place : []))
  if (places.length > 0) outage.report(new Failure('LEADER_MISSING', `no leader for ${places.join(', ')}`))
  else outage.over()
}

function seenOf({ roster }: Session, lags: Lags): readonly Seen[] {
  return roster.partitions.map((one) => {
    const { topic, partition, phase, cursor } = one
    const lag = lags.get(`${topic}/${partition}`) ?? null
    return { topic, partition, phase, cursor, lag, isPaused: roster.isPaused(one) }
  })
}
