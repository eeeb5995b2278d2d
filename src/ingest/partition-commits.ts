/**
 * What one partition commits, and how its halt is noted beside the offset. When it commits is decided in partition.ts; what a
 * commit is worth to who resumes, in resume.ts and start.ts.
 */
import type { Failure } from '../failure.ts'
import { type Commitment, encodeMetadata } from './commitment.ts'
import type { CommitPlace } from './start.ts'

export class PartitionCommits {
  /** Resolves when Kafka has answered, also where it refused; never throws. */
  readonly #send: (next: bigint, metadata: string) => Promise<void>
  #last: Commitment | null = null
  #otherLog: Failure | null = null

  constructor(send: (next: bigint, metadata: string) => Promise<void>) {
    this.#send = send
  }

  /** The last that was committed or tried; null before the start. */
  get last(): Commitment | null {
    return this.#last
  }

  /** Where the partition starts. */
  startAt(commitment: Commitment): void {
    this.#last = commitment
  }

  async commit(commitment: Commitment): Promise<void> {
    this.#last = commitment
    await this.#commit(commitment, null)
  }

  /**
   * This is another log than the one that was staged. From now on every commit says so: what was read of the other log has an
   * anchor too, by which it would pass for the right one.
   */
  isOtherLog(failure: Failure): void {
    this.#otherLog = failure
  }

  /** Notes a halt at `place`, or behind the last commit; one that has not started knows of no offset that it may commit. */
  async note(failure: Failure, place: CommitPlace | undefined): Promise<void> {
    if (place) await this.#send(place.offset, encodeMetadata(place.commitment, failure))
    else if (this.#last) await this.#commit(this.#last, failure)
  }

  async #commit(commitment: Commitment, failure: Failure | null): Promise<void> {
    await this.#send(commitment.next, encodeMetadata(commitment, this.#otherLog ?? failure))
  }
}
