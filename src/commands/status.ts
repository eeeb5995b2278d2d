/**
 * `firn status`: prints the watermarks of every partition, what a day comes to, and what halts. What cannot be asked leaves its
 * columns empty and fails the command at its end, so that an outage of one part does not hide what the others know.
 */
import type { OffsetRange } from '../change.ts'
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { Failure, hintOf, toFailure } from '../failure.ts'
import { parseCommitment, parseHaltNote } from '../ingest/commitment.ts'
import { epochsBegun, readEpoch } from '../ingest/epoch.ts'
import { type EpochRecord, judgeEpoch } from '../ingest/epoch-record.ts'
import { vouching } from '../ingest/resume.ts'
import { readGaps } from '../ingest/staged-trail.ts'
import { connectSnowflake } from '../snowflake/session.ts'
import { openStage } from '../stage/s3.ts'
import { forecastOf } from '../status/forecast.ts'
import { type Logs, readLogs, readStagedFiles, type SizedFile } from '../status/watermarks-source.ts'
import { type LogState, type Watermark, watermarksOf } from '../status/watermarks.ts'
import { createLogger } from '../telemetry.ts'
import { readLedger } from '../warehouse/migrations.ts'
import { type DoneFile, loadedFiles, mergedFiles } from '../warehouse/progress.ts'
import type { Command } from './command.ts'
import { parseOptions } from './options.ts'
import { type Halt, lineOf, perDayText, statusJson, tableOf, type TopicForecast } from './status-text.ts'

const options = { config: { type: 'string' }, json: { type: 'boolean' } } as const

export const command: Command = {
  summary: 'show how far each partition has come, and what halts',
  help: `firn status: show how far each partition has come, and what halts

usage: firn status [--config FILE] [--json]

Prints for each partition the next offset to be consumed (committed in Kafka), staged (on the stage), loaded (into the
landing table) and merged (into the target table), and the end of the log; then how long ago the newest change that is
staged, loaded and merged was committed at the source (by its Kafka timestamp where the message does not say). Without a
section warehouse in the configuration, loaded and merged are left out. A dash stands for what is not known. Below stands
what a day like the last hour comes to in files, bytes and Snowflake's credits, by the settings of this configuration: change
ingest.freshness in it and see. More files are made where ingest.memory runs short, and where the group's members change.
Last comes what halts, and what resolves it.

Exits 0 where all goes on, 3 where something halts, 1 where something could not be asked.

  --config FILE  the configuration (default: FIRN_CONFIG, then firn.yaml)
  --json         print the watermarks as one JSON object; offsets are text, times are ms since 1970

examples:
  firn status
  firn status --config firn.yaml --json
`,
  async run(args, io) {
    const values = parseOptions(args, options, 'firn status --config firn.yaml')
    const config = loadConfig({ file: values.config, env: io.env })
    const logger = createLogger({ level: config.log.level, stream: io.stderr })
    const found = await readLogs(config, logger)
    const [staged, progress] = await Promise.all([
      attempt(() => readStage(config)),
      attempt(() => readProgress(config)),
    ])
    const watermarks = config.tables.flatMap((table) =>
      watermarksOf({
        ...table,
        log: (found.logs.get(table.topic) ?? []).map((state) => ({
          ...state,
          ...vouchedOf(state, table.epoch),
        })),
        gaps: staged.value?.get(table.table)?.gaps ?? [],
        staged: staged.value?.get(table.table)?.files ?? null,
        loaded: progress.value?.get(table.table)?.loaded ?? null,
        merged: progress.value?.get(table.table)?.merged ?? null,
      }),
    )
    const failures = [staged, progress]
      .flatMap(({ failure }) => failure ?? [])
      .concat(leaderless(watermarks), missing(found))
    const halts = haltsOf(config, found, staged.value)
    const perDay = forecastsOf(config, found, staged.value)
    if (values.json === true) io.stdout.write(`${statusJson({ watermarks, perDay, halts, failures })}\n`)
    else {
      const table = tableOf(watermarks, config.warehouse !== undefined)
      io.stdout.write(table + perDayText(perDay) + halts.map(lineOf).join(''))
    }
    for (const { code, message, hint } of failures) io.stderr.write(`firn: ${code}: ${message}\n  ${hint}\n`)
    return failures.length > 0 ? 1 : halts.length > 0 ? 3 : 0
  },
}

function leaderless(watermarks: readonly Watermark[]): readonly Failure[] {
  const places = watermarks.flatMap(({ topic, partition, end }) => (end === null ? `${topic}/${partition}` : []))
  return places.length === 0 ? [] : [new Failure('LEADER_MISSING', `no leader for ${places.join(', ')}`)]
}

/** The anchor is the last message that is staged. */
function vouchedOf({ committed: offset, metadata }: LogState, epoch: number) {
  const commit = offset === null ? null : vouching({ offset, metadata }, epoch)
  const stagedMs = commit?.anchor ? Number(commit.anchor.timestamp) : null
  return { isVouched: commit !== null, stagedMs }
}

function missing({ logs }: Logs): readonly Failure[] {
  const topics = [...logs].flatMap(([topic, log]) => (log.length === 0 ? topic : []))
  return topics.length === 0 ? [] : [new Failure('TOPIC_MISSING', `there is no topic ${topics.join(', ')}`)]
}

type Attempt<T> = { readonly value: T | null; readonly failure: Failure | null }

async function attempt<T>(read: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await read(), failure: null }
  } catch (error) {
    return { value: null, failure: toFailure(error) }
  }
}

type StagedTable = {
  readonly files: readonly SizedFile[]
  readonly gaps: readonly { readonly partition: number; readonly range: OffsetRange }[]
  readonly record: EpochRecord | Failure | null
  readonly begun: readonly number[]
}

/** By table. */
async function readStage(config: Config): Promise<ReadonlyMap<string, StagedTable>> {
  const stage = openStage(config.stage)
  const { prefix } = config.stage
  try {
    const tables = new Map<string, StagedTable>()
    for (const table of config.tables) {
      const files = await readStagedFiles(stage, prefix, table)
      const record = await readEpoch({ stage, prefix }, table).catch(invalidRecord)
      const gaps = [...(await readGaps({ stage, prefix, ...table }))].flatMap(([partition, ranges]) => {
        return ranges.map((range) => ({ partition, range }))
      })
      tables.set(table.table, { files, gaps, record, begun: await epochsBegun({ stage, prefix }, table.topic) })
    }
    return tables
  } finally {
    stage.close()
  }
}

/** One that cannot be read halts its topic, and hides nothing of the others. @throws all other failures */
function invalidRecord(error: unknown): Failure {
  const failure = toFailure(error)
  if (failure.code === 'EPOCH_RECORD_INVALID') return failure
  throw failure
}

/** What partitions have noted beside their offsets, and epochs that the config does not agree with. */
function haltsOf(
  { tables }: Config,
  { logs, clusterId }: Logs,
  staged: ReadonlyMap<string, StagedTable> | null,
): readonly Halt[] {
  // What halts is a topic's, however many tables it goes to.
  const byTopic = [...new Map(tables.map((table) => [table.topic, table])).values()]
  return byTopic.flatMap((table): readonly Halt[] => {
    const { topic, epoch } = table
    const log = logs.get(topic) ?? []
    const { record = null, begun = [] } = staged?.get(table.table) ?? {}
    const facts = { clusterId, partitionCount: log.length, begun, table }
    const refusal = record instanceof Failure ? record : record && log.length > 0 ? judgeEpoch(record, facts) : null
    if (refusal) return [{ topic, partition: null, code: refusal.code, message: refusal.message, hint: refusal.hint }]
    return log.flatMap(({ partition, metadata }) => {
      const note = parseHaltNote(metadata)
      // One of an epoch that is over says nothing any more.
      if (!note || (parseCommitment(metadata)?.epoch ?? epoch) !== epoch) return []
      const { code, message, command } = note
      return { topic, partition, code, message, hint: hintOf(code, command) }
    })
  })
}

type Progress = { readonly loaded: readonly DoneFile[]; readonly merged: readonly DoneFile[] }

/** By table; null without a section warehouse. */
async function readProgress(config: Config): Promise<ReadonlyMap<string, Progress> | null> {
  const { warehouse, tables } = config
  if (!warehouse) return null
  const session = await connectSnowflake(warehouse)
  try {
    const progress = new Map<string, Progress>()
    for (const table of tables) {
      progress.set(table.table, {
        loaded: await loadedFiles(session, warehouse, table.topic),
        merged: await mergedFiles(session, warehouse, table),
      })
    }
    return progress
  } catch (error) {
    // Where nothing was made yet, the first table that is asked for says no more than that it is not there.
    const isNew = toFailure(error).code === 'STATEMENT_FAILED' && (await readLedger(session, warehouse)).size === 0
    if (!isNew) throw error
    throw new Failure('MIGRATION_MISSING', 'no migration is applied yet', { cause: error })
  } finally {
    await session.close()
  }
}

/** What a topic's newest files come to says more than what the first ones did. */
const measuredFiles = 20

function forecastsOf(
  { tables, ingest }: Config,
  { lastHour }: Logs,
  staged: ReadonlyMap<string, StagedTable> | null,
): readonly TopicForecast[] {
  const byTopic = [...new Map(tables.map((table) => [table.topic, table])).values()]
  return byTopic.flatMap(({ topic, table }) => {
    const hour = lastHour.get(topic)
    const files = staged?.get(table)?.files
    if (!hour || !files) return []
    const byPartition = Map.groupBy(files, ({ partition }) => partition)
    const ofTopic = bytesPerMessage(files)
    const traffic = [...hour].map(([partition, messages]) => ({
      messagesPerSecond: messages / 3_600,
      bytesPerMessage: bytesPerMessage(byPartition.get(partition) ?? []) ?? ofTopic,
    }))
    return { topic, ...forecastOf(traffic, ingest) }
  })
}

/** Null where there is no file. */
function bytesPerMessage(files: readonly SizedFile[]): number | null {
  const newest = files.toSorted((a, b) => (a.range.first < b.range.first ? 1 : -1)).slice(0, measuredFiles)
  const covered = newest.reduce((sum, { range }) => sum + Number(range.last - range.first) + 1, 0)
  return covered === 0 ? null : newest.reduce((sum, { bytes }) => sum + bytes, 0) / covered
}
