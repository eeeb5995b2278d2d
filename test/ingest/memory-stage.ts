/**
 * A stage in memory that keeps its contract, and puts that a test can hold up or let fail.
 */
import { createHash } from 'node:crypto'
import type { ListOptions, PutOutcome, Stage, StagedObject } from '../../src/stage/stage.ts'

type Kept = StagedObject & { readonly body: Uint8Array; readonly metadata: Readonly<Record<string, string>> }

export class MemoryStage implements Stage {
  readonly bucket = 'memory'
  readonly #objects = new Map<string, Kept>()
  /** Runs before each put; throws for it, or holds it up. */
  beforePut: (key: string) => Promise<void> = () => Promise.resolve()

  get keys(): readonly string[] {
    return [...this.#objects.keys()].sort()
  }

  async put(key: string, body: Uint8Array, metadata: Readonly<Record<string, string>>): Promise<PutOutcome> {
    await this.beforePut(key)
    const there = this.#objects.get(key)
    if (there) return Buffer.compare(there.body, body) === 0 ? 'own' : 'taken'
    this.#objects.set(key, {
      key,
      size: body.byteLength,
      lastModified: new Date(0),
      body: Uint8Array.from(body),
      metadata,
    })
    return 'stored'
  }

  head(key: string) {
    const kept = this.#objects.get(key)
    if (!kept) return Promise.resolve(null)
    const sha256 = createHash('sha256').update(kept.body).digest('base64')
    return Promise.resolve({ ...kept, sha256 })
  }

  get(key: string) {
    return Promise.resolve(this.#objects.get(key)?.body ?? null)
  }

  async copy(from: string, to: string) {
    const kept = this.#objects.get(from)
    if (!kept) return null
    const { body, metadata, size: bytes } = kept
    return { outcome: await this.put(to, body, metadata), bytes, metadata }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the contract is asynchronous
  async *list(prefix: string, { startAfter = '', shallow = false }: ListOptions = {}) {
    for (const key of this.keys) {
      const kept = this.#objects.get(key)
      const isDeep = key.includes('/', prefix.length)
      if (kept && key.startsWith(prefix) && key > startAfter && !(shallow && isDeep)) yield kept
    }
  }

  remove(key: string) {
    this.#objects.delete(key)
    return Promise.resolve()
  }

  close(): void {
    this.#objects.clear()
  }
}
