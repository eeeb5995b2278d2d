/**
 * The landing files that this process has stored last, for whoever looks at it. Kept in memory and bounded: what was stored
 * before is on the stage. What a file is and when it counts as stored is outbox.ts's.
 */
import type { SealReason } from './sealing.ts'

export type StoredFile = {
  /** its key behind `stage.prefix` */
  readonly name: string
  readonly rows: number
  readonly bytes: number
  readonly reason: SealReason
  /** ms since 1970 */
  readonly storedAt: number
  /** from the Kafka timestamp of its first message until it was stored; null where no message had one */
  readonly latencyMs: number | null
}

/** As many as one looks at: a busy process stores them within seconds. */
export const recentFilesMax = 10

export class RecentFiles {
  #files: readonly StoredFile[] = []

  add(file: StoredFile): void {
    this.#files = [file, ...this.#files].slice(0, recentFilesMax)
  }

  /** The newest first. */
  get all(): readonly StoredFile[] {
    return this.#files
  }
}
