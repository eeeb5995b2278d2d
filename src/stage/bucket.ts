/**
 * What a check asks of the bucket: what this key may do, and how the bucket is set up. Ingest needs the rights alone. The client
 * behind it is in s3.ts; what is made of the answers is the caller's.
 */
import type { Failure } from '../failure.ts'

/** `denied`: this key may not do or ask that. `unknown`: the store does not tell. */
export type Answer<T> =
  | { readonly kind: 'told'; readonly value: T }
  | { readonly kind: 'denied'; readonly failure: Failure }
  | { readonly kind: 'unknown' }

/** `aws:kms` has a key; null where it is the account's own for S3. */
export type Encryption = { readonly algorithm: string; readonly keyId: string | null }

/** `queue`, `topic` and the like; what is sent there is by the names and ends of keys. */
export type Notification = {
  readonly kind: 'queue' | 'other'
  readonly arn: string
  readonly events: readonly string[]
  readonly prefix: string
  readonly suffix: string
}

/** Nothing that is there is replaced or removed. Each @throws Failure STAGE_UNREACHABLE, BUCKET_MISSING, STAGE_FAILED */
export interface Bucket {
  /** As Stage.put, of a few bytes: told also where something has the name. */
  put(key: string): Promise<Answer<null>>
  /** How the object is encrypted; null where there is none, or the store does not tell. */
  get(key: string): Promise<Answer<Encryption | null>>
  list(prefix: string): Promise<Answer<null>>
  /** On a condition that no object meets. A store that knows no conditions removes the object. */
  remove(key: string): Promise<Answer<null>>

  /** How it encrypts what comes without a wish; null where it does not. */
  encryption(): Promise<Answer<Encryption | null>>
  isVersioned(): Promise<Answer<boolean>>
  /** Whether all four ways to the public are blocked here; an account can block them too. */
  isPrivate(): Promise<Answer<boolean>>
  notifications(): Promise<Answer<readonly Notification[]>>
  close(): void
}
