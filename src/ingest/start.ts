/**
 * Decides how a partition starts, once it is known where it resumes and whether the log is still the same log: from which
 * offset and with which commit, or with which halt. Pure; looking things up is assignment.ts.
 */
import { rangeText } from '../change.ts'
import { ackGapCommand, Failure } from '../failure.ts'
import type { Anchor } from '../landing.ts'
import { type Commitment, type HaltNote, parseCommitment, parseHaltNote } from './commitment.ts'
import { type Committed, type LogBounds, type Resumption, type Trail, vouching } from './resume.ts'

/** Where a commit may be written, and what it may vouch for there: null where the offset is not Firn's. */
export type CommitPlace = { readonly offset: bigint; readonly commitment: Commitment | null }

export type Start =
  | {
      readonly kind: 'start'
      readonly partition: number
      readonly cursor: bigint
      /** landing files found beyond the commit, which are not written again */
      readonly adopted: number
      /** what may be committed at the cursor */
      readonly commitment: Commitment
      /** whether Kafka has that commit already, without a note of a halt */
      readonly committed: boolean
      /** `new` where nothing was there to compare; `unverified` where all anchors are gone from the log */
      readonly log: 'new' | 'same' | 'unverified'
    }
  | {
      readonly kind: 'halt'
      readonly partition: number
      readonly failure: Failure
      /** where the halt can be noted; null where nothing was committed */
      readonly place: CommitPlace | null
    }

/** What came of comparing anchors with the log. */
export type Compared = {
  readonly log: 'new' | 'same' | 'unverified'
  /** the newest anchor that is known, whether it could be compared or not */
  readonly newest: Anchor | null
  /** where the log holds something else than what was staged; null where it does not */
  readonly replacedAt: bigint | null
}

type Place = { readonly topic: string; readonly partition: number }

export function startOf(place: Place, trail: Trail, log: LogBounds, resumption: Resumption, compared: Compared): Start {
  const { partition } = place
  const { epoch, committed } = trail
  const { cursor, adopted } = resumption
  const vouched = vouching(committed, epoch)
  const isBehindCommit = adopted.length === 0 && vouched !== null && vouched.next <= cursor
  const first = adopted.at(-1)?.first ?? (isBehindCommit ? vouched.first : cursor)
  const open = isBehindCommit && vouched.open
  const commitment: Commitment = { epoch, next: cursor, first, open, anchor: compared.newest }
  const failure = haltOf(place, trail, log, resumption, compared)
  if (failure) {
    const isForeign = failure.code === 'OFFSETS_SKIPPED'
    return { kind: 'halt', partition, failure, place: isForeign ? standing(committed) : { offset: cursor, commitment } }
  }
  const isCommitted = vouched?.next === cursor && parseHaltNote(committed?.metadata ?? null) === null
  return {
    kind: 'start',
    partition,
    cursor,
    adopted: adopted.length,
    commitment,
    committed: isCommitted,
    log: compared.log,
  }
}

/**
 * Codes that say that this is another log. Of a log that was replaced, something may have been staged before it was noticed,
 * so that only a raised epoch ends it; one that was too short may have been told of too early, by a leader that lagged.
 */
const otherLog: ReadonlySet<string> = new Set(['OFFSET_BEYOND_LOG', 'LOG_REPLACED'])

/** The note that this is another log, where one was made in this epoch. */
function otherLogNote({ epoch, committed }: Pick<Trail, 'epoch' | 'committed'>): HaltNote | null {
  // One of an epoch that is over says nothing any more.
  const note = vouching(committed, epoch) && parseHaltNote(committed?.metadata ?? null)
  return note && otherLog.has(note.code) ? note : null
}

function haltOf(
  { topic, partition }: Place,
  { epoch, committed }: Trail,
  log: LogBounds,
  resumption: Resumption,
  { log: verdict, replacedAt }: Compared,
): Failure | null {
  const place = `${topic}/${partition}`
  const before = otherLogNote({ epoch, committed })
  const again = before && new Failure(before.code, `${place}: halted before in epoch ${epoch}, by another log`)
  if (again?.code === 'LOG_REPLACED') return again
  if (replacedAt !== null) return replacedFailure(place, replacedAt)
  if (again && verdict !== 'same') return again
  if (resumption.kind === 'resume') return null
  const { code, reason, gap } = resumption
  const command = gap && ackGapCommand(topic, partition, rangeText(gap), gap.last >= log.low)
  return new Failure(code, `${place}: ${reason}`, command === null ? {} : { command })
}

/** `place` is `<topic>/<partition>`. */
export function replacedFailure(place: string, offset: bigint): Failure {
  const at = offset.toString()
  return new Failure('LOG_REPLACED', `${place}: at offset ${at} stands another message than the one that was staged`)
}

/** The commit as it stands, to be repeated with a note. */
function standing(committed: Committed | null): CommitPlace | null {
  if (!committed) return null
  const commitment = parseCommitment(committed.metadata)
  return { offset: committed.offset, commitment: commitment?.next === committed.offset ? commitment : null }
}
