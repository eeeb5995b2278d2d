/**
 * How long each stream stays readable: a stream that nobody consumes goes stale. Asked at each read, so it is kept in
 * memory. A consumption is written with its transaction; that somebody looked at an empty stream, which keeps it fresh too,
 * is written later: a kill between loses an hour of fourteen days.
 */
import type { Clock } from './clock.ts'
import type { Connection } from './store.ts'
import { streamOffsets } from './streams.ts'
import type { Transaction } from './transaction.ts'

/** MAX_DATA_EXTENSION_TIME_IN_DAYS, as it is where nobody has set it. */
const keptMs = 14 * 24 * 3600 * 1000
const saveEveryMs = 3600 * 1000

type Save = (work: (transaction: Transaction) => Promise<void>) => Promise<void>

export class StreamFreshness {
  readonly #clock: Clock
  readonly #freshMs: Map<number, number>
  readonly #unsaved = new Set<number>()
  #cancel: () => void = () => undefined
  #saving: Promise<void> = Promise.resolve()

  private constructor(clock: Clock, freshMs: Map<number, number>) {
    this.#clock = clock
    this.#freshMs = freshMs
  }

  /** A stream of before this was kept counts from now. */
  static async load(connection: Connection, clock: Clock): Promise<StreamFreshness> {
    await connection.run(streamOffsets.complete, { now: String(clock.nowMs()) })
    const { rows } = await connection.run('SELECT stream_id, fresh_ms FROM _catalog.stream_offsets')
    return new StreamFreshness(clock, new Map(rows.map(([id, ms]) => [Number(id), Number(ms)])))
  }

  staleAfterMs(streamId: number): number {
    return (this.#freshMs.get(streamId) ?? 0) + keptMs
  }

  isStale(streamId: number): boolean {
    return this.#clock.nowMs() > this.staleAfterMs(streamId)
  }

  /** It was made or consumed at that time, and this is stored. */
  stored(streamId: number, atMs: number): void {
    this.#freshMs.set(streamId, atMs)
  }

  /** Somebody asked it for data, and it had none. */
  lookedAt(streamId: number): void {
    this.#freshMs.set(streamId, this.#clock.nowMs())
    this.#unsaved.add(streamId)
  }

  /** Saves from now on, every hour and at the end. */
  start(save: Save): void {
    this.#cancel = this.#clock.at(this.#clock.nowMs() + saveEveryMs, () => {
      this.#save(save)
      this.start(save)
    })
  }

  async close(save: Save): Promise<void> {
    this.#cancel()
    this.#save(save)
    await this.#saving
  }

  #save(save: Save): void {
    const ids = [...this.#unsaved]
    this.#unsaved.clear()
    if (ids.length === 0) return
    const work = async (transaction: Transaction): Promise<void> => {
      for (const id of ids) {
        const fresh = String(this.#freshMs.get(id) ?? 0)
        await transaction.write(streamOffsets.refresh, { id: String(id), fresh })
      }
    }
    this.#saving = this.#saving.then(() => save(work))
  }
}
