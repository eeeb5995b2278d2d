/** kafkajs's errors and messages in Firn's words. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { kafkaFailure } from '../../src/kafka/client.ts'
import { kafkajs } from '../../src/kafka/patches.ts'

const codeOf = (error: unknown) => kafkaFailure(error, 'read').code
const named = (name: string) => Object.assign(new kafkajs.KafkaJSNonRetriableError('no'), { name })
const protocolError = (type: string, retriable = false) =>
  Object.assign(new kafkajs.KafkaJSNonRetriableError(type), { name: 'KafkaJSProtocolError', type, retriable })

test('errors of kafkajs become failures by what they mean', () => {
  assert.equal(codeOf(new kafkajs.KafkaJSConnectionError('connect ECONNREFUSED')), 'KAFKA_UNREACHABLE')
  assert.equal(codeOf(named('KafkaJSSASLAuthenticationError')), 'KAFKA_DENIED')
  assert.equal(codeOf(protocolError('UNSUPPORTED_SASL_MECHANISM')), 'KAFKA_DENIED')
  assert.equal(codeOf(protocolError('ILLEGAL_SASL_STATE')), 'KAFKA_FAILED')
  assert.equal(codeOf(protocolError('TOPIC_AUTHORIZATION_FAILED')), 'KAFKA_FORBIDDEN')
  assert.equal(codeOf(protocolError('GROUP_AUTHORIZATION_FAILED')), 'KAFKA_FORBIDDEN')
  assert.equal(codeOf(protocolError('UNKNOWN_TOPIC_OR_PARTITION', true)), 'TOPIC_MISSING')
  assert.equal(codeOf(protocolError('COORDINATOR_LOAD_IN_PROGRESS', true)), 'KAFKA_FAILED')
  assert.equal(codeOf(new RangeError('Maximum call stack size exceeded')), 'UNKNOWN')
  assert.equal(codeOf('a word'), 'UNKNOWN')
})

test('an error that kafkajs wrapped in its retries counts for what it is, and is kept as the cause', () => {
  const root = new kafkajs.KafkaJSConnectionError('connect ECONNREFUSED')
  const wrapper = new kafkajs.KafkaJSNonRetriableError('gave up')
  const outer = Object.assign(wrapper, { name: 'KafkaJSNumberOfRetriesExceeded', cause: root })
  const failure = kafkaFailure(outer, 'read the log')
  assert.equal(failure.code, 'KAFKA_UNREACHABLE')
  assert.equal(failure.message, 'cannot read the log: connect ECONNREFUSED')
  assert.equal(failure.cause, outer)
})

test('a failure stays what it is', () => {
  const failure = new Failure('STAGE_DENIED', 'no')
  assert.equal(kafkaFailure(failure, 'read'), failure)
})
