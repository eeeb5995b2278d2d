/**
 * The one door to Kafka: this folder alone imports kafkajs. Makes clients from Firn's settings, with every codec, and maps
 * kafkajs's errors to failures. What is consumed and committed is decided in ingest/.
 */
import type { Consumer, ConsumerConfig, Kafka, LogEntry } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import { Failure, type FailureCode } from '../failure.ts'
import type { Logger } from '../telemetry.ts'
import { registerCodecs } from './codecs.ts'
import type { Cluster } from './group-hooks.ts'
import { loginOptions } from './login.ts'
import { kafkajs } from './patches.ts'

export type {
  Admin,
  Consumer,
  EachBatchPayload,
  Kafka,
  KafkaMessage,
  Message as ProducedMessage,
  Producer,
  RecordMetadata,
} from 'kafkajs'
export const { CompressionTypes, Partitioners } = kafkajs

/**
 * A client that has not connected yet. kafkajs's own log lines arrive at debug: what matters in them comes back as an
 * error, which its caller reports once and in Firn's words.
 */
export function kafkaClient(config: KafkaConfig, logger: Logger): Kafka {
  registerCodecs()
  const { brokers, clientId, ca, cert, key, sasl } = config
  const tls = { ...(ca ? { ca: [ca] } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) }
  const encrypted = config.ssl || Object.keys(tls).length > 0
  return new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    ...(encrypted ? { ssl: tls } : {}),
    ...(sasl ? { sasl: loginOptions(sasl) } : {}),
    connectionTimeout: 5_000,
    authenticationTimeout: 10_000,
    // 0.2 + 0.4 + 0.8 + 1.6 s: an outage shows after 3 s, and the caller's own patience takes over.
    retry: { initialRetryTime: 200, retries: 4 },
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => logInto(logger),
  })
}

function logInto(logger: Logger): (entry: LogEntry) => void {
  return ({ namespace, label, log }) => {
    const { message, error, topic, partition } = log as { readonly message: string; readonly [member: string]: unknown }
    const reason = typeof error === 'string' ? error : undefined
    logger.debug({ kafkajs: namespace, label, topic, partition, reason }, message)
  }
}

/** A consumer, and its view of the brokers, which kafkajs shows to assigners alone. */
export function consumerOf(
  kafka: Kafka,
  config: ConsumerConfig,
): { readonly consumer: Consumer; readonly cluster: Cluster } {
  const clusters: Cluster[] = []
  const consumer = kafka.consumer({
    ...config,
    partitionAssigners: [
      (assigner) => {
        clusters.push(assigner.cluster)
        return kafkajs.PartitionAssigners.roundRobin(assigner)
      },
    ],
  })
  const [cluster] = clusters
  if (!cluster) throw new Failure('UNKNOWN', 'kafkajs made a consumer without an assigner')
  return { consumer, cluster }
}

/** kafkajs's errors in Firn's words, the cause kept. `attempt` completes "cannot ...". */
export function kafkaFailure(error: unknown, attempt: string): Failure {
  if (error instanceof Failure) return error
  const root = rootOf(error)
  // Of the login: kafkajs repeats that like any other request.
  if (root instanceof Failure) return root
  const reason = plainReason(root instanceof Error ? root.message : String(root))
  return new Failure(kafkaCode(root), `cannot ${attempt}: ${reason}`, { cause: error })
}

/** OpenSSL's words without the places in its source, on one line. */
function plainReason(message: string): string {
  return message.replace(/[0-9A-F]{8,}:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):[^]*$/, '$1').trim()
}

type KafkaError = Error & {
  readonly type?: string
  readonly code?: string
  readonly retriable?: boolean
  readonly cause?: unknown
}

/** kafkajs wraps the error that counts once for each loop of retries. */
function rootOf(error: unknown): unknown {
  const wrappers = new Set(['KafkaJSNumberOfRetriesExceeded', 'KafkaJSNonRetriableError', 'KafkaJSError'])
  let root = error
  while (root instanceof Error && wrappers.has(root.name) && root.cause instanceof Error) root = root.cause
  return root
}

const unreachable = new Set([
  'KafkaJSBrokerNotFound',
  'KafkaJSConnectionClosedError',
  'KafkaJSConnectionError',
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSRequestTimeoutError',
])

const loginRefusals = new Set(['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM'])

/** One side does not take the other's certificate, or there is no TLS there; or this side's own PEM is none. */
function isRefusedByTls({ name, code, message }: KafkaError): boolean {
  if (name !== 'KafkaJSConnectionError') return false
  const codes = /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY)_)/
  // kafkajs says so where the connection could not even be tried.
  return codes.test(code ?? '') || message.startsWith('Failed to connect: ')
}

function kafkaCode(root: unknown): FailureCode {
  if (!(root instanceof Error)) return 'UNKNOWN'
  const { name, type = '', retriable } = root as KafkaError
  if (isRefusedByTls(root)) return 'KAFKA_DENIED'
  if (name === 'KafkaJSSASLAuthenticationError' || loginRefusals.has(type)) return 'KAFKA_DENIED'
  // A login on a connection that had one less than a second ago; a new connection may.
  if (type === 'ILLEGAL_SASL_STATE') return 'KAFKA_FAILED'
  if (type.endsWith('_AUTHORIZATION_FAILED')) return 'KAFKA_FORBIDDEN'
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return 'TOPIC_MISSING'
  if (unreachable.has(name) || type === 'LEADER_NOT_AVAILABLE') return 'KAFKA_UNREACHABLE'
  return retriable === true || name === 'KafkaJSNumberOfRetriesExceeded' ? 'KAFKA_FAILED' : 'UNKNOWN'
}
