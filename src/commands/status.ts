/**
 * `firn status`: prints the watermarks of every partition. What cannot be asked leaves its columns empty and fails the
 * command at its end, so that an outage of one part does not hide what the others know.
 */
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { type Failure, toFailure } from '../failure.ts'
import type { LandingFile } from '../landing.ts'
import { connectSnowflake } from '../snowflake/session.ts'
import { openStage } from '../stage/s3.ts'
import { readLogs, readStagedFiles } from '../status/watermarks-source.ts'
import { type Watermark, watermarksOf } from '../status/watermarks.ts'
import { createLogger } from '../telemetry.ts'
import { loadedFiles, mergedFiles } from '../warehouse/progress.ts'
import type { Command } from './command.ts'
import { parseOptions } from './options.ts'

const options = { config: { type: 'string' }, json: { type: 'boolean' } } as const

export const command: Command = {
  summary: 'show how far each partition has come',
  help: `firn status: show how far each partition has come

usage: firn status [--config FILE] [--json]

Prints for each partition the next offset to be consumed (committed in Kafka), staged (on the stage), loaded (into the
landing table) and merged (into the target table), and the end of the log. Without a section warehouse in the
configuration, loaded and merged are left out. A dash stands for what is not known.

  --config FILE  the configuration (default: FIRN_CONFIG, then firn.yaml)
  --json         print the watermarks as one JSON object; offsets are text

examples:
  firn status
  firn status --config firn.yaml --json
`,
  async run(args, io) {
    const values = parseOptions(args, options, 'firn status --config firn.yaml')
    const config = loadConfig({ file: values.config, env: io.env })
    const logger = createLogger({ level: config.log.level, stream: io.stderr })
    const logs = await readLogs(config, logger)
    const [staged, progress] = await Promise.all([
      attempt(() => readStage(config)),
      attempt(() => readProgress(config)),
    ])
    const watermarks = config.tables.flatMap((table) =>
      watermarksOf({
        ...table,
        log: logs.get(table.topic) ?? [],
        staged: staged.value?.get(table.table) ?? null,
        loaded: progress.value?.get(table.table)?.loaded ?? null,
        merged: progress.value?.get(table.table)?.merged ?? null,
      }),
    )
    const failures = [staged, progress].flatMap(({ failure }) => failure ?? [])
    if (values.json === true) io.stdout.write(`${jsonOf(watermarks, failures)}\n`)
    else io.stdout.write(tableOf(watermarks, config.warehouse !== undefined))
    for (const { code, message, hint } of failures) io.stderr.write(`firn: ${code}: ${message}\n  ${hint}\n`)
    return failures.length > 0 ? 1 : 0
  },
}

type Attempt<T> = { readonly value: T | null; readonly failure: Failure | null }

async function attempt<T>(read: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await read(), failure: null }
  } catch (error) {
    return { value: null, failure: toFailure(error) }
  }
}

/** By table. */
async function readStage(config: Config): Promise<ReadonlyMap<string, readonly LandingFile[]>> {
  const stage = openStage(config.stage)
  try {
    const files = new Map<string, readonly LandingFile[]>()
    for (const table of config.tables) {
      files.set(table.table, await readStagedFiles(stage, config.stage.prefix, table))
    }
    return files
  } finally {
    stage.close()
  }
}

type Progress = { readonly loaded: readonly LandingFile[]; readonly merged: readonly LandingFile[] }

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
  } finally {
    await session.close()
  }
}

function tableOf(watermarks: readonly Watermark[], hasWarehouse: boolean): string {
  const offsets = hasWarehouse
    ? (['consumed', 'staged', 'loaded', 'merged', 'end'] as const)
    : (['consumed', 'staged', 'end'] as const)
  const rows = watermarks.map((watermark) => [
    watermark.topic,
    watermark.partition.toString(),
    ...offsets.map((name) => watermark[name]?.toString() ?? '-'),
  ])
  const all = [['topic', 'partition', ...offsets], ...rows]
  const widths = ['topic', 'partition', ...offsets].map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ')
  return `${all.map(line).join('\n')}\n`
}

function jsonOf(watermarks: readonly Watermark[], failures: readonly Failure[]): string {
  const reasons = failures.map(({ code, message, hint }) => ({ code, message, hint }))
  return JSON.stringify({ watermarks, failures: reasons }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}
