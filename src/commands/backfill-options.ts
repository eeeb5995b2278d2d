/**
 * The words of `firn backfill` as what they mean: which run, of which messages, and how it is worked on.
 */
import { type OffsetRange, parseRange } from '../change.ts'
import { type Config, durationMs, type TableConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import type { FileIdentity, Request, SourceKind } from '../backfill/request.ts'
import { sourceKinds } from '../backfill/request.ts'
import { runNameRule } from '../backfill/run-record.ts'
import { tablesOfTopic } from './named-option.ts'
import { parseOptions } from './options.ts'
import { landedCodes } from './rejects-hint.ts'

export const options = {
  config: { type: 'string' },
  topic: { type: 'string' },
  from: { type: 'string' },
  file: { type: 'string' },
  name: { type: 'string' },
  partition: { type: 'string' },
  offsets: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  epoch: { type: 'string' },
  code: { type: 'string' },
  revision: { type: 'string' },
  rate: { type: 'string' },
  parallel: { type: 'string' },
  patience: { type: 'string' },
  plan: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  'stage-only': { type: 'boolean' },
  'no-wait': { type: 'boolean' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export const example = 'firn backfill --topic shop.orders --from log --plan'

/** What was said of the messages; null: nothing, and the run's record tells. */
export type Asked = {
  readonly topic: string
  readonly from: SourceKind | null
  readonly file: string | null
  readonly name: string | null
  readonly partitions: readonly number[] | null
  readonly offsets: OffsetRange | null
  readonly since: string | null
  readonly until: string | null
  readonly epoch: number | null
  readonly code: string | null
  readonly revision: number
}

export type How = {
  readonly isPlan: boolean
  readonly isAgreed: boolean
  readonly isStageOnly: boolean
  readonly waits: boolean
  readonly json: boolean
  readonly perSecond: number | null
  readonly parallel: number
  readonly patienceMs: number | null
}

export type Parsed = {
  readonly config: string | undefined
  readonly asked: Omit<Asked, 'topic'>
  readonly topic: string | null
  readonly how: How
}

const parallelMax = 32

/** Which sources an option goes with. */
const goesWith: Readonly<Record<string, readonly SourceKind[]>> = {
  file: ['file'],
  partition: ['log', 'stage', 'rejects'],
  offsets: ['log', 'stage', 'rejects'],
  since: ['log', 'stage'],
  until: ['log', 'stage'],
  epoch: ['stage', 'rejects'],
  code: ['rejects'],
  revision: ['log', 'rejects', 'file'],
  rate: ['log', 'rejects', 'file'],
}

/** @throws Failure USAGE */
export function parseBackfill(args: readonly string[], forced: { readonly from?: SourceKind } = {}): Parsed {
  const values = parseOptions(args, options, example)
  const from = forced.from ?? sourceOf(values.from)
  for (const [name, sources] of Object.entries(goesWith)) {
    const isGiven = Object.hasOwn(values, name)
    if (!isGiven) continue
    // A run that is gone on with knows from where.
    if ((name === 'file' || name === 'rate') && from === null && values.name !== undefined) continue
    if (from === null) throw usage(`--${name} needs --from, which says from where`)
    if (!sources.includes(from)) throw usage(`--${name} does not go with --from ${from}`)
  }
  if (from === 'file' && values.file === undefined) throw usage('--from file needs --file PATH')
  const { topic = null, file = null, name = null, code = null } = values
  if (code !== null && !landedCodes.includes(code)) throw usage(`--code ${code} is none of ${landedCodes.join(', ')}`)
  if (name !== null && !runNameRule.test(name)) {
    throw usage(`--name ${name}: a run's name has small letters, digits and hyphens, 63 of them at most`)
  }
  return {
    config: values.config,
    topic,
    asked: {
      from,
      file,
      name,
      code,
      partitions: partitionsOf(values.partition),
      offsets: offsetsOf(values.offsets),
      since: timeOf('since', values.since),
      until: timeOf('until', values.until),
      epoch: wholeOf('epoch', values.epoch, 0, 99_999),
      revision: wholeOf('revision', values.revision, 1, 99_999) ?? 0,
    },
    how: {
      isPlan: values.plan === true || values['dry-run'] === true,
      isAgreed: values.yes === true,
      isStageOnly: values['stage-only'] === true,
      waits: values['no-wait'] !== true,
      json: values.json === true,
      perSecond: wholeOf('rate', values.rate, 1, 10_000_000),
      parallel: wholeOf('parallel', values.parallel, 1, parallelMax) ?? 4,
      patienceMs: patienceOf(values.patience),
    },
  }
}

/** The tables of a topic; without a topic, of the only one there is. @throws Failure USAGE */
export function tablesOf(config: Config, topic: string | null): readonly [TableConfig, ...TableConfig[]] {
  const known = [...new Set(config.tables.map((table) => table.topic))]
  const chosen = topic ?? (known.length === 1 ? known[0] : undefined)
  if (chosen === undefined) throw usage(`--topic is missing; the configuration has ${known.join(', ')}`)
  return tablesOfTopic(config, chosen)
}

/** What is asked for, once the source is known. */
export function requestOf(asked: Asked & { readonly from: SourceKind }, file: FileIdentity | null): Request {
  const { topic, from, partitions, offsets, since, until, epoch, code, revision } = asked
  return { topic, from, partitions, offsets, since, until, epoch, code, revision, file }
}

function usage(words: string): Failure {
  return new Failure('USAGE', `${words}; for example: ${example}`)
}

function sourceOf(text: string | undefined): SourceKind | null {
  if (text === undefined) return null
  const found = sourceKinds.find((kind) => kind === text)
  if (found) return found
  throw usage(`--from ${text} is none of ${sourceKinds.join(', ')}`)
}

function partitionsOf(text: string | undefined): readonly number[] | null {
  if (text === undefined) return null
  if (!/^\d{1,5}(,\d{1,5})*$/.test(text))
    throw usage(`--partition ${text} is neither a partition nor a list such as 0,3`)
  return [...new Set(text.split(',').map(Number))].sort((a, b) => a - b)
}

function offsetsOf(text: string | undefined): OffsetRange | null {
  if (text === undefined) return null
  const range = parseRange(text)
  if (range) return range
  throw usage(`--offsets ${text} is no range of offsets such as 100-199`)
}

function timeOf(name: string, text: string | undefined): string | null {
  if (text === undefined) return null
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)
  if (!isTime || Number.isNaN(Date.parse(text)))
    throw usage(`--${name} ${text} is no time such as 2026-01-31T00:00:00Z`)
  return new Date(text).toISOString()
}

function wholeOf(name: string, text: string | undefined, least: number, most: number): number | null {
  if (text === undefined) return null
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw usage(`--${name} ${text} is no whole number from ${least} to ${most}`)
}

function patienceOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = durationMs(text)
  if (ms === null) throw usage(`--patience ${text} is no duration such as 15m`)
  return ms
}
