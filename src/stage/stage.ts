/**
 * What Firn needs of an object store. The S3 client behind it is in s3.ts, the only importer of the vendor's package.
 */

/** One object. Keys are whole, from the bucket's root. */
export type StagedObject = {
  readonly key: string
  readonly size: number
  readonly lastModified: Date
  /** changes with the content; missing where the store tells none */
  readonly etag?: string
}

export type StagedHead = StagedObject & {
  /** base64, as the store kept it; null where the object was stored without one */
  readonly sha256: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * `stored`: this call stored it. `own`: an earlier attempt with the same bytes did. `taken`: the name holds other bytes.
 */
export type PutOutcome = 'stored' | 'own' | 'taken'

/** What became of a copy, and what was copied. */
export type Copied = {
  readonly outcome: PutOutcome
  readonly bytes: number
  readonly metadata: Readonly<Record<string, string>>
}

export type ListOptions = {
  /** a key: from behind it */
  readonly startAfter?: string
  /** without those that have a further `/` behind the prefix */
  readonly shallow?: boolean
}

export interface Stage {
  readonly bucket: string

  /**
   * Stores an object under a name that nothing has yet (`If-None-Match: *`), with its SHA-256.
   * Resolves when the object is durable, or the name is known to be taken. One attempt and, where the answer was lost or
   * refused, one look at what is stored: repeating is the caller's.
   *
   * @throws Failure STAGE_UNREACHABLE, STAGE_DENIED, BUCKET_MISSING, STAGE_FAILED
   */
  put(key: string, body: Uint8Array, metadata: Readonly<Record<string, string>>): Promise<PutOutcome>

  /** Null where there is no such object. @throws as put */
  head(key: string): Promise<StagedHead | null>

  /** The bytes of an object; null where there is none. @throws as put */
  get(key: string): Promise<Uint8Array | null>

  /** Puts the bytes and metadata of one object under another name; null where there is none to copy. @throws as put */
  copy(from: string, to: string): Promise<Copied | null>

  /** Objects under a prefix in the byte order of their keys, fetched page by page. @throws as put */
  list(prefix: string, options?: ListOptions): AsyncIterable<StagedObject>

  /** Removes an object; also resolves where there was none. For probes and tests: landing files are never removed. @throws as put */
  remove(key: string): Promise<void>

  close(): void
}
