/**
 * The AWS side of the stage as documents for `aws s3api` and `aws iam`: who may read and write the bucket, whom it tells of
 * new files, and when old ones go. What only AWS or Snowflake knows stands in angle brackets.
 */
import type { Config } from '../config.ts'

export type Document = { readonly name: string; readonly text: string }

/**
 * A landing file stays readable for longer than Snowflake remembers loading it (64 days), so that whatever is found missing
 * can be loaded from it. What lies under _firn/ never goes: the ingester needs it.
 */
const landingFileDays = 90

export function awsDocuments({ stage, tables }: Config): readonly Document[] {
  const { bucket, prefix } = stage
  const objects = `arn:aws:s3:::${bucket}/${prefix}*`
  const topics = [...new Set(tables.map(({ topic }) => topic))]
  const listing = {
    Effect: 'Allow',
    Action: ['s3:ListBucket', 's3:GetBucketLocation'],
    Resource: `arn:aws:s3:::${bucket}`,
    Condition: { StringLike: { 's3:prefix': [`${prefix}*`] } },
  }
  const key = stage.kmsKeyId?.startsWith('arn:') === true ? stage.kmsKeyId : '<ARN of the KMS key>'
  const policy = (actions: readonly string[], keyActions: readonly string[]) => ({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: actions, Resource: objects },
      listing,
      ...(stage.encryption === 'aws:kms' ? [{ Effect: 'Allow', Action: keyActions, Resource: key }] : []),
    ],
  })
  const documents = {
    // Of the role that warehouse.awsRoleArn names; both values are shown by DESC INTEGRATION.
    'snowflake-trust-policy.json': {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: '<STORAGE_AWS_IAM_USER_ARN>' },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'sts:ExternalId': '<STORAGE_AWS_EXTERNAL_ID>' } },
        },
      ],
    },
    'snowflake-policy.json': policy(['s3:GetObject', 's3:GetObjectVersion'], ['kms:Decrypt']),
    // It removes nothing: a landing file, an epoch record or a gap that is gone can be a lost row.
    'ingester-policy.json': policy(['s3:PutObject', 's3:GetObject'], ['kms:GenerateDataKey', 'kms:Decrypt']),
    // The queue is the notification_channel that SHOW PIPES shows. One for the prefix: AWS refuses overlapping ones.
    'bucket-notification.json': {
      QueueConfigurations: [
        {
          Id: 'firn-snowpipe',
          QueueArn: '<notification_channel of SHOW PIPES>',
          Events: ['s3:ObjectCreated:*'],
          Filter: {
            Key: {
              FilterRules: [
                { Name: 'prefix', Value: prefix },
                { Name: 'suffix', Value: '.parquet' },
              ],
            },
          },
        },
      ],
    },
    'lifecycle.json': {
      Rules: topics.map((topic) => ({
        ID: `firn-landing-files-of-${topic}`,
        Status: 'Enabled',
        Filter: { Prefix: `${prefix}${topic}/` },
        Expiration: { Days: landingFileDays },
      })),
    },
  }
  return Object.entries(documents).map(([name, document]) => ({
    name,
    text: `${JSON.stringify(document, null, 2)}\n`,
  }))
}
