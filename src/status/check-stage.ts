/**
 * Looks at the stage as ingest needs it: that it is honest, what this key may do there, and how the bucket is set up as far as
 * the key may ask. The only traces it leaves are two small objects. Kafka is check-kafka.ts; printing is the command's.
 */
import type { Config, StageConfig } from '../config.ts'
import { doubtful, type Finding, type Look, unreadable, well } from '../finding.ts'
import type { Answer, Bucket, Encryption, Notification } from '../stage/bucket.ts'
import { probeStage } from '../stage/probe.ts'
import { openStage } from '../stage/s3.ts'
import { openBucket } from '../stage/s3-bucket.ts'

export type StageCheck = {
  readonly findings: readonly Finding[]
  /** whether what lies there can be read and listed */
  readonly isReadable: boolean
  /** null where the store does not answer */
  readonly notifications: Answer<readonly Notification[]> | null
}

/** Never throws for what the store answers: what cannot be done is a finding. */
export async function checkStage({ stage: config }: Config): Promise<StageCheck> {
  const bucket = openBucket(config)
  try {
    const rights = await askRights(bucket, config)
    // Whoever may do nothing at all has a wrong key rather than no rights, and no more to ask.
    if (rights.put.kind === 'denied' && rights.get.kind === 'denied' && rights.list.kind === 'denied') {
      const findings = [unreadable(lookAt('rights'), rights.put.failure)]
      return { findings, isReadable: false, notifications: null }
    }
    const isReadable = rights.get.kind === 'told' && rights.list.kind === 'told'
    const honesty = rights.put.kind === 'told' && rights.get.kind === 'told' ? [await checkHonesty(config)] : []
    const findings = [...honesty, ...judgeRights(rights, config)]
    if (rights.put.kind === 'told' && rights.get.kind === 'told')
      findings.push(await checkEncryption(bucket, rights.get.value, config))
    findings.push(await checkVersions(bucket), await checkPrivacy(bucket))
    return { findings, isReadable, notifications: await bucket.notifications() }
  } catch (error) {
    const findings = [unreadable(lookAt(`bucket ${config.bucket}`), error)]
    return { findings, isReadable: false, notifications: null }
  } finally {
    bucket.close()
  }
}

type Rights = {
  readonly put: Answer<null>
  readonly get: Answer<Encryption | null>
  readonly list: Answer<null>
  /** null where there is nothing to try it on */
  readonly remove: Answer<null> | null
}

/** No topic can have this name. */
const rightsKey = ({ prefix }: Pick<StageConfig, 'prefix'>): string => `${prefix}_firn/!rights`

async function askRights(bucket: Bucket, { prefix }: StageConfig): Promise<Rights> {
  const key = rightsKey({ prefix })
  const put = await bucket.put(key)
  const [get, list] = [await bucket.get(key), await bucket.list(prefix)]
  // A name that nothing has could get a delete marker.
  return { put, get, list, remove: put.kind === 'told' ? await bucket.remove(key) : null }
}

async function checkHonesty(config: StageConfig): Promise<Finding> {
  const look = lookAt('If-None-Match')
  const stage = openStage(config)
  try {
    await probeStage(stage, config.prefix)
    return well(look, 'nothing that is there is replaced')
  } catch (error) {
    return unreadable(look, error)
  } finally {
    stage.close()
  }
}

const policy = 'aws/ingester-policy.json of firn migrate --render DIR has what it needs'

function judgeRights({ put, get, list, remove }: Rights, { bucket, prefix }: StageConfig): readonly Finding[] {
  const look = lookAt('rights')
  const objects = `s3://${bucket}/${prefix}`
  const needed = { PutObject: put, GetObject: get, ListBucket: list } as const
  const findings = Object.entries(needed).flatMap(([action, answer]) => {
    if (answer.kind !== 'denied') return []
    const on = action === 'ListBucket' ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${prefix}*`
    // A key of KMS is refused as if it were a right on the object.
    const hint = `Allow s3:${action} on ${on}, and the key that the message names where it names one; ${policy}.`
    return [unreadable(lookAt(`right s3:${action}`), answer.failure, hint)]
  })
  if (findings.length === 0) findings.push(well(look, `${objects} can be written, read and listed`))
  if (remove?.kind === 'told') {
    const hint = `Take s3:DeleteObject from this key: the ingester removes nothing, and a removed object can be a lost row; ${policy}.`
    findings.push(doubtful(lookAt('right s3:DeleteObject'), `this key may remove what lies under ${objects}`, hint))
  }
  return findings
}

/** What an object has counts; what the bucket says is for what comes without a wish. */
async function checkEncryption(bucket: Bucket, stored: Encryption | null, config: StageConfig): Promise<Finding> {
  const look = lookAt('encryption')
  const byDefault = await bucket.encryption()
  const words =
    byDefault.kind === 'told' ? `by default ${named(byDefault.value)}` : `the default is ${notKnown(byDefault)}`
  const { encryption: wanted } = config
  if (wanted !== undefined && stored?.algorithm !== wanted) {
    const seen = `stage.encryption is ${wanted}, and the object that shows what is put has ${named(stored)}; ${words}`
    const hint = `It may be older than the setting: remove s3://${config.bucket}/${rightsKey(config)} and check again. Else the store does not heed it.`
    return doubtful(look, seen, hint)
  }
  if (stored) return well(look, `what is put is encrypted: ${named(stored)}; ${words}`)
  // AWS encrypts everything and says so; other servers may do so in silence.
  if (config.endpoint !== undefined) return well(look, `the store tells of none; ${words}`)
  const hint = `Set a default encryption on the bucket ${config.bucket}.`
  return doubtful(look, `the store tells of none for what is put; ${words}`, hint)
}

async function checkVersions(bucket: Bucket): Promise<Finding> {
  const look = lookAt('versioning')
  const answer = await bucket.isVersioned()
  if (answer.kind !== 'told') return well(look, notKnown(answer))
  if (answer.value) return well(look, 'on')
  const hint =
    'Switch it on, with a lifecycle rule that ends old versions: an epoch record that somebody removes can then be restored.'
  return doubtful(look, 'off: what is removed or replaced by others is gone', hint)
}

async function checkPrivacy(bucket: Bucket): Promise<Finding> {
  const look = lookAt('public access')
  const answer = await bucket.isPrivate()
  if (answer.kind !== 'told') return well(look, notKnown(answer))
  if (answer.value) return well(look, 'blocked')
  const hint = 'Block all four ways with aws s3api put-public-access-block, unless the account does.'
  return doubtful(look, 'is not blocked on the bucket', hint)
}

function named(encryption: Encryption | null): string {
  if (!encryption) return 'none'
  return encryption.keyId === null ? encryption.algorithm : `${encryption.algorithm} with ${encryption.keyId}`
}

/** No fault: ingest needs none of these rights. */
function notKnown({ kind }: Answer<unknown>): string {
  return kind === 'denied' ? 'not known: this key may not ask' : 'not known: the store does not tell'
}

function lookAt(what: string): Look {
  return { part: 'stage', what }
}
