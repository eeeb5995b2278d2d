/**
 * How to reach the parts of the development stack: what `firn local up --json` prints and tests read.
 */

export type Endpoints = {
  readonly kafka: {
    /** PLAINTEXT, `host:port` */
    readonly brokers: readonly string[]
    /** `host:port` of the SASL_SSL listener; PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 take the same user */
    readonly saslSslBrokers: readonly string[]
    readonly username: string
    readonly password: string
    /** file of the CA's certificate, PEM */
    readonly caFile: string
  }
  readonly s3: {
    readonly endpoint: string
    readonly region: string
    readonly bucket: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
    /** Kafka topic of the S3 server's event notifications: the stand-in for SQS */
    readonly eventTopic: string
  }
  readonly warehouse: {
    readonly accessUrl: string
    readonly account: string
    readonly user: string
    readonly password: string
    /** PKCS #8 PEM of the same user, for key-pair login */
    readonly privateKeyFile: string
    readonly database: string
    readonly role: string
    readonly warehouse: string
    /** the storage integration that the development warehouse knows */
    readonly storageIntegration: string
  }
}
