/**
 * What `firn run` asks Snowflake by the clock, with the rights of the ingest role: whether the schema is the one that it needs,
 * and what became of the files of its own partitions (recent-audit.ts). It tells by metrics, log and /readyz, and stops nothing:
 * staging needs no Snowflake. What is a finding is decided in audit/.
 */
import { type Finding, placeOf } from '../audit/finding.ts'
import { judge } from '../audit/judge.ts'
import type { Config } from '../config.ts'
import { Failure, toFailure } from '../failure.ts'
import type { Place } from '../ingest/ingest.ts'
import { Outage, type Trouble } from '../ingest/outage.ts'
import { connectSnowflake, type Session } from '../snowflake/session.ts'
import { openStage } from '../stage/s3.ts'
import type { Stage } from '../stage/stage.ts'
import type { Logger, Metrics } from '../telemetry.ts'
import { type Ledger, pendingScripts, readLedger } from '../warehouse/migrations.ts'
import { renderScripts, type Script } from '../warehouse/render.ts'
import { readTemplates } from '../warehouse/scripts.ts'
import { warehouseOf } from '../warehouse/values.ts'
import { RecentAudit } from './recent-audit.ts'
import { type RecentWatermark, recentWatermarks } from './recent-watermarks.ts'

/** What /readyz tells of it. */
export type WarehouseState = {
  /** why Snowflake cannot be asked, or what its schema lacks */
  readonly trouble: Trouble | null
  readonly findings: readonly Pick<Finding, 'code' | 'topic' | 'partition' | 'table' | 'seen' | 'hint'>[]
}

/** Findings that /readyz and the log tell of one turn; the metric counts all. */
const findingsMax = 20

export class WarehouseWatch {
  readonly #config: Config
  readonly #places: () => readonly Place[]
  readonly #logger: Logger
  readonly #metrics: Metrics
  readonly #outage: Outage
  readonly #audits: ReadonlyMap<string, RecentAudit>
  #lack: Failure | null = null
  #lackSince = ''
  #findings: readonly Finding[] = []
  #told: ReadonlySet<string> = new Set()
  #watermarks: readonly RecentWatermark[] = []

  constructor(config: Config, places: () => readonly Place[], logger: Logger, metrics: Metrics) {
    this.#config = config
    this.#places = places
    this.#logger = logger
    this.#metrics = metrics
    this.#audits = new Map(
      [...Map.groupBy(config.tables, ({ topic }) => topic)].flatMap(([topic, [first, ...others]]) =>
        first ? [[topic, new RecentAudit(config, [first, ...others])] as const] : [],
      ),
    )
    this.#outage = new Outage('Snowflake', logger, { reachable: metrics.firn_warehouse_reachable })
  }

  state(): WarehouseState {
    const lack = this.#lack && troubleOf(this.#lack, this.#lackSince)
    const findings = this.#findings.slice(0, findingsMax).map(({ code, topic, partition, table, seen, hint }) => {
      return { code, topic, partition, table, seen, hint }
    })
    return { trouble: lack ?? this.#outage.failure, findings }
  }

  /** Whether there are partitions to look at. */
  get hasPlaces(): boolean {
    return this.#places().length > 0
  }

  /** One turn. Never rejects. */
  async look(): Promise<void> {
    const stage = openStage(this.#config.stage)
    try {
      const session = await connectSnowflake(warehouseOf(this.#config))
      try {
        await this.#lookAt(session, stage)
      } finally {
        await session.close()
      }
      this.#outage.over()
    } catch (error) {
      this.#outage.report(toFailure(error))
    } finally {
      stage.close()
    }
  }

  /** How long files have waited by now, by what the last turn saw: it grows also while Snowflake cannot be asked. */
  tellLag(): void {
    const { firn_loaded_lag_seconds: loadedLag, firn_merged_lag_seconds: mergedLag } = this.#metrics
    loadedLag.reset()
    mergedLag.reset()
    const own = new Set(this.#places().map(({ topic, partition }) => `${topic}/${partition}`))
    const waitedSeconds = (sinceMs: number | null) => (sinceMs === null ? 0 : Math.max(0, Date.now() - sinceMs) / 1_000)
    for (const { topic, partition, loadAwaitedMs, tables } of this.#watermarks) {
      if (!own.has(`${topic}/${partition}`)) continue
      loadedLag.set({ topic, partition }, waitedSeconds(loadAwaitedMs))
      for (const { table, mergeAwaitedMs } of tables) {
        mergedLag.set({ topic, partition, table }, waitedSeconds(mergeAwaitedMs))
      }
    }
  }

  async #lookAt(session: Session, stage: Stage): Promise<void> {
    await this.#checkSchema(session)
    const places = Map.groupBy(this.#places(), ({ topic }) => topic)
    const findings: Finding[] = []
    const watermarks: RecentWatermark[] = []
    const troubles: Failure[] = []
    for (const [topic, own] of places) {
      const audit = this.#audits.get(topic)
      if (!audit) continue
      // One topic that cannot be asked, for it is not migrated yet or a right is missing, hides nothing of the others.
      try {
        const { evidence, files } = await audit.gather(session, stage, own)
        const { landingDays } = warehouseOf(this.#config)
        findings.push(...judge(evidence, { patienceMs: this.#config.audit.patience, landingDays }))
        watermarks.push(...recentWatermarks(files, own))
        audit.advance(files)
      } catch (error) {
        troubles.push(toFailure(error))
      }
    }
    this.#tell(findings)
    this.#measure(findings, watermarks)
    const [trouble] = troubles
    if (trouble) throw trouble
    this.#metrics.firn_audit_timestamp_seconds.set(Math.round(Date.now() / 1_000))
  }

  /** A migration that is missing is told, and nothing more: staging goes on. */
  async #checkSchema(session: Session): Promise<void> {
    const warehouse = warehouseOf(this.#config)
    // Without it the scripts cannot be rendered, and so not be compared.
    if (warehouse.storageIntegration === undefined) return
    const scripts = renderScripts(await readTemplates(), this.#config)
    const before = this.#lack?.message ?? null
    if (before === null) this.#lackSince = new Date().toISOString()
    this.#lack = this.#lackIn(scripts, await readLedger(session, warehouse))
    if (!this.#lack || this.#lack.message === before) return
    this.#logger.warn({ code: this.#lack.code, hint: this.#lack.hint }, this.#lack.message)
  }

  #lackIn(scripts: readonly Script[], ledger: Ledger): Failure | null {
    try {
      const pending = pendingScripts(scripts, ledger).map(({ script }) => script.name)
      this.#metrics.firn_schema_pending_scripts.set(pending.length)
      const names = `${pending.length} of ${scripts.length} scripts are not applied: ${pending.join(', ')}`
      return pending.length === 0 ? null : new Failure('MIGRATION_MISSING', names)
    } catch (error) {
      // One that may not change has changed since it was applied.
      const failure = toFailure(error)
      if (failure.code !== 'MIGRATION_CHANGED') throw failure
      return failure
    }
  }

  /** Each once, for as long as it lasts. */
  #tell(findings: readonly Finding[]): void {
    const keyOf = (one: Finding) => JSON.stringify([one.code, placeOf(one)])
    const news = findings.filter((one) => !this.#told.has(keyOf(one)))
    for (const one of news.slice(0, findingsMax)) {
      const { code, topic, partition, table, seen, hint } = one
      this.#logger.warn({ code, topic, partition, table, hint }, `audit: ${placeOf(one)}: ${seen}`)
    }
    if (news.length > findingsMax) this.#logger.warn(`audit: ${news.length - findingsMax} more findings: firn audit`)
    if (findings.length === 0 && this.#findings.length > 0) this.#logger.info('audit: nothing is found any more')
    this.#told = new Set(findings.map(keyOf))
    this.#findings = findings
  }

  #measure(findings: readonly Finding[], watermarks: readonly RecentWatermark[]): void {
    const metrics = this.#metrics
    metrics.firn_audit_findings.reset()
    for (const { topic, code } of findings) metrics.firn_audit_findings.inc({ topic, code })
    const gauges = [
      metrics.firn_loaded_offset,
      metrics.firn_loaded_source_timestamp_seconds,
      metrics.firn_merged_offset,
      metrics.firn_merged_source_timestamp_seconds,
    ]
    for (const gauge of gauges) gauge.reset()
    this.#watermarks = watermarks
    this.tellLag()
    for (const { topic, partition, loaded, loadedMs, tables } of watermarks) {
      metrics.firn_loaded_offset.set({ topic, partition }, Number(loaded))
      if (loadedMs !== null) metrics.firn_loaded_source_timestamp_seconds.set({ topic, partition }, loadedMs / 1_000)
      for (const { table, merged, mergedMs } of tables) {
        metrics.firn_merged_offset.set({ topic, partition, table }, Number(merged))
        if (mergedMs === null) continue
        metrics.firn_merged_source_timestamp_seconds.set({ topic, partition, table }, mergedMs / 1_000)
      }
    }
  }
}

function troubleOf({ code, message, hint }: Failure, since: string): Trouble {
  return { code, message, hint, since }
}
