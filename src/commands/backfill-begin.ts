/**
 * From what is asked for to a run: finds out what it comes to, in offsets or files, and refuses what is not to be had.
 * Nothing is stored here.
 */
import { type Stage } from '../stage/stage.ts'
import { fileSource, inspectFile } from '../backfill/file-source.ts'
import { listSourceFiles, type StageFilter } from '../backfill/copying.ts'
import { type LogAccess, offsetsAt, openLog, openLogSource, readLog, refuseOtherLog } from '../backfill/log-source.ts'
import { noEpoch, rejectValueKey } from '../backfill/origin.ts'
import { rejectParts, rejectSource, type RejectsSetting } from '../backfill/reject-source.ts'
import { recordOf, type Request, type SourceKind } from '../backfill/request.ts'
import { firstLineNumber, linesMax, meaningOf, type Part, type RunRecord } from '../backfill/run-record.ts'
import { selectParts } from '../backfill/selection.ts'
import type { MessageSource } from '../backfill/source.ts'
import type { OffsetRange } from '../change.ts'
import { Failure } from '../failure.ts'
import { epochsBegun, readEpoch } from '../ingest/epoch.ts'
import { judgeEpoch } from '../ingest/epoch-record.ts'
import { Outage } from '../ingest/outage.ts'
import { readStaged } from '../ingest/staged-trail.ts'
import type { OpenReject } from '../warehouse/reject-rows.ts'
import { warehouseOf } from '../warehouse/values.ts'
import { type Asked, requestOf } from './backfill-options.ts'
import type { Ground } from './backfill-ground.ts'

/** What of a run can be read and closed again. */
export type Sources = {
  readonly messages: MessageSource | null
  readonly partitionCount: number
  close(): Promise<void>
}

type Beginning = Asked & { readonly from: SourceKind; readonly name: string }

/** @throws Failure USAGE and the like, of Kafka, the stage and the warehouse */
export async function newRecord(ground: Ground, asked: Beginning): Promise<RunRecord> {
  const begunAt = new Date()
  const meaning = meaningOf(ground.table)
  const made = { name: asked.name, meaning, begunAt: begunAt.toISOString(), parts: [], isSparse: false, stage: null }
  await refuseUsedRevision(ground, asked)
  switch (asked.from) {
    case 'log': {
      const request = requestOf(asked, null)
      return { ...made, request: recordOf(request), parts: await logParts(ground, request) }
    }
    case 'stage': {
      const request = requestOf(asked, null)
      const files = await listSourceFiles(
        ground.stage,
        ground.prefix,
        asked.topic,
        await filterOf(ground, made.name, request),
        begunAt,
      )
      if (files.length === 0)
        throw new Failure('USAGE', `no file of topic ${asked.topic} on the stage is one that was asked for`)
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
      return { ...made, request: recordOf(request), stage: { files: files.length, bytes, storedBefore: made.begunAt } }
    }
    case 'file': {
      const { identity, lines } = await inspectFile(asked.file ?? '')
      if (lines >= linesMax) throw new Failure('USAGE', `${asked.file} has more than ${linesMax} lines: split it`)
      await refuseOtherEpoch(ground)
      const second = Math.floor(begunAt.getTime() / 1000)
      return numbered({ ...made, request: recordOf(requestOf(asked, identity)) }, second, lines)
    }
    case 'rejects': {
      const request = requestOf(asked, null)
      return { ...made, request: recordOf(request), parts: await openRejectParts(ground, request), isSparse: true }
    }
  }
}

async function logParts(ground: Ground, request: Request): Promise<readonly Part[]> {
  const { table, stage, prefix, config, logger } = ground
  const { topic, since, until, offsets } = request
  const access = await openLog(config, logger)
  try {
    const { partitionCount, bounds } = await readLog({ access, stage, prefix, table })
    const at = (time: string | null) => (time === null ? null : offsetsAt(access, topic, new Date(time)))
    const chosen = request.partitions ?? Array.from({ length: partitionCount }, (_, partition) => partition)
    const staged = await stagedOf(stage, prefix, { topic, epoch: table.epoch, partitions: offsets ? chosen : [] })
    const facts = { epoch: table.epoch, partitionCount, bounds, since: await at(since), until: await at(until), staged }
    return selectParts(request, facts)
  } finally {
    await access.close()
  }
}

type Places = { readonly topic: string; readonly epoch: number; readonly partitions: readonly number[] }

/** By partition: what files of the live path hold. */
async function stagedOf(stage: Stage, prefix: string, { topic, epoch, partitions }: Places) {
  const found = new Map<number, readonly OffsetRange[]>()
  for (const partition of partitions) {
    found.set(partition, await readStaged({ stage, prefix, topic, epoch, partition }, null))
  }
  return found
}

/** Files of runs that hold copies are not copied again. */
export async function filterOf(
  { store }: Pick<Ground, 'store'>,
  name: string,
  request: Pick<Request, 'topic' | 'partitions' | 'offsets' | 'since' | 'until' | 'epoch'>,
): Promise<StageFilter> {
  const copies = new Set<string>()
  for (const other of await store.names(request.topic)) {
    const record = await store.read(request.topic, other)
    if (record?.request.from === 'stage') copies.add(other)
  }
  return { ...request, name, copies }
}

/** Lines are numbered from the second of the run's beginning. */
function numbered(record: RunRecord, second: number, lines: bigint): RunRecord {
  const begunAt = new Date(second * 1000)
  const first = firstLineNumber(begunAt)
  const part = { epoch: noEpoch, partition: 0, range: { first: first + 1n, last: first + lines } }
  return { ...record, begunAt: begunAt.toISOString(), parts: [part] }
}

/** No two runs of a topic number their lines alike: the second is taken before the run begins. @throws Failure of the stage */
export async function claimed({ store }: Pick<Ground, 'store'>, record: RunRecord): Promise<RunRecord> {
  const [part] = record.parts
  if (record.request.from !== 'file' || !part) return record
  const second = Math.floor(Date.parse(record.begunAt) / 1000)
  const own = await store.claim(record.request.topic, second, record.name)
  return numbered(record, own, part.range.last - part.range.first + 1n)
}

/**
 * One number for two decodings would give two changes one position.
 *
 * @throws Failure USAGE
 */
async function refuseUsedRevision({ store }: Ground, { topic, revision, partitions, name }: Asked): Promise<void> {
  if (revision === 0) return
  for (const other of await store.names(topic)) {
    const record = other === name ? null : await store.read(topic, other)
    if (!record || record.request.revision < revision) continue
    const isApart = partitions && record.parts.every(({ partition }) => !partitions.includes(partition))
    if (isApart === true) continue
    const words = `the run ${other} of ${topic} has used revision ${record.request.revision}`
    throw new Failure(
      'USAGE',
      `${words}: its changes would not be beaten; take --revision ${record.request.revision + 1}`,
    )
  }
}

/** What the configuration says must be what the epoch means. @throws Failure USAGE, SETTINGS_CHANGED */
async function refuseOtherEpoch({ stage, prefix, table }: Ground): Promise<void> {
  const { topic, epoch } = table
  const record = await readEpoch({ stage, prefix }, table)
  if (!record) {
    throw new Failure(
      'USAGE',
      `epoch ${epoch} of ${topic} has not begun: start firn run first, which notes what it means`,
    )
  }
  const begun = await epochsBegun({ stage, prefix }, topic)
  const disagreement = judgeEpoch(record, { clusterId: null, partitionCount: record.partitionCount, begun, table })
  if (disagreement) throw disagreement
}

/**
 * What the run reads its messages from; none where it copies files.
 *
 * @throws Failure USAGE where a file is missing or is another one, of Kafka and of the stage
 */
export async function openSources(ground: Ground, record: RunRecord, file: string | null): Promise<Sources> {
  const { config, logger, table, stage, prefix } = ground
  const { topic, from } = record.request
  const idle = { messages: null, partitionCount: 1, close: () => Promise.resolve() }
  switch (from) {
    case 'log': {
      const access: LogAccess = await openLog(config, logger)
      try {
        const { partitionCount, bounds } = await readLog({ access, stage, prefix, table })
        await refuseOtherLog({ config, logger, stage, access }, topic, record.parts, bounds)
        const outage = new Outage('Kafka', logger)
        const messages = await openLogSource({ stage, prefix, table }, { access, outage })
        return { messages, partitionCount, close: () => access.close() }
      } catch (error) {
        await access.close()
        throw error
      }
    }
    case 'stage':
      return idle
    case 'file': {
      if (file === null) throw new Failure('USAGE', `the run ${record.name} reads a file: add --file PATH`)
      const begunAt = new Date(record.begunAt)
      const timestamp = table.order === 'kafka-timestamp' ? null : BigInt(begunAt.getTime())
      return { ...idle, messages: fileSource({ path: file, topic, firstLine: firstLineNumber(begunAt), timestamp }) }
    }
    case 'rejects': {
      const keyOf = (reject: OpenReject) => rejectValueKey(prefix, topic, reject)
      const messages = rejectSource(rejectsOf(ground, record.request), { stage, keyOf })
      return { ...idle, messages, partitionCount: await partitionsThen(ground, record.parts) }
    }
  }
}

function rejectsOf({ session, config, table }: Ground, { code }: Pick<Request, 'code'>): RejectsSetting {
  if (!session) throw new Failure('USAGE', 'rejects lie in the warehouse: --stage-only does not go with --from rejects')
  return { session, warehouse: warehouseOf(config), topic: table.topic, code }
}

async function openRejectParts(ground: Ground, request: Request): Promise<readonly Part[]> {
  const parts = await rejectParts(rejectsOf(ground, request), request)
  if (parts.length > 0) {
    if (parts.some(({ epoch }) => epoch === ground.table.epoch)) await refuseOtherEpoch(ground)
    await partitionsThen(ground, parts)
    return parts
  }
  throw new Failure(
    'USAGE',
    `no reject of ${request.topic} that is open is one that was asked for: see firn rejects list`,
  )
}

/**
 * How many partitions the topic had, at the most, in the epochs of these parts.
 *
 * @throws Failure SETTINGS_CHANGED where an epoch was ordered otherwise than the configuration says: its positions could not
 * be compared
 */
async function partitionsThen({ stage, prefix, table }: Ground, parts: readonly Part[]): Promise<number> {
  let most = 1
  for (const epoch of new Set(parts.map((part) => part.epoch))) {
    if (epoch === noEpoch) continue
    const record = await readEpoch({ stage, prefix }, { topic: table.topic, epoch })
    if (!record) throw new Failure('EPOCH_RECORD_INVALID', `nothing says what epoch ${epoch} of ${table.topic} means`)
    const [then, now] = [record.order, table.order ?? null].map((order) => JSON.stringify(order))
    if (then !== now) {
      const words = `epoch ${epoch} of ${table.topic} had the order ${then}, and the config says ${now}`
      throw new Failure('SETTINGS_CHANGED', `${words}: leave its rejects out with --epoch`)
    }
    most = Math.max(most, record.partitionCount)
  }
  return most
}
