/**
 * One transaction: what it reads, what it has written, and which streams it takes rows from.
 * A statement that fails undoes itself alone, as in Snowflake. DuckDB ends the whole transaction then, so what was written
 * before is run again; while there is some, nothing else can have written in between. Which statements run is decided by
 * the session.
 */
import { lastSequence } from './row-sequence.ts'
import type { StreamFreshness } from './stream-freshness.ts'
import { streamOffsets, type StreamRange } from './streams.ts'
import type { Connection, Parameters, Rows } from './store.ts'
import type { WriterLock } from './writer-lock.ts'

/** What all transactions share: who may write, and the sequence number of the last committed row. */
export type Commits = {
  readonly lock: WriterLock
  sequence: bigint
  /** grows with each commit */
  count: number
  readonly freshness: StreamFreshness
  readonly nowMs: () => number
  /** called after each commit that has written */
  onCommit: () => void
}

type Written = { readonly sql: string; readonly parameters: Parameters }

export class Transaction {
  readonly #connection: Connection
  readonly #commits: Commits
  readonly #written: Written[] = []
  readonly #ranges = new Map<number, StreamRange>()
  readonly #consumed = new Set<number>()
  readonly #afterCommit: (() => void)[] = []
  readonly #atEnd: (() => void)[] = []
  /** sequence number of the last row that streams show: the last one committed when the transaction began */
  readonly #until: bigint
  #seenCommits: number
  #release: (() => void) | null = null
  #failed = false

  private constructor(connection: Connection, commits: Commits) {
    this.#connection = connection
    this.#commits = commits
    this.#until = commits.sequence
    this.#seenCommits = commits.count
  }

  /** Sees what is committed now. */
  static async begin(connection: Connection, commits: Commits): Promise<Transaction> {
    const transaction = new Transaction(connection, commits)
    await transaction.#open()
    return transaction
  }

  /** For one statement that writes: waits for its turn first, so that it sees everything that is committed by then. */
  static async beginToWrite(connection: Connection, commits: Commits): Promise<Transaction> {
    const release = await commits.lock.acquire()
    const transaction = new Transaction(connection, commits)
    transaction.#release = release
    try {
      await transaction.#open()
      return transaction
    } catch (error) {
      release()
      throw error
    }
  }

  async read(sql: string, parameters: Parameters = {}): Promise<Rows> {
    await this.#repair()
    return this.#run(sql, parameters)
  }

  /** The first one waits until no other transaction writes. */
  async write(sql: string, parameters: Parameters = {}): Promise<Rows> {
    await this.prepareToWrite()
    const rows = await this.#run(sql, parameters)
    this.#written.push({ sql, parameters })
    return rows
  }

  /** To be called before what a write needs is read: it may move on to what was committed since the transaction began. */
  async prepareToWrite(): Promise<void> {
    await this.#repair()
    if (this.#release) return
    this.#release = await this.#commits.lock.acquire()
    if (this.#seenCommits === this.#commits.count) return
    // Another transaction has written since this one began: rows that both change would conflict, streams may have moved.
    this.#ranges.clear()
    await this.#connection.run('ROLLBACK')
    await this.#open()
  }

  /** The same at every call until the first write, and from then on. */
  async streamRange(streamId: number): Promise<StreamRange> {
    const known = this.#ranges.get(streamId)
    if (known) return known
    const { rows } = await this.read(streamOffsets.select, { id: String(streamId) })
    const range = { after: BigInt(rows[0]?.[0] ?? 0), until: this.#until }
    this.#ranges.set(streamId, range)
    return range
  }

  /** The commit will take the stream's rows. To be called once the DML that read it has succeeded. */
  consume(streamId: number): void {
    this.#consumed.add(streamId)
  }

  /** What `work` writes is undone where it fails; what was written before stays. */
  async whole<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#written.length
    try {
      return await work()
    } catch (error) {
      if (this.#written.splice(before).length > 0) this.#failed = true
      throw error
    }
  }

  afterCommit(callback: () => void): void {
    this.#afterCommit.push(callback)
  }

  /** Called however the transaction ends. */
  atEnd(callback: () => void): void {
    this.#atEnd.push(callback)
  }

  async commit(): Promise<void> {
    const sequence = await this.#finish()
    try {
      await this.#connection.run('COMMIT')
      if (sequence !== null) {
        this.#commits.sequence = sequence
        this.#commits.count += 1
      }
      for (const callback of this.#afterCommit) callback()
    } finally {
      this.#end()
    }
    if (sequence !== null) this.#commits.onCommit()
  }

  async rollback(): Promise<void> {
    try {
      await this.#connection.run('ROLLBACK')
    } finally {
      this.#end()
    }
  }

  #end(): void {
    this.#release?.()
    for (const callback of this.#atEnd.splice(0)) callback()
  }

  /** What is left to write before the commit. @returns the last sequence number; null where nothing was written */
  async #finish(): Promise<bigint | null> {
    try {
      await this.#repair()
      for (const id of this.#consumed) {
        const { after, until } = await this.streamRange(id)
        const offset = until > after ? until : after
        const nowMs = this.#commits.nowMs()
        await this.write(streamOffsets.update, { id: String(id), offset: offset.toString(), fresh: String(nowMs) })
        this.afterCommit(() => {
          this.#commits.freshness.stored(id, nowMs)
        })
      }
      return this.#release ? await lastSequence(this.#connection) : null
    } catch (error) {
      await this.rollback()
      throw error
    }
  }

  async #run(sql: string, parameters: Parameters): Promise<Rows> {
    try {
      return await this.#connection.run(sql, parameters)
    } catch (error) {
      this.#failed = true
      throw error
    }
  }

  async #open(): Promise<void> {
    this.#seenCommits = this.#commits.count
    await this.#connection.run('BEGIN')
    // DuckDB takes its snapshot at the first read.
    await this.#connection.run(streamOffsets.touch)
  }

  async #repair(): Promise<void> {
    if (!this.#failed) return
    // Before the first write another transaction may have committed meanwhile, and streams may have moved.
    if (!this.#release) this.#ranges.clear()
    await this.#connection.run('ROLLBACK')
    await this.#open()
    for (const { sql, parameters } of this.#written) await this.#connection.run(sql, parameters)
    this.#failed = false
  }
}
