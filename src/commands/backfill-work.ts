/**
 * Works on a run until all of it is on the stage: replays its parts or copies its files, from where it stopped before.
 */
import { copyFile, copyKey, filesAtOnce, listSourceFiles } from '../backfill/copying.ts'
import { largeValueKey, rulesOf } from '../backfill/origin.ts'
import { Pacer } from '../backfill/pacer.ts'
import { parallel } from '../backfill/parallel.ts'
import { Progress } from '../backfill/progress.ts'
import { batchesOfPart, type ReplaySetting, type Witness } from '../backfill/replay.ts'
import { replayParts, resumeAt } from '../backfill/replaying.ts'
import { lengthOf, resumeCommand, type RunRecord } from '../backfill/run-record.ts'
import { putter, stagingSink } from '../backfill/sink.ts'
import { nothing, type Tally } from '../backfill/tally.ts'
import { parseRange } from '../change.ts'
import { Failure } from '../failure.ts'
import { startEncoder } from '../ingest/encoder.ts'
import { Outage } from '../ingest/outage.ts'
import { runText } from '../landing.ts'
import { filterOf, type Sources } from './backfill-begin.ts'
import type { Ground } from './backfill-ground.ts'
import type { How } from './backfill-options.ts'
import { show, textOf } from './backfill-progress.ts'

/** How often it is looked whether somebody has cancelled the run. */
const cancelLookMs = 5_000

/** A run that is held back stores a file as often as this at least: what is not stored is read again after a kill. */
const fileSecondsMax = 60

/** What the run noted at its end. Offsets are text. */
export type Finished = {
  readonly finishedAt: string
  /** by part: the offset behind its last file */
  readonly ends: readonly string[]
  /** of what lies behind the last files of the parts */
  readonly tail: Tally
  /** rejects that are still rejects, of a run that takes only those */
  readonly stillRejected: number
}

/** The setting of a replay but for where its files go and who watches. */
export function replaySetting(
  { config, table, prefix, stage }: Ground,
  record: RunRecord,
  { messages, partitionCount }: Sources,
  how: Pick<How, 'parallel' | 'perSecond'>,
): Omit<ReplaySetting, 'sink' | 'witness' | 'signal'> & { readonly parallel: number } {
  if (!messages) throw new Failure('UNKNOWN', `the run ${record.name} has no messages to read`)
  const { revision } = record.request
  const atOnce = Math.min(how.parallel, record.parts.length)
  const slowRows = Math.ceil(((how.perSecond ?? Infinity) / atOnce) * fileSecondsMax)
  const limits = { ...config.ingest, fileRows: Math.min(config.ingest.fileRows, slowRows) }
  return {
    source: messages,
    partitionCount,
    limits,
    isSparse: record.isSparse,
    rulesOf: (part) => rulesOf(part, { table, limits, prefix, stage, run: record.name, revision }),
    // All that is buffered and on its way stays under the budget.
    batchBytes: Math.floor(limits.memory / (atOnce * batchesOfPart)),
    parallel: how.parallel,
  }
}

/** Resolves when all is on the stage. @throws Failure RUN_INTERRUPTED, RUN_CANCELLED, RUN_HELD, and of the parts */
export async function work(
  ground: Ground,
  record: RunRecord,
  sources: Sources,
  how: Pick<How, 'parallel' | 'perSecond'>,
  lost: AbortSignal,
): Promise<Finished> {
  const watch = watchEnd(ground, record, lost)
  try {
    return record.request.from === 'stage'
      ? await copyAll(ground, record, how, watch.signal)
      : await replayAll(ground, record, sources, how, watch.signal)
  } finally {
    watch.end()
  }
}

/** Aborted, with the reason, where the user or another process says so. */
function watchEnd({ io, store, logger }: Ground, record: RunRecord, lost: AbortSignal) {
  const { name, request } = record
  const ended = new AbortController()
  const interrupt = (): void => {
    ended.abort(new Failure('RUN_INTERRUPTED', `the run ${name} was interrupted`, { command: resumeCommand(record) }))
  }
  const look = async (): Promise<void> => {
    const cancelled = await store.note(request.topic, name, 'cancelled').catch((error: unknown) => {
      logger.debug({ error }, 'whether the run was cancelled could not be looked up')
      return null
    })
    if (cancelled !== null) ended.abort(cancelledFailure(name))
  }
  const timer = setInterval(() => void look(), cancelLookMs)
  if (io.signal.aborted) interrupt()
  io.signal.addEventListener('abort', interrupt)
  return {
    signal: AbortSignal.any([ended.signal, lost]),
    end: () => {
      clearInterval(timer)
      io.signal.removeEventListener('abort', interrupt)
    },
  }
}

export function cancelledFailure(name: string): Failure {
  return new Failure('USAGE', `the run ${name} was cancelled: what it stored stays, and a new run needs another name`)
}

async function replayAll(
  ground: Ground,
  record: RunRecord,
  sources: Sources,
  how: Pick<How, 'parallel' | 'perSecond'>,
  signal: AbortSignal,
): Promise<Finished> {
  const { store, stage, prefix, config, io, logger } = ground
  const { topic } = record.request
  const files = await store.files(topic, record.name)
  const parts = record.parts.map((part) => ({ ...part, from: resumeAt(part, files, record.isSparse) }))
  const before = parts.reduce((sum, { from, range }) => sum + Number(from - range.first), 0)
  const progress = new Progress('messages', lengthOf(parts), before, Date.now())
  const encoder = startEncoder(config.ingest)
  const shown = show(io, logger, record.name, textOf(progress))
  let stillRejected = 0
  const pacer = new Pacer(how.perSecond)
  const witness: Witness = {
    saw: (_message, decoded) => {
      if (record.isSparse && decoded.kind === 'reject') stillRejected += 1
    },
    took: (messages, until) => pacer.take(messages, until),
    advanced: (offsets) => {
      progress.advance(offsets)
    },
  }
  try {
    const sink = stagingSink({
      encoder,
      prefix,
      run: runText(record),
      valueKey: (batch, offset) => largeValueKey(prefix, topic, record.name, batch, offset),
      put: putter(stage, new Outage('the stage', logger)),
      told: () => {
        progress.storedFile()
      },
    })
    const setting = replaySetting(ground, record, sources, how)
    const { stored, tail } = await replayParts(parts, { ...setting, sink, witness, signal })
    return { finishedAt: new Date().toISOString(), ends: stored.map(String), tail, stillRejected }
  } finally {
    shown.end()
    await encoder.close()
  }
}

async function copyAll(
  ground: Ground,
  record: RunRecord,
  how: Pick<How, 'parallel'>,
  signal: AbortSignal,
): Promise<Finished> {
  const { store, stage, prefix, config, io, logger } = ground
  const { name, request } = record
  const files = await sourceFiles(ground, record)
  const there = new Set((await store.files(request.topic, name)).map(({ key }) => key))
  const left = files.filter((file) => !there.has(copyKey(prefix, name, file)))
  const progress = new Progress('files', files.length, files.length - left.length, Date.now())
  const outage = new Outage('the stage', logger)
  const shown = show(io, logger, name, textOf(progress))
  try {
    const atOnce = filesAtOnce(left, config.ingest.memory, how.parallel)
    await parallel(left, atOnce, signal, async (file, until) => {
      await copyFile(stage, file.key, copyKey(prefix, name, file), outage, until)
      progress.advance(1)
    })
  } finally {
    shown.end()
  }
  return { finishedAt: new Date().toISOString(), ends: [], tail: nothing, stillRejected: 0 }
}

/** What a run from the stage copies: of what was there when it began, whatever came since. @throws Failure of the stage */
export async function sourceFiles(ground: Ground, { name, request, stage: share, begunAt }: RunRecord) {
  const offsets = request.offsets === null ? null : parseRange(request.offsets)
  const filter = await filterOf(ground, name, { ...request, offsets })
  const before = new Date(share?.storedBefore ?? begunAt)
  return await listSourceFiles(ground.stage, ground.prefix, request.topic, filter, before)
}
