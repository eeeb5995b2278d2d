/**
 * `firn ack-gap`: records on the stage that offsets are given up, so that a halted partition goes on behind them and the
 * decision stays visible. What may be given up is decided in ingest/gap.ts.
 */
import { type OffsetRange, parseRange, rangeText } from '../change.ts'
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { Failure } from '../failure.ts'
import { readEpoch } from '../ingest/epoch.ts'
import { readStaged } from '../ingest/staged-trail.ts'
import { coveredUntil } from '../status/watermarks.ts'
import { type GapVerdict, judgeGap, keepGap } from '../ingest/gap.ts'
import { logBounds, partitionCountOf } from '../ingest/log-bounds.ts'
import { kafkaClient, kafkaFailure } from '../kafka/client.ts'
import { gapKey } from '../landing.ts'
import { openStage } from '../stage/s3.ts'
import { createLogger } from '../telemetry.ts'
import type { Command, Io } from './command.ts'
import { required, tablesOfTopic } from './named-option.ts'
import { parseOptions } from './options.ts'

const options = {
  config: { type: 'string' },
  topic: { type: 'string' },
  partition: { type: 'string' },
  offsets: { type: 'string' },
  reason: { type: 'string' },
  discard: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

const example = 'firn ack-gap --topic shop.orders --partition 3 --offsets 100-199'

export const command: Command = {
  summary: 'give up offsets that cannot be staged, so that a halted partition goes on',
  help: `firn ack-gap: give up offsets that cannot be staged, so that a halted partition goes on

usage: firn ack-gap --topic TOPIC --partition N --offsets FIRST-LAST [--reason TEXT] [--discard]
                    [--dry-run] [--config FILE] [--json]

A partition never skips a message by itself: it halts, and its halt names the command to be run once somebody has decided.
This command puts that decision on the stage, as an object of its own that is never removed; the running ingester sees it
within half a minute and goes on behind the gap. Offsets that Kafka still has are refused without --discard: their messages
would never be staged.

  --topic TOPIC         a topic of the configuration
  --partition N         its partition
  --offsets FIRST-LAST  both included; a single offset is enough for one
  --reason TEXT         kept with the decision
  --discard             give up also messages that Kafka still has
  --dry-run             say what would be recorded, and record nothing
  --config FILE         the configuration (default: FIRN_CONFIG, then firn.yaml)
  --json                print the outcome as one JSON object

examples:
  ${example} --dry-run
  ${example} --reason "retention was too short, rows reloaded"
  firn ack-gap --topic shop.orders --partition 3 --offsets 4711 --discard --reason "broken record batch"
`,
  async run(args, io) {
    const values = parseOptions(args, options, example)
    const config = loadConfig({ file: values.config, env: io.env })
    const [table] = tablesOfTopic(config, required(values.topic, 'topic', example))
    const partition = partitionOf(required(values.partition, 'partition', example))
    const range = rangeOf(required(values.offsets, 'offsets', example))
    const place = { topic: table.topic, epoch: table.epoch, partition, range }
    const dryRun = values['dry-run'] === true

    const stage = openStage(config.stage)
    try {
      if (!(await readEpoch({ stage, prefix: config.stage.prefix }, table))) {
        const epoch = `epoch ${table.epoch} of ${table.topic}`
        throw new Failure('USAGE', `${epoch} has not begun: nothing was staged, and nothing can be missing`)
      }
      const staged = await readStaged({ stage, prefix: config.stage.prefix, ...place }, null)
      if (coveredUntil(staged, range.first) > range.last) {
        throw new Failure('USAGE', `offsets ${rangeText(range)} are staged already: there is nothing to give up`)
      }
      const verdict = judgeGap(range, await boundsOf(config, table.topic, partition, io))
      if (verdict.kind === 'discards' && values.discard !== true) {
        const offsets = rangeText(verdict.range)
        throw new Failure('USAGE', `Kafka still has offsets ${offsets}; to give up their messages, add --discard`)
      }
      const key = gapKey(config.stage.prefix, place)
      const gap = { ...place, reason: values.reason ?? null, acknowledgedAt: new Date() }
      const kept = dryRun ? { key, again: false } : await keepGap(stage, config.stage.prefix, gap)
      const outcome = {
        ...place,
        dryRun,
        again: kept.again,
        discards: verdict.kind === 'discards',
        object: `s3://${stage.bucket}/${key}`,
      }
      io.stdout.write(values.json === true ? jsonOf(outcome) : textOf(outcome, verdict))
      return 0
    } finally {
      stage.close()
    }
  },
}

type Outcome = {
  readonly topic: string
  readonly epoch: number
  readonly partition: number
  readonly range: OffsetRange
  readonly dryRun: boolean
  readonly again: boolean
  readonly discards: boolean
  readonly object: string
}

function textOf({ topic, epoch, partition, range, dryRun, again, object }: Outcome, verdict: GapVerdict): string {
  const what = `${topic}/${partition}: offsets ${rangeText(range)} of epoch ${epoch}`
  const done = dryRun ? 'would be given up' : again ? 'were given up before' : 'are given up'
  const lost = verdict.kind === 'gone' ? 'Kafka has deleted them.' : `Kafka still has ${rangeText(verdict.range)}.`
  const next = dryRun
    ? 'Nothing was recorded.'
    : 'A running ingester goes on within half a minute, unless it halts for other offsets too: see firn status.'
  return `${what} ${done}. ${lost}\n  ${object}\n${next}\n`
}

function jsonOf({ range, ...outcome }: Outcome): string {
  return `${JSON.stringify({ ...outcome, first: range.first.toString(), last: range.last.toString() })}\n`
}

function partitionOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new Failure('USAGE', `--partition ${text} is no partition; for example: ${example}`)
}

function rangeOf(text: string): OffsetRange {
  const range = parseRange(text)
  if (range) return range
  throw new Failure('USAGE', `--offsets ${text} is no range of offsets; for example: ${example}`)
}

async function boundsOf(config: Config, topic: string, partition: number, io: Io) {
  const logger = createLogger({ level: config.log.level, stream: io.stderr })
  const admin = kafkaClient(config.kafka, logger).admin()
  try {
    await admin.connect().catch((error: unknown) => {
      throw kafkaFailure(error, `connect to ${config.kafka.brokers.join(', ')}`)
    })
    const bounds = (await logBounds(admin, topic)).get(partition)
    if (bounds) return bounds
    const count = await partitionCountOf(admin, topic)
    if (partition >= count) throw new Failure('USAGE', `topic ${topic} has no partition ${partition}`)
    throw new Failure('LEADER_MISSING', `${topic}/${partition} has no leader, so nobody knows what its log holds`)
  } finally {
    await admin.disconnect()
  }
}
