/**
 * Looks at the partitions that are read here, by the clock: measures how far each is behind, tells which stand still, and
 * ends the session where it is stuck. What that means is decided in watchdog.ts.
 */
import type { Config } from '../config.ts'
import { Failure, toFailure } from '../failure.ts'
import type { Metrics } from '../telemetry.ts'
import type { Outage } from './outage.ts'
import { joinMs, type Session } from './session.ts'
import { StagedLag } from './staged-lag.ts'
import { backlogOf, type Patience, pulsesOf, type Seen, Watchdog } from './watchdog.ts'

/** A partition that lags and does not move for so long is stalled, unless ingest.stuckAfter is shorter. */
const stalledAfterMs = 60_000

export type ObserverSetting = {
  readonly config: Config
  readonly metrics: Metrics
  readonly kafkaOutage: Outage
  readonly leadersOutage: Outage
  readonly epochOutage: Outage
  readonly stageOutage: Outage
}

export class Observer {
  readonly #setting: ObserverSetting
  readonly #watchdog = new Watchdog()
  readonly #progress = new Watchdog()
  readonly #stagedLag = new StagedLag()
  #stalled: readonly string[] = []

  constructor(setting: ObserverSetting) {
    this.#setting = setting
  }

  /** Partitions that lag and have not moved for a while, as `<topic>/<partition>`. */
  get stalled(): readonly string[] {
    return this.#stalled
  }

  /** Never rejects. */
  async observe(session: Session, stopping: AbortSignal): Promise<void> {
    const { config, metrics, kafkaOutage, leadersOutage, epochOutage, stageOutage } = this.#setting
    const lags = session.joined ? await measureLag(session, metrics, kafkaOutage) : noLags
    if (session.joined) tellLeaderless(lags, leadersOutage)
    if (session.joined) this.#tellStagedLag(session, lags)
    const isKafkaAway = kafkaOutage.failure !== null || epochOutage.failure !== null
    const waits = { kafka: isKafkaAway, stage: stageOutage.failure !== null }
    const seen = seenOf(session, lags)
    const patience = patienceOf(config)
    const backlog = backlogOf(seen, Math.min(stalledAfterMs, patience.partitionMs))
    this.#stalled = this.#progress.look(backlog, Date.now()).map(({ name }) => name)
    const [stuck] = this.#watchdog.look(pulsesOf(session.isOutside, seen, waits, patience), Date.now())
    if (!stuck || stopping.aborted) return
    session.fail(new Failure('STUCK', `${stuck.name} has not moved for ${stuck.patienceMs / 1_000} s`))
  }

  #tellStagedLag({ roster }: Session, lags: Lags): void {
    const started = roster.partitions.filter(({ hasStarted }) => hasStarted)
    const waiting = started.map(({ topic, partition, cursor, oldestTimestamp }) => {
      return { topic, partition, cursor, oldestTimestamp, lag: lags.get(`${topic}/${partition}`) ?? null }
    })
    for (const [at, lagMs] of this.#stagedLag.look(waiting, Date.now()).entries()) {
      const { topic, partition } = waiting[at] ?? {}
      if (topic === undefined || partition === undefined || lagMs === null) continue
      this.#setting.metrics.firn_staged_lag_seconds.set({ topic, partition }, lagMs / 1_000)
    }
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
