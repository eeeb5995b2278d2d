/**
 * From what a stack remembers to how its parts are reached.
 */
import { Failure } from '../failure.ts'
import { certificatesIn } from './certificates.ts'
import type { Endpoints } from './endpoints.ts'
import { eventTopic, kafkaUser } from './kafka-server.ts'
import { s3AccessKeyId, s3Bucket, s3Region } from './s3-server.ts'
import { readState } from './stack-state.ts'
import { storageIntegration, warehouseName, warehouseRole, warehouseUser } from './warehouse-server.ts'

/** @throws Failure USAGE where no stack was ever started in this folder */
export function endpointsOf(dir: string): Endpoints {
  const state = readState(dir)
  if (!state)
    throw new Failure('USAGE', `there is no development stack in ${dir}; start one: firn local up --dir ${dir}`)
  const { ports, passwords } = state
  const { caFile, privateKeyFile } = certificatesIn(dir)
  return {
    kafka: {
      brokers: [`127.0.0.1:${ports.kafka}`],
      saslSslBrokers: [`127.0.0.1:${ports.kafkaSaslSsl}`],
      username: kafkaUser,
      password: passwords.kafka,
      caFile,
    },
    s3: {
      endpoint: `http://127.0.0.1:${ports.s3}`,
      region: s3Region,
      bucket: s3Bucket,
      accessKeyId: s3AccessKeyId,
      secretAccessKey: passwords.s3,
      eventTopic,
    },
    warehouse: {
      accessUrl: `http://127.0.0.1:${ports.warehouse}`,
      account: 'local',
      user: warehouseUser,
      password: passwords.warehouse,
      privateKeyFile,
      database: 'CDC',
      role: warehouseRole,
      warehouse: warehouseName,
      storageIntegration,
    },
  }
}
