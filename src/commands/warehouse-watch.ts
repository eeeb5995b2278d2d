/**
 * What `firn run` asks Snowflake by the clock, with the rights of the ingest role: whether the schema is the one that it needs,
 * and what became of the files of its own partitions within the last day. It tells by metrics, log and /readyz, and stops
 * nothing: staging needs no Snowflake. What is a finding is decided in audit/.
 */
import { type Finding, placeOf } from '../audit/finding.ts'
import { judge } from '../audit/judge.ts'
import type { Config, TableConfig } from '../config.ts'
import type { StagedFile, TopicEvidence } from '../evidence.ts'
import { Failure, failures, toFailure } from '../failure.ts'
import type { Place } from '../ingest/ingest.ts'
import { Outage } from '../ingest/outage.ts'
import { readGaps } from '../ingest/staged-trail.ts'
import { connectSnowflake, type Session } from '../snowflake/session.ts'
import { openStage } from '../stage/s3.ts'
import type { Stage } from '../stage/stage.ts'
import { listStagedFrom, readRows } from '../stage/staged-files.ts'
import type { Logger, Metrics } from '../telemetry.ts'
import { readLoads } from '../warehouse/file-evidence.ts'
import { pendingScripts, readLedger } from '../warehouse/migrations.ts'
import { tableNames } from '../warehouse/names.ts'
import { readPipe, readStream, readTask } from '../warehouse/object-evidence.ts'
import { type RecentMerges, readLandedOf, readRecentMerges } from '../warehouse/recent-evidence.ts'
import { renderScripts } from '../warehouse/render.ts'
import { readTemplates } from '../warehouse/scripts.ts'
import { warehouseOf } from '../warehouse/values.ts'
import { recentWatermarks } from './recent-watermarks.ts'

/** What /readyz tells of it. */
export type WarehouseState = {
  /** why Snowflake cannot be asked, or what its schema lacks */
  readonly trouble: { readonly code: string; readonly message: string; readonly hint: string } | null
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
  /** by file: how many rows it says that it has */
  readonly #rows = new Map<string, number | null>()
  #lack: Failure | null = null
  #findings: readonly Finding[] = []
  #told: ReadonlySet<string> = new Set()

  constructor(config: Config, places: () => readonly Place[], logger: Logger, metrics: Metrics) {
    this.#config = config
    this.#places = places
    this.#logger = logger
    this.#metrics = metrics
    this.#outage = new Outage('Snowflake', logger, { reachable: metrics.firn_warehouse_reachable })
  }

  state(): WarehouseState {
    const lack = this.#lack && { code: this.#lack.code, message: this.#lack.message, hint: this.#lack.hint }
    const findings = this.#findings.slice(0, findingsMax).map(({ code, topic, partition, table, seen, hint }) => {
      return { code, topic, partition, table, seen, hint }
    })
    return { trouble: lack ?? this.#outage.failure, findings }
  }

  /** One turn. Never rejects. @returns whether there were partitions to look at */
  async look(): Promise<boolean> {
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
    return this.#places().length > 0
  }

  async #lookAt(session: Session, stage: Stage): Promise<void> {
    await this.#checkSchema(session)
    const places = Map.groupBy(this.#places(), ({ topic }) => topic)
    const findings: Finding[] = []
    const watermarks: ReturnType<typeof recentWatermarks>[number][] = []
    const known = new Set<string>()
    for (const [topic, own] of places) {
      const tables = this.#config.tables.filter((table) => table.topic === topic)
      const [table] = tables
      if (!table) continue
      const { evidence, merges } = await this.#gather(session, stage, { table, tables, own })
      const { landingDays } = warehouseOf(this.#config)
      findings.push(...judge(evidence, { patienceMs: this.#config.audit.patience, landingDays }))
      watermarks.push(...recentWatermarks(evidence, merges, own))
      for (const { name } of evidence.staged ?? []) known.add(name)
    }
    for (const name of this.#rows.keys()) if (!known.has(name)) this.#rows.delete(name)
    this.#tell(findings)
    this.#measure(findings, watermarks)
  }

  /** A migration that is missing is told, and nothing more: staging goes on. */
  async #checkSchema(session: Session): Promise<void> {
    const warehouse = warehouseOf(this.#config)
    // Without it the scripts cannot be rendered, and so not be compared.
    if (warehouse.storageIntegration === undefined) return
    const scripts = renderScripts(await readTemplates(), this.#config)
    const pending = pendingScripts(scripts, await readLedger(session, warehouse)).map(({ script }) => script.name)
    this.#metrics.firn_schema_pending_scripts.set(pending.length)
    const before = this.#lack?.message ?? null
    const message = `${pending.length} of ${scripts.length} scripts are not applied: ${pending.join(', ')}`
    this.#lack = pending.length === 0 ? null : new Failure('MIGRATION_MISSING', message)
    if (this.#lack && message !== before) {
      this.#logger.warn({ code: this.#lack.code, hint: failures.MIGRATION_MISSING.hint }, message)
    }
  }

  async #gather(
    session: Session,
    stage: Stage,
    {
      table: { topic, epoch },
      tables,
      own,
    }: { readonly table: TableConfig; readonly tables: readonly TableConfig[]; readonly own: readonly Place[] },
  ): Promise<{ readonly evidence: TopicEvidence; readonly merges: ReadonlyMap<string, RecentMerges> }> {
    const warehouse = warehouseOf(this.#config)
    const { prefix } = this.#config.stage
    const askedAt = new Date()
    const merges = new Map<string, RecentMerges>()
    for (const table of tables) merges.set(table.table, await readRecentMerges(session, warehouse, table))
    const staged = await this.#readStaged(stage, { topic, epoch, own, merges: [...merges.values()] })
    const done = mergedByAll([...merges.values()])
    const open = staged.filter(({ name }) => !done.has(name))
    const ranges = [...Map.groupBy(open, ({ file }) => file.partition)].map(([partition, files]) => {
      const [first, last] = [files[0]?.file.range.first ?? 0n, files.at(-1)?.file.range.last ?? 0n]
      return { partition, first, last }
    })
    const landed = await readLandedOf(session, warehouse, topic, ranges)
    const names = new Set(staged.map(({ name }) => name))
    const loads = (await readLoads(session, warehouse, topic)).filter(({ name }) => names.has(name))
    const gaps = [...(await readGaps({ stage, prefix, topic, epoch }))].flatMap(([partition, given]) =>
      given.map((range) => ({ epoch, partition, range })),
    )
    const found: TopicEvidence['tables'][number][] = []
    for (const table of tables) {
      const { task, retention } = tableNames(warehouse, table)
      found.push({
        table: table.table,
        merged: (merges.get(table.table)?.merged ?? []).filter(({ name }) => names.has(name)),
        stream: await readStream(session, warehouse, table, { asksForRows: false }),
        merge: await readTask(session, warehouse, task),
        retention: await readTask(session, warehouse, retention),
        deep: null,
      })
    }
    const pipe = await readPipe(session, warehouse, topic)
    // What was merged by a table has landed; whether its rows are still there is for the whole audit.
    const merged = [...merges.values()].flatMap((one) => one.merged).filter(({ name }) => names.has(name))
    const wasLanded = merged.map(({ lastMergedAt, ...file }) => ({ ...file, firstLoadedAt: lastMergedAt }))
    const both = [...wasLanded, ...landed.filter(({ name }) => names.has(name))]
    return {
      merges,
      evidence: {
        topic,
        epoch,
        askedAt,
        log: null,
        epochs: null,
        gaps,
        staged,
        loads,
        landed: both,
        pipe,
        tables: found,
      },
    }
  }

  /** From where all tables had merged a day ago; of those that are not merged yet, with their rows. */
  async #readStaged(
    stage: Stage,
    {
      topic,
      epoch,
      own,
      merges,
    }: {
      readonly topic: string
      readonly epoch: number
      readonly own: readonly Place[]
      readonly merges: readonly RecentMerges[]
    },
  ): Promise<readonly StagedFile[]> {
    const { prefix } = this.#config.stage
    const done = mergedByAll(merges)
    const staged: StagedFile[] = []
    for (const { partition } of own) {
      const from = merges
        .map(({ before }) => before.get(partition) ?? 0n)
        .reduce((least, one) => (one < least ? one : least))
      for (const file of await listStagedFrom(stage, prefix, { topic, epoch, partition }, from)) {
        if (!this.#rows.has(file.name) && !done.has(file.name)) {
          this.#rows.set(file.name, await readRows(stage, prefix, file))
        }
        staged.push({ ...file, rows: this.#rows.get(file.name) ?? null })
      }
    }
    return staged
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

  #measure(findings: readonly Finding[], watermarks: ReturnType<typeof recentWatermarks>): void {
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

/** Names of the files that every table has merged. */
function mergedByAll(merges: readonly RecentMerges[]): ReadonlySet<string> {
  const [first, ...others] = merges.map(({ merged }) => new Set(merged.map(({ name }) => name)))
  return new Set([...(first ?? [])].filter((name) => others.every((names) => names.has(name))))
}
