/**
 * What a replay reads from: messages of a part, stretch by stretch, in the order of their offsets. A log, rejects and a file
 * of messages are each a source; files on the stage are copied as they are (copying.ts).
 */
import type { Message } from '../change.ts'
import type { Part } from './run-record.ts'

/** All messages lie below `next`, and all that the part holds below it was yielded. */
export type Stretch = { readonly messages: Iterable<Message>; readonly next: bigint }

export interface MessageSource {
  /**
   * The part's messages from an offset on. What was yielded is good until the next stretch is asked for; no stretch holds much
   * more than a few MiB, but for a single message that is larger.
   *
   * @throws Failure where it cannot be read to its end; the signal's reason
   */
  read(part: Part, from: bigint, signal: AbortSignal): AsyncIterable<Stretch>
}
