/**
 * The contract between the two halves: how a landing file is named, both ways, and which columns it has.
 * Writing the file belongs to ingest/, reading it to sql/templates/.
 */
import { fixed, type OffsetRange } from './change.ts'

/** How Parquet holds a column. Strings and integers only: Snowflake reads the other types in more than one way. */
export type LandingType = 'UTF8' | 'INT32' | 'INT64'

export type LandingColumn = { readonly name: string; readonly type: LandingType; readonly optional: boolean }

/** The columns of a landing file, in the order of the file. */
export const landingColumns = [
  { name: 'kafka_topic', type: 'UTF8', optional: false },
  { name: 'kafka_partition', type: 'INT32', optional: false },
  { name: 'kafka_offset', type: 'INT64', optional: false },
  { name: 'kafka_timestamp', type: 'INT64', optional: true },
  { name: 'row_index', type: 'INT32', optional: false },
  { name: 'kafka_key', type: 'UTF8', optional: true },
  { name: 'headers', type: 'UTF8', optional: true },
  { name: 'op', type: 'UTF8', optional: false },
  { name: 'source_table', type: 'UTF8', optional: true },
  { name: 'id', type: 'UTF8', optional: true },
  { name: 'position', type: 'UTF8', optional: true },
  { name: 'source_ts', type: 'INT64', optional: true },
  { name: 'before', type: 'UTF8', optional: true },
  { name: 'after', type: 'UTF8', optional: true },
  { name: 'meta', type: 'UTF8', optional: true },
  { name: 'error', type: 'UTF8', optional: true },
  { name: 'raw', type: 'UTF8', optional: true },
] as const satisfies readonly LandingColumn[]

export type LandingColumnName = (typeof landingColumns)[number]['name']

/** What a landing file's key says. `range` is the covered range, not merely the offsets of its rows. */
export type LandingFile = {
  readonly topic: string
  readonly epoch: number
  readonly partition: number
  readonly range: OffsetRange
}

/**
 * What a run of a backfill puts between the topic and the epoch: `run-<name>`; `run-<name>.<origin>` for copies of what
 * another run had stored, so that no two contents share a name; and with `_rows` behind it where the files hold single
 * messages, so that their ranges cover nothing in between. A name has neither a dot nor an underscore.
 */
export type RunFolder = { readonly name: string; readonly origin?: string | null; readonly isSparse?: boolean }

/** As a LandingName has it: without `run-`. */
export function runText({ name, origin = null, isSparse = false }: RunFolder): string {
  return `${name}${origin === null ? '' : `.${origin}`}${isSparse ? '_rows' : ''}`
}

/** The run that stored the file; `run` as a LandingName has it. */
export function runNameOf(run: string): string {
  return /^[^._]*/.exec(run)?.[0] ?? run
}

/** The run that first stored what the file holds: of a copy, the one that it was copied from. */
export function firstRunOf(run: string): string {
  return (
    run
      .replace(/_rows$/, '')
      .split('.')
      .at(-1) ?? run
  )
}

/** Whether the ranges of the run's files say that nothing else lies in them. */
export function coversRanges(run: string | null): boolean {
  return run?.endsWith('_rows') !== true
}

/** Where a topic's files of the live path, or of a run, begin. */
export function topicPrefix(prefix: string, topic: string, run: string | null = null): string {
  return run === null ? `${prefix}${topic}/` : `${prefix}${topic}/run-${run}/`
}

/** As landingKey, for a file of a run; `run` as runText gives it. */
export function runFileKey(prefix: string, run: string, file: LandingFile): string {
  const live = landingKey('', file)
  return `${topicPrefix(prefix, file.topic, run)}${live.slice(file.topic.length + 1)}`
}

/** Everything of one partition and epoch lies under this; sorted by key is sorted by first offset. */
export function partitionPrefix(prefix: string, topic: string, epoch: number, partition: number): string {
  return `${prefix}${topic}/e${String(epoch)}/${fixed(partition, 5)}/`
}

/** `<prefix><topic>/e<epoch>/<partition>/<first>-<last>.parquet`. A key never means two contents: pipes load a name once. */
export function landingKey(prefix: string, file: LandingFile): string {
  const range = `${fixed(file.range.first, 20)}-${fixed(file.range.last, 20)}`
  return `${partitionPrefix(prefix, file.topic, file.epoch, file.partition)}${range}.parquet`
}

/** Reads a key back; null where it is not a landing file of the live path (a backfill's, a stranger's). */
export function parseLandingKey(prefix: string, key: string): LandingFile | null {
  if (!key.startsWith(prefix)) return null
  const found = /^([^/]+)\/e(\d+)\/(\d{5})\/(\d{20})-(\d{20})\.parquet$/.exec(key.slice(prefix.length))
  if (!found) return null
  const [, topic = '', epoch = '', partition = '', first = '', last = ''] = found
  const range = { first: BigInt(first), last: BigInt(last) }
  if (range.first > range.last) return null
  return { topic, epoch: Number(epoch), partition: Number(partition), range }
}

/**
 * A landing file as it is called wherever the whole key is not known: by what lies from its topic on. `run` is the backfill
 * that stored it, null for the live path.
 */
export type LandingName = { readonly name: string; readonly file: LandingFile; readonly run: string | null }

/** Reads a path of which Snowflake shows more or less before the topic; null where it is none of a file of the topic. */
export function parseLandingName(topic: string, path: string): LandingName | null {
  const parts = path.split('/')
  const name = parts.slice(-4).join('/')
  const live = parseLandingKey('', name)
  if (live?.topic === topic) return { name, file: live, run: null }
  const [own, run = '', ...rest] = parts.slice(-5)
  if (own !== topic || !run.startsWith('run-')) return null
  const file = parseLandingKey('', [own, ...rest].join('/'))
  return file && { name: parts.slice(-5).join('/'), file, run: run.slice('run-'.length) }
}

/** What no pipe may read: epoch records, acknowledged gaps, values that are too large for a row. */
function controlPrefix(prefix: string, topic: string): string {
  return `${prefix}_firn/${topic}/`
}

/** `<prefix>_firn/<topic>/e<epoch>.json`: what this epoch of the topic means. */
export function epochRecordKey(prefix: string, topic: string, epoch: number): string {
  return `${controlPrefix(prefix, topic)}e${String(epoch)}.json`
}

/** Sorts before the record of every epoch of the topic, and before nothing else of Firn's. */
export function epochRecordsPrefix(prefix: string, topic: string): string {
  return `${controlPrefix(prefix, topic)}e`
}

/** The epoch that a key is the record of; null where it is none. */
export function parseEpochRecordKey(prefix: string, topic: string, key: string): number | null {
  const start = epochRecordsPrefix(prefix, topic)
  const found = key.startsWith(start) ? /^(\d+)\.json$/.exec(key.slice(start.length)) : null
  return found ? Number(found[1]) : null
}

/** Every acknowledged gap of an epoch lies under this. */
export function gapsPrefix(prefix: string, topic: string, epoch: number): string {
  return `${controlPrefix(prefix, topic)}e${String(epoch)}/gaps/`
}

/** `.../gaps/<partition>/<first>-<last>.json`: an operator's word that these offsets are given up. */
export function gapKey(prefix: string, { topic, epoch, partition, range }: LandingFile): string {
  const offsets = `${fixed(range.first, 20)}-${fixed(range.last, 20)}`
  return `${gapsPrefix(prefix, topic, epoch)}${fixed(partition, 5)}/${offsets}.json`
}

/** Reads a gap's key back; null where it is none. */
export function parseGapKey(
  prefix: string,
  topic: string,
  epoch: number,
  key: string,
): { readonly partition: number; readonly range: OffsetRange } | null {
  const start = gapsPrefix(prefix, topic, epoch)
  const found = key.startsWith(start) ? /^(\d{5})\/(\d{20})-(\d{20})\.json$/.exec(key.slice(start.length)) : null
  if (!found) return null
  const [, partition = '', first = '', last = ''] = found
  const range = { first: BigInt(first), last: BigInt(last) }
  return range.first > range.last ? null : { partition: Number(partition), range }
}

/** `.../values/<partition>/<offset>`: the bytes of a message value that is too large for a row. */
export function valueKey(prefix: string, topic: string, epoch: number, partition: number, offset: bigint): string {
  return `${controlPrefix(prefix, topic)}e${String(epoch)}/values/${fixed(partition, 5)}/${fixed(offset, 20)}`
}

/** `<prefix>_firn/<topic>/runs/`: what is known of the topic's runs. */
export function runsPrefix(prefix: string, topic: string): string {
  return `${controlPrefix(prefix, topic)}runs/`
}

/** `.../runs/<name>.json`: what the run is; its other objects lie under `.../runs/<name>/`. */
export function runRecordKey(prefix: string, topic: string, name: string): string {
  return `${runsPrefix(prefix, topic)}${name}.json`
}

/** The name of the run whose record this is; null where the key is none. */
export function parseRunRecordKey(prefix: string, topic: string, key: string): string | null {
  const start = runsPrefix(prefix, topic)
  return key.startsWith(start) ? (/^([^/]+)\.json$/.exec(key.slice(start.length))?.[1] ?? null) : null
}

/** Says that a number is taken; the first to store it has it. */
export function runNumberKey(prefix: string, topic: string, number: number): string {
  return `${runsPrefix(prefix, topic)}numbers/${String(number)}`
}

export type RunObject = 'finished' | 'cancelled'

export function runObjectKey(prefix: string, topic: string, name: string, object: RunObject): string {
  return `${runsPrefix(prefix, topic)}${name}/${object}.json`
}

/** Who holds the run, turn by turn: the greatest number counts. */
export function runHoldersPrefix(prefix: string, topic: string, name: string): string {
  return `${runsPrefix(prefix, topic)}${name}/holders/`
}

/** The bytes of a value that is too large for a row, of a message that no log has. */
export function runValueKey(prefix: string, topic: string, name: string, offset: bigint): string {
  return `${runsPrefix(prefix, topic)}${name}/values/${fixed(offset, 20)}`
}

/** The last message that a landing file covers; shows at resume that the log is still the same log. */
export type Anchor = {
  readonly offset: bigint
  /** ms since 1970 */
  readonly timestamp: bigint
  /** SHA-256 over the lengths and bytes of key and value, hex */
  readonly hash: string
}

/** Object metadata of a landing file (names as S3 sends them, without `x-amz-meta-`). */
export type LandingMetadata = { readonly rows: number; readonly anchor: Anchor | null }

/** What a file of a run says beside it: how its messages turned out. A message without a value has no row. */
export type RunCounts = { readonly messages: number; readonly rejects: number; readonly tombstones: number }

export function encodeRunCounts({ messages, rejects, tombstones }: RunCounts): Record<string, string> {
  return { messages: String(messages), rejects: String(rejects), tombstones: String(tombstones) }
}

/** Null where the object does not tell. */
export function parseRunCounts(metadata: Readonly<Record<string, string>>): RunCounts | null {
  const [messages, rejects, tombstones] = ['messages', 'rejects', 'tombstones'].map((name) => Number(metadata[name]))
  if (messages === undefined || rejects === undefined || tombstones === undefined) return null
  return [messages, rejects, tombstones].every(Number.isSafeInteger) ? { messages, rejects, tombstones } : null
}

/** Reads the anchor from an object's metadata; null where there is none, or one that Firn did not write. */
export function anchorIn(metadata: Readonly<Record<string, string>>): Anchor | null {
  const { anchor } = metadata
  return anchor === undefined ? null : parseAnchor(anchor)
}

/** As stored with the object: text values only. */
export function encodeLandingMetadata(metadata: LandingMetadata): Record<string, string> {
  const { rows, anchor } = metadata
  if (!anchor) return { rows: String(rows) }
  return { rows: String(rows), anchor: encodeAnchor(anchor) }
}

/** `<offset>:<timestamp>:<hash>` */
export function encodeAnchor(anchor: Anchor): string {
  return `${anchor.offset.toString()}:${anchor.timestamp.toString()}:${anchor.hash}`
}

/** Reads an anchor back; null where the text is not one. */
export function parseAnchor(text: string): Anchor | null {
  const found = /^(\d+):(-?\d+):([0-9a-f]{64})$/.exec(text)
  if (!found) return null
  const [, offset = '', timestamp = '', hash = ''] = found
  return { offset: BigInt(offset), timestamp: BigInt(timestamp), hash }
}
