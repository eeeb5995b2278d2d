/**
 * The stage on S3 and on servers that speak its protocol. This file and s3-bucket.ts alone import the vendor's client.
 * It makes one attempt and says what came of it; repeating, and in which order, is the caller's.
 */
import { createHash } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import type { StageConfig } from '../config.ts'
import { Failure, type FailureCode } from '../failure.ts'
import type { Copied, ListOptions, PutOutcome, Stage, StagedHead, StagedObject } from './stage.ts'

/** Opens no connection yet; the first request does. */
export function openStage(config: StageConfig): Stage {
  const store = openStore(config)
  const { bucket } = store
  return {
    bucket,
    put: (key, body, metadata) => put(store, key, body, metadata),
    head: (key) => head(store, key),
    get: async (key) => (await read(store, key))?.body ?? null,
    copy: (from, to) => copy(store, from, to),
    list: (prefix, options) => list(store, prefix, options),
    remove: (key) => remove(store, key),
    close: () => {
      store.client.destroy()
    },
  }
}

/** A client for one bucket. */
export type Store = {
  readonly client: S3Client
  readonly bucket: string
  /** of every request */
  readonly place: { readonly Bucket: string; readonly ExpectedBucketOwner?: string }
  /** of every put */
  readonly sealing: Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId'>
}

export function openStore(config: StageConfig): Store {
  const { bucket, expectedBucketOwner: owner, encryption, kmsKeyId } = config
  return {
    client: new S3Client(clientConfig(config)),
    bucket,
    place: { Bucket: bucket, ...(owner !== undefined && { ExpectedBucketOwner: owner }) },
    sealing: {
      ...(encryption !== undefined && { ServerSideEncryption: encryption }),
      ...(kmsKeyId !== undefined && { SSEKMSKeyId: kmsKeyId }),
    },
  }
}

async function head(store: Store, key: string): Promise<StagedHead | null> {
  try {
    const command = new HeadObjectCommand({ ...store.place, Key: key, ChecksumMode: 'ENABLED' })
    const found = await store.client.send(command)
    return {
      key,
      size: found.ContentLength ?? 0,
      lastModified: found.LastModified ?? new Date(0),
      ...(found.ETag === undefined ? {} : { etag: found.ETag }),
      sha256: found.ChecksumSHA256 ?? null,
      metadata: found.Metadata ?? {},
    }
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw stageFailure(store, error, `look at s3://${store.bucket}/${key}`)
  }
}

type Content = { readonly body: Uint8Array; readonly metadata: Readonly<Record<string, string>> }

async function read(store: Store, key: string): Promise<Content | null> {
  try {
    // With the checksum that it was stored with, the client compares what arrives.
    const command = new GetObjectCommand({ ...store.place, Key: key, ChecksumMode: 'ENABLED' })
    const { Body, Metadata: metadata = {} } = await store.client.send(command)
    return { body: Body ? await Body.transformToByteArray() : new Uint8Array(), metadata }
  } catch (error) {
    if (nameOf(error) === 'NoSuchKey') return null
    throw stageFailure(store, error, `read s3://${store.bucket}/${key}`)
  }
}

async function put(
  store: Store,
  key: string,
  body: Uint8Array,
  metadata: Readonly<Record<string, string>>,
): Promise<PutOutcome> {
  const sha256 = sha256Of(body)
  const command = putCommand(store, key, body, metadata, sha256)
  signWith(command, sha256)
  try {
    await store.client.send(command)
    return 'stored'
  } catch (error) {
    const failure = stageFailure(store, error, `store s3://${store.bucket}/${key}`)
    if (statusOf(error) !== 412 && failure.code !== 'STAGE_UNREACHABLE') throw failure
    // A lost answer may hide a stored object or a refusal; what is there now tells which.
    const found = await head(store, key)
    if (!found) throw failure
    const stored = found.sha256 ?? sha256Of((await read(store, key))?.body ?? new Uint8Array())
    return stored === sha256 ? 'own' : 'taken'
  }
}

export function putCommand(
  { place, sealing }: Store,
  key: string,
  body: Uint8Array,
  metadata: Readonly<Record<string, string>>,
  sha256 = sha256Of(body),
): PutObjectCommand {
  return new PutObjectCommand({
    ...place,
    ...sealing,
    Key: key,
    Body: body,
    ContentLength: body.byteLength,
    ChecksumSHA256: sha256,
    IfNoneMatch: '*',
    Metadata: { ...metadata },
  })
}

/** The client would hash the body once more for its signature, which covers the same SHA-256, in base 16. */
function signWith(command: PutObjectCommand, sha256: string): void {
  const hex = Buffer.from(sha256, 'base64').toString('hex')
  command.middlewareStack.add(
    (next) => (args) => {
      Reflect.set((args.request as { readonly headers: object }).headers, 'x-amz-content-sha256', hex)
      return next(args)
    },
    { step: 'build', name: 'signWithKnownHash' },
  )
}

/** Through here and not inside the store: its own copy is not known to honour If-None-Match everywhere. */
async function copy(store: Store, from: string, to: string): Promise<Copied | null> {
  const content = await read(store, from)
  if (!content) return null
  const { body, metadata } = content
  return { outcome: await put(store, to, body, metadata), bytes: body.byteLength, metadata }
}

async function* list(
  store: Store,
  prefix: string,
  { startAfter, shallow = false }: ListOptions = {},
): AsyncIterable<StagedObject> {
  let token: string | undefined
  do {
    const position = token !== undefined ? { ContinuationToken: token } : startAfter ? { StartAfter: startAfter } : {}
    const depth = shallow ? { Delimiter: '/' } : {}
    const command = new ListObjectsV2Command({ ...store.place, Prefix: prefix, ...position, ...depth })
    const page = await store.client.send(command).catch((error: unknown) => {
      throw stageFailure(store, error, `list s3://${store.bucket}/${prefix}`)
    })
    for (const { Key: key, Size: size = 0, LastModified: lastModified = new Date(0), ETag: etag } of page.Contents ??
      []) {
      if (key !== undefined) yield { key, size, lastModified, ...(etag === undefined ? {} : { etag }) }
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

async function remove(store: Store, key: string): Promise<void> {
  try {
    await store.client.send(new DeleteObjectCommand({ ...store.place, Key: key }))
  } catch (error) {
    throw stageFailure(store, error, `remove s3://${store.bucket}/${key}`)
  }
}

/** For the development stack and tests; in production the bucket is the platform's. Resolves also where it is there already. */
export async function createBucket(config: StageConfig): Promise<void> {
  const client = new S3Client(clientConfig(config))
  try {
    await client.send(new CreateBucketCommand({ Bucket: config.bucket }))
  } catch (error) {
    if (nameOf(error) !== 'BucketAlreadyOwnedByYou') throw stageFailure({}, error, `create the bucket ${config.bucket}`)
  } finally {
    client.destroy()
  }
}

function clientConfig(config: StageConfig): S3ClientConfig {
  const { region, endpoint, accessKeyId, secretAccessKey } = config
  return {
    region,
    // One attempt a call: a repeated put inside the client would hide which attempt stored the object.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  }
}

function sha256Of(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64')
}

const denied = new Set([
  'AccessDenied',
  'CredentialsProviderError',
  'ExpiredToken',
  'Forbidden',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  // versitygw
  'XAdminUserNotFound',
])

/** `place` where it is about a bucket that is asked by its owner too. */
export function stageFailure({ place }: Partial<Pick<Store, 'place'>>, error: unknown, attempt: string): Failure {
  const reason = error instanceof Error ? error.message || nameOf(error) : String(error)
  const code = stageCode(error)
  // The store refuses the bucket of another account with the same words as any other right.
  const owner = code === 'STAGE_DENIED' ? place?.ExpectedBucketOwner : undefined
  const doubt = owner === undefined ? '' : `; or it is not a bucket of account ${owner} (stage.expectedBucketOwner)`
  return new Failure(code, `cannot ${attempt}: ${reason}${doubt}`, { cause: error })
}

function stageCode(error: unknown): FailureCode {
  const status = statusOf(error)
  const name = nameOf(error)
  // KMS: a key that is not there, disabled, or in another region.
  if (denied.has(name) || name.startsWith('KMS.') || status === 401 || status === 403) return 'STAGE_DENIED'
  if (name === 'NoSuchBucket') return 'BUCKET_MISSING'
  if (status === 501) return 'STAGE_UNSAFE'
  return status === undefined ? 'STAGE_UNREACHABLE' : 'STAGE_FAILED'
}

export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

/** Undefined where no answer came: the request may or may not have been done. */
function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } }
  return $metadata?.httpStatusCode
}
