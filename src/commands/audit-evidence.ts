/**
 * Gathers the evidence of an audit: committed offsets from Kafka, then what Snowflake knows, then the stage. What a part does
 * not tell stays unknown, and hides nothing of the others.
 *
 * Invariant: Kafka is asked first and the stage last. Whatever was committed, loaded or merged by the time it was asked for
 * was staged before, so that a file which comes meanwhile never looks like one that is gone.
 */
import type { Config, TableConfig } from '../config.ts'
import type { EpochEvidence, GapEvidence, LogEvidence, StagedFile, TableEvidence, TopicEvidence } from '../evidence.ts'
import { Failure, toFailure } from '../failure.ts'
import { epochsBegun, readEpoch } from '../ingest/epoch.ts'
import { vouching } from '../ingest/resume.ts'
import { readGaps } from '../ingest/staged-trail.ts'
import type { Session } from '../snowflake/session.ts'
import { openStage } from '../stage/s3.ts'
import type { Stage } from '../stage/stage.ts'
import { readStagedFiles } from '../stage/staged-files.ts'
import { readLogs } from '../status/watermarks-source.ts'
import type { LogState } from '../status/watermarks.ts'
import type { Logger } from '../telemetry.ts'
import { readDeep } from '../warehouse/deep-evidence.ts'
import { readLanded, readLoads, readMerged } from '../warehouse/file-evidence.ts'
import { streamRemake, tableNames, topicNames } from '../warehouse/names.ts'
import { readPipe, readStream, readTask } from '../warehouse/object-evidence.ts'
import { readAuditTemplates } from '../warehouse/scripts.ts'
import { warehouseOf } from '../warehouse/values.ts'

export type GatherOptions = {
  readonly config: Config
  readonly logger: Logger
  readonly isDeep: boolean
  /** asks for what only a repair has to know */
  readonly isRepair: boolean
  readonly progress: (topic: string, done: number, total: number) => void
}

export type Gathered = { readonly topics: readonly TopicEvidence[]; readonly failures: readonly Failure[] }

/** `session` is null where there is none to be had; why, has been told then. Never throws for what a part answers. */
export async function gather(session: Session | null, options: GatherOptions): Promise<Gathered> {
  const { config, logger } = options
  const failures: Failure[] = []
  const ask = asker(failures)
  const logs = (await ask(() => readLogs(config, logger)))?.logs ?? null
  const topics: TopicEvidence[] = []
  const stage = openStage(config.stage)
  try {
    for (const [topic, tables] of Map.groupBy(config.tables, (table) => table.topic)) {
      const epoch = tables[0]?.epoch ?? 1
      const log = logs?.get(topic) ?? null
      if (log?.length === 0) failures.push(new Failure('TOPIC_MISSING', `there is no topic ${topic}`))
      const warehouse = session && (await readWarehouse(session, options, { topic, tables, ask }))
      const onStage = await readStage(stage, options, { topic, ask })
      topics.push({
        topic,
        epoch,
        askedAt: warehouse?.askedAt ?? new Date(),
        log: log?.map((state) => logEvidence(state, epoch)) ?? null,
        ...(warehouse ?? nothingOf(config, topic, tables)),
        ...onStage,
      })
    }
  } finally {
    stage.close()
  }
  return { topics, failures }
}

type Ask = <T>(read: () => Promise<T>) => Promise<T | null>

/** Notes each failure once; null for what could not be read. */
function asker(failures: Failure[]): Ask {
  return async (read) => {
    try {
      return await read()
    } catch (error) {
      const failure = toFailure(error)
      const isKnown = failures.some(({ code, message }) => code === failure.code && message === failure.message)
      if (!isKnown) failures.push(failure)
      return null
    }
  }
}

function logEvidence({ partition, committed: offset, metadata }: LogState, epoch: number): LogEvidence {
  return { partition, commit: offset === null ? null : vouching({ offset, metadata }, epoch) }
}

type OfTopic = { readonly topic: string; readonly ask: Ask }
type OfTables = OfTopic & { readonly tables: readonly TableConfig[] }
type FromWarehouse = Pick<TopicEvidence, 'loads' | 'landed' | 'pipe' | 'tables'>

/** The load history before the landing table, and that before the merges: each knows at least what the one before it knew. */
async function readWarehouse(
  session: Session,
  { config, isDeep, isRepair }: GatherOptions,
  { topic, tables, ask }: OfTables,
): Promise<FromWarehouse & { readonly askedAt: Date }> {
  const warehouse = warehouseOf(config)
  const askedAt = new Date()
  const loads = await ask(() => readLoads(session, warehouse, topic))
  const landed = await ask(() => readLanded(session, warehouse, topic))
  const unknown = nothingOf(config, topic, tables)
  const found: TableEvidence[] = []
  for (const table of tables) {
    const { task, retention } = tableNames(warehouse, table)
    const before = unknownTable(config, table)
    found.push({
      table: table.table,
      merged: await ask(() => readMerged(session, warehouse, table)),
      stream: (await ask(() => readStream(session, warehouse, table, { asksForRows: isRepair }))) ?? before.stream,
      merge: (await ask(() => readTask(session, warehouse, task))) ?? before.merge,
      retention: (await ask(() => readTask(session, warehouse, retention))) ?? before.retention,
      deep: isDeep ? await ask(async () => readDeep(session, config, table, await readAuditTemplates())) : null,
    })
  }
  const pipe = (await ask(() => readPipe(session, warehouse, topic))) ?? unknown.pipe
  return { askedAt, loads, landed, pipe, tables: found }
}

function nothingOf(config: Config, topic: string, tables: readonly TableConfig[]): FromWarehouse {
  const { pipe } = topicNames(warehouseOf(config), topic)
  const unknown = { loads: null, landed: null, pipe: { name: pipe.sql, found: null } }
  return { ...unknown, tables: tables.map((table) => unknownTable(config, table)) }
}

function unknownTable(config: Config, table: TableConfig): TableEvidence {
  const warehouse = warehouseOf(config)
  const { stream, task, retention } = tableNames(warehouse, table)
  return {
    table: table.table,
    merged: null,
    stream: { name: stream.sql, remake: streamRemake(warehouse, table).join('; '), found: null },
    merge: { name: task.sql, found: null },
    retention: { name: retention.sql, found: null },
    deep: null,
  }
}

async function readStage(
  stage: Stage,
  { config, progress }: GatherOptions,
  { topic, ask }: OfTopic,
): Promise<Pick<TopicEvidence, 'epochs' | 'gaps' | 'staged'>> {
  const { prefix } = config.stage
  const staged = await ask((): Promise<readonly StagedFile[]> =>
    readStagedFiles(stage, prefix, topic, (done, total) => {
      progress(topic, done, total)
    }),
  )
  const begun = await ask(() => epochsBegun({ stage, prefix }, topic))
  if (!begun) return { staged, epochs: null, gaps: null }
  const epochs: EpochEvidence[] = []
  const gaps: GapEvidence[] = []
  let isWhole = true
  for (const epoch of begun) {
    const record = await ask(() => readEpoch({ stage, prefix }, { topic, epoch }))
    if (record) epochs.push({ epoch, starts: record.starts })
    const given = await ask(() => readGaps({ stage, prefix, topic, epoch }))
    for (const [partition, ranges] of given ?? []) {
      gaps.push(...ranges.map((range) => ({ epoch, partition, range })))
    }
    isWhole &&= given !== null
  }
  return { staged, epochs, gaps: isWhole ? gaps : null }
}
