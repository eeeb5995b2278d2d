/**
 * The stage as the source of a run: which of its files are taken, under which names they come again, and copying them. The
 * copies hold the same bytes under names that no pipe has seen.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure, toFailure } from '../failure.ts'
import { backoffMs } from '../ingest/backoff.ts'
import type { Outage } from '../ingest/outage.ts'
import {
  coversRanges,
  type LandingName,
  parseLandingName,
  runFileKey,
  runNameOf,
  runText,
  topicPrefix,
} from '../landing.ts'
import type { Copied, Stage } from '../stage/stage.ts'
import { overlap } from './selection.ts'
import type { Request } from './request.ts'

export type SourceFile = LandingName & { readonly key: string; readonly bytes: number; readonly storedAt: Date }

export type StageFilter = Pick<Request, 'partitions' | 'offsets' | 'since' | 'until' | 'epoch'> & {
  /** the run that copies */
  readonly name: string
  /** runs whose files are copies already */
  readonly copies: ReadonlySet<string>
}

/** Whether a file is one that is asked for: of the live path, or of a run that made files of its own. */
export function isTaken({ file, run, storedAt }: Omit<SourceFile, 'key' | 'bytes'>, filter: StageFilter): boolean {
  const { partitions, offsets, since, until, epoch, name, copies } = filter
  if (run !== null && (runNameOf(run) === name || copies.has(runNameOf(run)))) return false
  if (partitions && !partitions.includes(file.partition)) return false
  if (offsets && !overlap(offsets, file.range)) return false
  if (epoch !== null && file.epoch !== epoch) return false
  if (since !== null && storedAt.getTime() < Date.parse(since)) return false
  return until === null || storedAt.getTime() < Date.parse(until)
}

/** What the copy of a file is called; no two files have the same. */
export function copyKey(prefix: string, name: string, { file, run }: LandingName): string {
  if (run === null) return runFileKey(prefix, runText({ name }), file)
  return runFileKey(prefix, runText({ name, origin: run.replace(/_rows$/, ''), isSparse: !coversRanges(run) }), file)
}

/** Those that are asked for and were stored before a time, in the order of their keys. @throws Failure of the stage */
export async function listSourceFiles(
  stage: Stage,
  prefix: string,
  topic: string,
  filter: StageFilter,
  storedBefore: Date,
): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = []
  for await (const { key, size, lastModified } of stage.list(topicPrefix(prefix, topic))) {
    const name = parseLandingName(topic, key.slice(prefix.length))
    if (!name || lastModified > storedBefore) continue
    const file = { ...name, key, bytes: size, storedAt: lastModified }
    if (isTaken(file, filter)) files.push(file)
  }
  return files
}

/** A file that is copied is held whole, twice while it arrives: so many of these stay under a budget of memory, or one. */
export function filesAtOnce(files: readonly { readonly bytes: number }[], memoryBytes: number, atOnce: number): number {
  const largest = files.reduce((most, { bytes }) => Math.max(most, bytes), 1)
  return Math.max(1, Math.min(atOnce, Math.floor(memoryBytes / (2 * largest))))
}

/**
 * Copies one file, for as long as it takes. Null where it has gone away.
 *
 * @throws Failure STAGE_DENIED, BUCKET_MISSING, RUN_HELD where the name holds other contents; the signal's reason
 */
export async function copyFile(
  stage: Stage,
  from: string,
  to: string,
  outage: Outage,
  signal: AbortSignal,
): Promise<Copied | null> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted()
    try {
      const copied = await stage.copy(from, to)
      outage.over()
      if (copied?.outcome === 'taken') {
        throw new Failure('RUN_HELD', `${to} is there already, with other contents than ${from}`)
      }
      return copied
    } catch (error) {
      const failure = toFailure(error)
      if (isHopeless(failure)) throw failure
      outage.report(failure)
    }
    await sleep(backoffMs(attempt), undefined, { signal })
  }
}

/** What no waiting cures while somebody watches. */
export function isHopeless({ code, response }: Failure): boolean {
  return response !== 'retry' || code === 'STAGE_DENIED' || code === 'BUCKET_MISSING'
}
