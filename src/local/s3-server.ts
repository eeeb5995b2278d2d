/**
 * The S3 server of the development stack: versitygw over a plain folder, telling a topic of the stack's Kafka of each
 * object that is stored. How it is started, and when it is ready.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createBucket, openStage } from '../stage/s3.ts'
import { eventTopic } from './kafka-server.ts'
import type { PartServer, StackPlan } from './part-server.ts'

export const s3Region = 'us-east-1'
export const s3AccessKeyId = 'firn'
export const s3Bucket = 'cdc'

export function s3Server({ dir, state, parts }: StackPlan): PartServer {
  const objects = join(dir, 's3', 'objects')
  const kafka = ['--event-kafka-url', `127.0.0.1:${state.ports.kafka}`, '--event-kafka-topic', eventTopic]
  return {
    name: 's3',
    // It sends Kafka a first event when it starts, and gives up where that fails.
    needs: ['kafka'],
    prepare: async () => {
      await mkdir(objects, { recursive: true, mode: 0o700 })
    },
    launch: () => ({
      program: parts.versitygw,
      // Never --keep-alive: there, an upload can spoil the next request on its connection.
      args: ['--port', `127.0.0.1:${state.ports.s3}`, '--region', s3Region, '--quiet', ...kafka, 'posix', objects],
      env: { ROOT_ACCESS_KEY_ID: s3AccessKeyId, ROOT_SECRET_ACCESS_KEY: state.passwords.s3 },
    }),
    assertReady: async () => {
      const stageConfig = {
        bucket: s3Bucket,
        prefix: 'firn/',
        region: s3Region,
        endpoint: `http://127.0.0.1:${state.ports.s3}`,
        accessKeyId: s3AccessKeyId,
        secretAccessKey: state.passwords.s3,
      }
      await createBucket(stageConfig)
      const stage = openStage(stageConfig)
      try {
        await stage.head('firn/none')
      } finally {
        stage.close()
      }
    },
  }
}
