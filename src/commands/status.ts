/**
 * `firn status`: prints the watermarks of every partition, and what halts. What cannot be asked leaves its columns empty and fails the
 * command at its end, so that an outage of one part does not hide what the others know.
 */
import type { OffsetRange } from '../change.ts'
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { Failure, type FailureCode, hintOf, toFailure } from '../failure.ts'
import { parseCommitment, parseHaltNote } from '../ingest/commitment.ts'
import { epochsBegun, readEpoch } from '../ingest/epoch.ts'
import { type EpochRecord, judgeEpoch } from '../ingest/epoch-record.ts'
import { vouching } from '../ingest/resume.ts'
import { readGaps } from '../ingest/staged-trail.ts'
import type { LandingFile } from '../landing.ts'
import { connectSnowflake } from '../snowflake/session.ts'
import { openStage } from '../stage/s3.ts'
import { type Logs, readLogs, readStagedFiles } from '../status/watermarks-source.ts'
import { type LogState, type Watermark, watermarksOf } from '../status/watermarks.ts'
import { createLogger } from '../telemetry.ts'
import { readLedger } from '../warehouse/migrations.ts'
import { type DoneFile, loadedFiles, mergedFiles } from '../warehouse/progress.ts'
import type { Command } from './command.ts'
import { parseOptions } from './options.ts'

const options = { config: { type: 'string' }, json: { type: 'boolean' } } as const

export const command: Command = {
  summary: 'show how far each partition has come, and what halts',
  help: `firn status: show how far each partition has come, and what halts

usage: firn status [--config FILE] [--json]

Prints for each partition the next offset to be consumed (committed in Kafka), staged (on the stage), loaded (into the
landing table) and merged (into the target table), and the end of the log; then how long ago the newest change that is
staged, loaded and merged was committed at the source (by its Kafka timestamp where the message does not say). Without a
section warehouse in the configuration, loaded and merged are left out. A dash stands for what is not known. Below stands
what halts, and what resolves it.

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
    if (values.json === true) io.stdout.write(`${jsonOf(watermarks, halts, failures)}\n`)
    else io.stdout.write(tableOf(watermarks, config.warehouse !== undefined) + halts.map(lineOf).join(''))
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
  readonly files: readonly LandingFile[]
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

/** What does not go on by itself: one partition, or a whole topic (null). */
type Halt = {
  readonly topic: string
  readonly partition: number | null
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
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

function tableOf(watermarks: readonly Watermark[], hasWarehouse: boolean): string {
  const offsets = hasWarehouse
    ? (['consumed', 'staged', 'loaded', 'merged', 'end'] as const)
    : (['consumed', 'staged', 'end'] as const)
  const times = hasWarehouse ? (['staged', 'loaded', 'merged'] as const) : (['staged'] as const)
  const nowMs = Date.now()
  // Where a topic goes to several tables, it must be told whose merge it is.
  const isShared = watermarks.some(({ topic, table }) =>
    watermarks.some((one) => one.topic === topic && one.table !== table),
  )
  const rows = watermarks.map((watermark) => [
    watermark.topic,
    watermark.partition.toString(),
    ...(isShared ? [watermark.table] : []),
    ...offsets.map((name) => watermark[name]?.toString() ?? '-'),
    ...times.map((name) => ageOf(watermark.newest[name], nowMs)),
  ])
  const head = ['topic', 'partition', ...(isShared ? ['table'] : []), ...offsets, ...times.map((name) => `${name} ago`)]
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ')
  return `${all.map(line).join('\n')}\n`
}

/** Whole seconds, or the two largest units of longer ages. */
function ageOf(ms: number | null, nowMs: number): string {
  if (ms === null) return '-'
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1_000))
  if (seconds < 120) return `${seconds}s`
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3_600)]
  if (minutes < 120) return `${minutes}m${seconds % 60}s`
  return hours < 48 ? `${hours}h${minutes % 60}m` : `${Math.floor(hours / 24)}d${hours % 24}h`
}

function lineOf({ topic, partition, code, message, hint }: Halt): string {
  const place = partition === null ? topic : `${topic}/${partition}`
  return `\nhalted  ${place}  ${code}: ${message}\n  ${hint}\n`
}

function jsonOf(watermarks: readonly Watermark[], halts: readonly Halt[], failures: readonly Failure[]): string {
  const reasons = failures.map(({ code, message, hint }) => ({ code, message, hint }))
  return JSON.stringify({ watermarks, halts, failures: reasons }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}
