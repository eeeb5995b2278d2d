/**
 * `firn run`: the ingester, its status server and its clock in one process. Each of them decides for itself.
 */
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { type Ingest, startIngest } from '../ingest/ingest.ts'
import { type Job, startSchedule } from '../status/schedule.ts'
import { renderPage } from '../status/page.ts'
import { startStatusServer } from '../status/server.ts'
import { createLogger, createMetrics, type Logger, type Metrics, sumOf } from '../telemetry.ts'
import type { Command } from './command.ts'
import { parseOptions } from './options.ts'
import { gatherPage } from './run-page.ts'
import { WarehouseWatch } from './warehouse-watch.ts'

const options = { config: { type: 'string' } } as const

export const command: Command = {
  summary: 'read Kafka and stage landing files until told to stop',
  help: `firn run: read Kafka and stage landing files until told to stop

usage: firn run [--config FILE]

Reads the topics of all tables as a member of the group kafka.group, writes their changes as Parquet files to the stage, and
commits behind them. Needs no Snowflake connection. What is not there yet (a broker, a topic, the bucket) is waited for.
SIGTERM or SIGINT: stores what is buffered within ingest.leaveTimeout, leaves the group, exits 0. A second
one ends it at once. Logs go to stderr; the status page (/), /metrics, /healthz and /readyz answer at status.listen.

  --config FILE  the configuration (default: FIRN_CONFIG, then firn.yaml)

examples:
  firn run
  firn run --config firn.yaml
  FIRN_LOG_LEVEL=debug FIRN_STATUS_LISTEN=0.0.0.0:9464 firn run
`,
  async run(args, io) {
    const values = parseOptions(args, options, 'firn run --config firn.yaml')
    const config = loadConfig({ file: values.config, env: io.env })
    const logger = createLogger({ level: config.log.level, stream: io.stderr })
    const running = await startRun(config, logger)
    const stop = () => {
      running.stop()
    }
    if (io.signal.aborted) stop()
    io.signal.addEventListener('abort', stop)
    try {
      await running.done
      return 0
    } finally {
      io.signal.removeEventListener('abort', stop)
    }
  },
}

export type Running = {
  /** where the status server listens */
  readonly port: number
  /** Fulfilled when all has ended after `stop`; rejected with the Failure that ended it. */
  readonly done: Promise<void>
  stop(): void
}

/** Starts everything; also several in one process. @throws Failure LISTEN_FAILED */
export async function startRun(config: Config, logger: Logger): Promise<Running> {
  const metrics = createMetrics()
  let started: Ingest | null = null
  let watch: WarehouseWatch | null = null
  const readiness = () => ({ ...(started?.state() ?? { ready: false }), ...(watch && { warehouse: watch.state() }) })
  const page = async () => renderPage(await gatherPage({ config, metrics, ingest: started, watch }))
  const server = await startStatusServer({ listen: config.status.listen, metrics, readiness, page })
  const ingest = startIngest(config, logger, metrics)
  started = ingest
  if (config.warehouse) watch = new WarehouseWatch(config, () => ingest.places(), logger, metrics)
  const endSchedule = startSchedule([
    { name: 'observe', when: '*/10 * * * * *', run: () => ingest.observe() },
    { name: 'halts', when: '*/15 * * * * *', run: () => ingest.reconsider() },
    { name: 'logs', when: '25,55 * * * * *', run: () => ingest.verify() },
    ...(watch ? jobsOf(watch, config.audit.every) : []),
    { name: 'summary', when: '0 * * * * *', run: summary(ingest, metrics, logger) },
  ])
  logger.info(
    {
      brokers: config.kafka.brokers,
      group: config.kafka.group,
      topics: [...new Set(config.tables.map(({ topic }) => topic))],
      stage: `s3://${config.stage.bucket}/${config.stage.prefix}`,
      status: `port ${server.port}`,
    },
    'firn run: staging changes from Kafka',
  )
  const ended = ingest.done.finally(async () => {
    await endSchedule()
    await server.close()
    logger.info('firn run: stopped')
  })
  return {
    port: server.port,
    done: ended,
    stop: () => {
      const seconds = config.ingest.leaveTimeout / 1_000
      logger.info(`told to stop: storing what is buffered, for at most ${seconds} s; told again, it leaves at once`)
      ingest.stop()
    },
  }
}

function jobsOf(watch: WarehouseWatch, everyMs: number): readonly Job[] {
  const tellLag = () => {
    watch.tellLag()
    return Promise.resolve()
  }
  return [
    { name: 'audit', when: '* * * * * *', run: turnsOf(watch, everyMs) },
    { name: 'lag', when: '5,15,25,35,45,55 * * * * *', run: tellLag },
  ]
}

/** The clock ticks by seconds; a turn comes when the last one has ended so long ago, and when the process gets partitions. */
function turnsOf(watch: WarehouseWatch, everyMs: number): () => Promise<void> {
  let dueMs = 0
  let hadPlaces = false
  return async () => {
    const { hasPlaces } = watch
    const isDue = Date.now() >= dueMs || (hasPlaces && !hadPlaces)
    hadPlaces = hasPlaces
    if (!isDue) return
    await watch.look()
    dueMs = Date.now() + everyMs
  }
}

/** One line a minute: what was staged since the last one, and what stands still. */
function summary(ingest: Ingest, metrics: Metrics, logger: Logger): () => Promise<void> {
  const { firn_rows_total, firn_rejects_total, firn_files_total, firn_file_bytes_total } = metrics
  const counters = [firn_rows_total, firn_rejects_total, firn_files_total, firn_file_bytes_total]
  let before = [0, 0, 0, 0]
  return async () => {
    const now = await Promise.all(counters.map(sumOf))
    const [rows, rejects, files, bytes] = now.map((sum, index) => sum - (before[index] ?? 0))
    before = now
    const { ready, halts } = ingest.state()
    logger.info({ rows, rejects, files, bytes, ready, halted: halts.length }, 'staged in the last minute')
  }
}
