/**
 * Keeps the newest change of each row of a replay, on disk, so that a plan needs no more memory for many rows than for few.
 * What the changes would do in a table is effects.ts's.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

export type NewestChange = { readonly id: string; readonly position: string; readonly op: string }

/** Changes that are written together. */
const turn = 50_000

export class NewestChanges {
  readonly #folder = mkdtempSync(join(tmpdir(), 'firn-plan-'))
  readonly #database = new DatabaseSync(join(this.#folder, 'newest.db'))
  readonly #upsert: StatementSync
  #pending = 0
  #lowest: string | null = null

  constructor() {
    // It is gone with the process: nothing in it has to survive.
    this.#database.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
      CREATE TABLE newest (id TEXT PRIMARY KEY, position TEXT, op TEXT) WITHOUT ROWID; BEGIN`)
    this.#upsert = this.#database.prepare(`INSERT INTO newest VALUES (?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET position = excluded.position, op = excluded.op WHERE excluded.position > position`)
  }

  /** The smallest position of all; null where there was no change. */
  get lowest(): string | null {
    return this.#lowest
  }

  add({ id, position, op }: NewestChange): void {
    this.#upsert.run(id, position, op)
    if (this.#lowest === null || position < this.#lowest) this.#lowest = position
    this.#pending += 1
    if (this.#pending < turn) return
    this.#pending = 0
    this.#database.exec('COMMIT; BEGIN')
  }

  /** One for each id, by and by, in the order of the ids. */
  *chunks(size: number): Generator<readonly NewestChange[], undefined> {
    const next = this.#database.prepare('SELECT id, position, op FROM newest WHERE id > ? ORDER BY id LIMIT ?')
    const first = this.#database.prepare('SELECT id, position, op FROM newest ORDER BY id LIMIT ?')
    let chunk = first.all(size) as unknown as readonly NewestChange[]
    while (chunk.length > 0) {
      yield chunk
      chunk = next.all(chunk.at(-1)?.id ?? '', size) as unknown as readonly NewestChange[]
    }
    return
  }

  close(): void {
    this.#database.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
