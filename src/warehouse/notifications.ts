/**
 * Judges whether the bucket tells a pipe's queue of new landing files: what the bucket says of its notifications against what the
 * pipe says of its queue. Both are read elsewhere.
 */
import type { StageConfig } from '../config.ts'
import { doubtful, type Finding, type Look, well, wrong } from '../finding.ts'
import type { Answer, Notification } from '../stage/bucket.ts'

const landingSuffix = '.parquet'

/** `channel` is the notification_channel of the topics' pipes, an ARN. */
export function judgeNotification(
  look: Look,
  channel: string,
  answer: Answer<readonly Notification[]>,
  { bucket, prefix }: Pick<StageConfig, 'bucket' | 'prefix'>,
  topics: readonly string[],
): Finding {
  const compare = `aws s3api get-bucket-notification-configuration --bucket ${bucket} must have a queue configuration with the QueueArn ${channel} for s3:ObjectCreated:* under ${prefix}`
  // The stand-in for S3 on a developer's machine has notifications of another kind.
  if (answer.kind === 'unknown') return well(look, `${channel}; whether the bucket tells it: the store does not say`)
  if (answer.kind === 'denied') {
    return doubtful(
      look,
      `${channel}; whether the bucket tells it is not known: this key may not ask`,
      `Whoever may (s3:GetBucketNotification) compares: ${compare}`,
    )
  }
  const own = answer.value.filter(({ kind, arn }) => kind === 'queue' && arn === channel)
  const isTold = topics.every((topic) => own.some((one) => tells(one, `${prefix}${topic}/`)))
  if (isTold) return well(look, `the bucket tells ${channel} of new files`)
  const remedy = `Add the configuration of aws/bucket-notification.json (firn migrate --render DIR) to those of the bucket, then load what came meanwhile by ALTER PIPE ... REFRESH: ${compare}`
  if (own.length > 0) {
    const seen = own.map(({ events, prefix: under, suffix }) => `${events.join(', ')} under ${under || '/'}*${suffix}`)
    return wrong(
      look,
      `the bucket tells ${channel} of ${seen.join('; ')} alone, which leaves out landing files`,
      remedy,
    )
  }
  const others = answer.value.filter(({ kind }) => kind === 'other').map(({ arn }) => arn)
  if (others.length > 0) {
    const words = `not known: the bucket tells ${others.join(', ')}, which may pass it on to ${channel}`
    return doubtful(look, words, `See there that it does, unfiltered for landing files; or: ${compare}`)
  }
  return wrong(look, `the bucket does not tell ${channel} of new files, so nothing is loaded by itself`, remedy)
}

function tells({ events, prefix: under, suffix }: Notification, prefix: string): boolean {
  const isCreated = events.some((event) => event === 's3:ObjectCreated:*' || event === 's3:ObjectCreated:Put')
  return isCreated && prefix.startsWith(under) && landingSuffix.endsWith(suffix)
}
