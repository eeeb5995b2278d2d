/**
 * Replays one part: its messages through the dialect into batches, and those as files to where they go. Whether they are
 * stored or only counted is the sink's; so a plan says to the row and byte what a run then does.
 *
 * Invariant: where a file ends depends on the messages and the limits alone, never on the clock or on what runs beside it.
 */
import type { Message } from '../change.ts'
import type { IngestConfig } from '../config.ts'
import type { Decoded } from '../envelope/decoded.ts'
import { Batch, type SealedBatch } from '../ingest/batch.ts'
import { decodeByRules, type MessageRules } from '../ingest/message-rules.ts'
import { sealReason } from '../ingest/sealing.ts'
import type { Part } from './run-record.ts'
import type { MessageSource } from './source.ts'
import { nothing, type Tally } from './tally.ts'

/** Where files go. */
export interface FileSink {
  /** Resolves when the file is where it shall be. @throws Failure where it cannot be; the signal's reason */
  store(batch: SealedBatch, signal: AbortSignal): Promise<void>
}

/** Sees everything that is replayed, before it is stored. */
export interface Witness {
  saw(message: Message, decoded: Decoded): void
  /** So many messages more were taken. Resolves when reading may go on. */
  took(messages: number, signal: AbortSignal): Promise<void>
  /** So many offsets more were read, those that hold no message among them. */
  advanced(offsets: number): void
}

export type ReplaySetting = {
  readonly source: MessageSource
  readonly sink: FileSink
  readonly witness: Witness
  /** epochs of a part's own, and where its large values lie */
  readonly rulesOf: (part: Part) => MessageRules
  readonly partitionCount: number
  readonly limits: IngestConfig
  /** a batch ends when it holds this much memory */
  readonly batchBytes: number
  /** Single messages: what lies between them is not covered, and what is a reject again is left as it is. */
  readonly isSparse: boolean
  readonly signal: AbortSignal
}

/** In memory of a part at once: a batch that grows, one on its way, and its file with what was left behind in making it. */
export const batchesOfPart = 3

/** How often the memory is looked at, in bytes of messages. */
const lookEveryBytes = 64 * 2 ** 10

/** How often the witness is asked whether it may go on, in messages. */
const askEvery = 200

/** How a part ended: `stored` is the offset behind its last file, and `tail` what was read behind that. */
export type Replayed = { readonly stored: bigint; readonly tail: Tally }

/**
 * From an offset of the part to its end. A tail without a row is read and makes no file: what it holds is returned.
 *
 * @throws Failure of the source or the sink, UNORDERED, TEXT_TOO_LONG; the signal's reason
 */
export async function replayPart(part: Part, from: bigint, setting: ReplaySetting): Promise<Replayed> {
  const { source, sink, witness, signal, isSparse } = setting
  const rules = setting.rulesOf(part)
  let open: Batch | null = null
  // Where the next file begins: offsets without a row belong to the file behind them.
  let first = from
  let read = from
  let unseenBytes = 0
  let onItsWay: Promise<void> = Promise.resolve()

  const seal = async (): Promise<void> => {
    if (!open) return
    const sealed = open.seal()
    first = open.next
    open = null
    unseenBytes = 0
    await onItsWay
    onItsWay = sink.store(sealed, signal)
    // Its failure counts at the next file, or at the end.
    onItsWay.catch(() => undefined)
  }

  try {
    for await (const { messages, next } of source.read(part, from, signal)) {
      signal.throwIfAborted()
      let taken = 0
      for (const message of messages) {
        const decoded = decodeByRules(message, rules, setting.partitionCount)
        witness.saw(message, decoded)
        taken += 1
        if (taken === askEvery) {
          taken = 0
          await witness.took(askEvery, signal)
        }
        if (!isSparse || decoded.kind !== 'reject') {
          open ??= openBatch(part, isSparse ? message.offset : first, message.topic)
          open.add(message, decoded)
        }
        unseenBytes += message.value?.length ?? 0
        if (!open || (unseenBytes < lookEveryBytes && open.rows < setting.limits.fileRows)) continue
        unseenBytes = 0
        if (isFull(open, setting)) await seal()
      }
      if (!isSparse) open?.cover(next)
      open?.letGo()
      await witness.took(taken, signal)
      witness.advanced(Number(next - read))
      read = next
    }
    if (open && open.rows > 0) await seal()
    const tail = { ...nothing, messages: open?.messages ?? 0, tombstones: open?.tombstones ?? 0 }
    return { stored: first, tail }
  } finally {
    await onItsWay
  }
}

function openBatch({ epoch, partition }: Part, first: bigint, topic: string): Batch {
  // Its age never matters here.
  return new Batch({ topic, epoch, partition, first, openedAtMs: 0 })
}

function isFull(batch: Batch, { limits, batchBytes }: ReplaySetting): boolean {
  return batch.rows > 0 && (batch.bytes >= batchBytes || sealReason(batch, 0, { ...limits, openMs: Infinity }) !== null)
}
