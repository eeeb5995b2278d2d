/**
 * Asks an S3 bucket what bucket.ts lists, one request a question. How a client is made and errors are named is in s3.ts.
 */
import {
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import type { StageConfig } from '../config.ts'
import { toFailure } from '../failure.ts'
import type { Answer, Bucket, Encryption, Notification } from './bucket.ts'
import { nameOf, openStore, putCommand, stageFailure, type Store } from './s3.ts'

/** Opens no connection yet; the first question does. */
export function openBucket(config: StageConfig): Bucket {
  const store = openStore(config)
  const { client, bucket, place } = store
  const object = (key: string) => `s3://${bucket}/${key}`
  return {
    put: (key) => {
      const command = putCommand(store, key, Buffer.from('This object shows what its writer may do.\n'), {})
      return ask(place, `store ${object(key)}`, () => client.send(command).then(nothing), { PreconditionFailed: null })
    },
    get: (key) => ask(place, `read ${object(key)}`, () => encryptionOf(store, key), { NoSuchKey: null }),
    list: (prefix) => {
      const command = new ListObjectsV2Command({ ...place, Prefix: prefix, MaxKeys: 1 })
      return ask(place, `list ${object(prefix)}`, () => client.send(command).then(nothing))
    },
    remove: (key) => {
      const command = new DeleteObjectCommand({ ...place, Key: key, IfMatch: '"no object has this one"' })
      const kept = { PreconditionFailed: null, NoSuchKey: null }
      return askIfKnown(place, `remove ${object(key)}`, () => client.send(command).then(nothing), kept)
    },
    encryption: () =>
      askIfKnown(place, 'ask for the encryption', () => bucketEncryption(store), {
        ServerSideEncryptionConfigurationNotFoundError: null,
      }),
    isVersioned: () =>
      askIfKnown(place, 'ask for the versioning', async () => {
        return (await client.send(new GetBucketVersioningCommand(place))).Status === 'Enabled'
      }),
    isPrivate: () =>
      askIfKnown(place, 'ask for the block of public access', () => blocksPublic(store), {
        NoSuchPublicAccessBlockConfiguration: false,
      }),
    notifications: () => askIfKnown(place, 'ask for the notifications', () => notificationsOf(store)),
    close: () => {
      client.destroy()
    },
  }
}

const nothing = (): null => null

/** `absent`: what errors of these names tell. */
async function ask<T>(
  place: Store['place'],
  attempt: string,
  send: () => Promise<T>,
  absent: Readonly<Record<string, T>> = {},
): Promise<Answer<T>> {
  try {
    return { kind: 'told', value: await send() }
  } catch (error) {
    const known = Object.entries(absent).find(([name]) => name === nameOf(error))
    if (known) return { kind: 'told', value: known[1] }
    const failure = stageFailure({ place }, error, attempt)
    if (failure.code === 'STAGE_DENIED') return { kind: 'denied', failure }
    throw failure
  }
}

/** What not every store has: whatever it says is no fault. */
async function askIfKnown<T>(...question: Parameters<typeof ask<T>>): Promise<Answer<T>> {
  try {
    return await ask(...question)
  } catch (error) {
    const { code } = toFailure(error)
    if (code === 'STAGE_FAILED' || code === 'STAGE_UNSAFE' || code === 'STAGE_UNREACHABLE') return { kind: 'unknown' }
    throw error
  }
}

async function encryptionOf({ client, place }: Store, key: string): Promise<Encryption | null> {
  const command = new GetObjectCommand({ ...place, Key: key })
  const { Body, ServerSideEncryption: algorithm, SSEKMSKeyId: keyId = null } = await client.send(command)
  await Body?.transformToByteArray()
  return algorithm === undefined ? null : { algorithm, keyId }
}

async function bucketEncryption({ client, place }: Store): Promise<Encryption | null> {
  const answer = await client.send(new GetBucketEncryptionCommand(place))
  const rule = answer.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault
  const { SSEAlgorithm: algorithm, KMSMasterKeyID: keyId = null } = rule ?? {}
  return algorithm === undefined ? null : { algorithm, keyId }
}

async function blocksPublic({ client, place }: Store): Promise<boolean> {
  const { PublicAccessBlockConfiguration: block } = await client.send(new GetPublicAccessBlockCommand(place))
  const ways = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'] as const
  return ways.every((way) => block?.[way] === true)
}

async function notificationsOf({ client, place }: Store): Promise<readonly Notification[]> {
  const answer = await client.send(new GetBucketNotificationConfigurationCommand(place))
  const queues = (answer.QueueConfigurations ?? []).map(({ QueueArn: arn = '', Events, Filter }): Notification => {
    const rules = Filter?.Key?.FilterRules ?? []
    const rule = (name: string) => rules.find(({ Name }) => Name?.toLowerCase() === name)?.Value ?? ''
    return { kind: 'queue', arn, events: Events ?? [], prefix: rule('prefix'), suffix: rule('suffix') }
  })
  const whatever = { kind: 'other', events: [], prefix: '', suffix: '' } as const
  const topics = (answer.TopicConfigurations ?? []).map(({ TopicArn: arn = '' }) => ({ ...whatever, arn }))
  const functions = (answer.LambdaFunctionConfigurations ?? []).map(({ LambdaFunctionArn: arn = '' }) => {
    return { ...whatever, arn }
  })
  const bridge = answer.EventBridgeConfiguration ? [{ ...whatever, arn: 'EventBridge' }] : []
  return [...queues, ...topics, ...functions, ...bridge]
}
