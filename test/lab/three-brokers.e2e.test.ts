/**
 * Three brokers: a replica that copied what it leads by now, and one broker away, so that its partitions have no leader.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Kafka, kafkaClient, Partitioners, type ProducedMessage } from '../../src/kafka/client.ts'
import { partitionFetcher } from '../../src/kafka/partition-fetcher.ts'
import { createLogger } from '../../src/telemetry.ts'
import { until } from '../support/until.ts'
import { allEnded } from './child.ts'
import { type Ground, hasTold, startGround, told } from './ground.ts'
import './leave.ts'

const deadlineMs = 180_000

describe('three brokers', () => {
  let ground: Ground
  let kafka: Kafka
  before(async () => {
    ground = await startGround(3)
    const client = { brokers: [...ground.cluster.direct], group: 'x', clientId: 'lab', ssl: false }
    kafka = kafkaClient(client, createLogger({ level: 'silent' }))
  })
  after(() => ground.down())

  /**
   * Apache Kafka 4.3.1: of the transactions of one producer that a replica copies in one piece, its index says that all is stable up to
   * the next producer's, and a search of the index for what was aborted stops there. As a leader it lists too few to each reader.
   */
  test('what was aborted stays aborted where a replica that copied it says nothing of it', async () => {
    const { admin } = ground
    const topic = 'lab.copied'
    const plain = kafka.producer()
    const [one, other] = ['one', 'other'].map((transactionalId) =>
      kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 }),
    )
    const fetcher = partitionFetcher(kafka, 'x')
    try {
      assert.ok(one && other)
      await admin.createTopics({ topics: [{ topic, replicaAssignment: [{ partition: 0, replicas: [1] }] }] })
      await Promise.all([plain.connect(), one.connect(), other.connect(), fetcher.connect()])
      let sent = 0
      const message = (bytes: number): ProducedMessage => ({
        key: String(++sent),
        value: `{"operation":"INSERT","before":null,"after":{"id":${sent},"text":"${randomBytes((bytes * 3) / 4).toString('base64')}"}}`,
      })
      const send = async (count: number) => {
        for (let at = 0; at < count; at++) await plain.send({ topic, messages: [message(100_000)] })
      }
      const transact = async (producer: typeof one, bytes: readonly number[], end: 'abort' | 'commit') => {
        const transaction = await producer.transaction()
        for (const size of bytes) await transaction.send({ topic, messages: [message(size)] })
        await transaction[end]()
      }
      await transact(one, [12], 'abort')
      await send(9)
      // It begins before the end of a fetch of 1 MiB, and ends behind it.
      await transact(one, [100_000, 100_000, 100_000], 'abort')
      await transact(one, [12], 'abort')
      await send(9)
      await transact(other, [12], 'commit')

      const topics = [{ topic, partitionAssignment: [{ partition: 0, replicas: [2] }] }]
      await admin.alterPartitionReassignments({ topics })
      const replicas = async () => {
        const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics
        return found?.partitions.map(({ leader, replicas }) => [leader, ...replicas].join(' ')).join()
      }
      await until('another replica', replicas, (all) => all === '2 2')
      const listed = async () => {
        const options = { isolation: 'committed', bytesMax: 2 ** 20, waitMs: 500 } as const
        const data = await fetcher.fetch({ topic, partition: 0, offset: 0n }, options)
        return data?.abortedTransactions?.map(({ firstOffset }) => firstOffset).join(' ')
      }
      // Of two. Where it lists both, Kafka has been mended, and this test shows nothing any more.
      await until(
        'what the broker lists',
        () => listed().catch(String),
        (firsts) => firsts === '0',
        30_000,
      )

      const bench = await ground.bench('copied', 1)
      const member = await bench.startMember()
      await bench.drained(deadlineMs)
      member.signal('SIGTERM')
      await allEnded([member])
      const { messages } = await bench.audit()
      assert.equal(messages, 19)
    } finally {
      await Promise.all([plain.disconnect(), one?.disconnect(), other?.disconnect(), fetcher.close()])
    }
  })

  test('a partition without a leader keeps no other from going on, nor does one of a topic that nobody reads', async () => {
    const { cluster, admin } = ground
    const producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { retries: 20, maxRetryTime: 1_000 },
    })
    try {
      const on = (partition: number, id: number) => ({ partition, replicas: [id] })
      await admin.createTopics({
        topics: [
          { topic: 'lab.led', replicaAssignment: [on(0, 1), on(1, 2), on(2, 3)] },
          { topic: 'lab.unread', replicaAssignment: [on(0, 3)] },
        ],
        waitForLeaders: false,
      })
      await producer.connect()
      let sent = 0
      const send = async (partitions: readonly number[]) => {
        const messages = partitions.map((partition) => ({
          partition,
          key: String(partition),
          value: `{"operation":"UPDATE","before":null,"after":{"id":${partition},"n":${++sent}}}`,
        }))
        await producer.send({ topic: 'lab.led', messages })
      }
      const bench = await ground.bench('led', 3, { stuckAfter: '5s' })
      const first = await bench.startMember()
      await send([0, 1, 2])
      await bench.drained(deadlineMs)

      await cluster.brokers[2]?.stop('SIGKILL')
      const ends = () =>
        admin.fetchTopicOffsets('lab.led').then(
          ({ length }) => length,
          // Of a broker that went away just now.
          () => 0,
        )
      await until('a partition without a leader', ends, (count) => count === 2, deadlineMs)
      await send([0, 1])
      await bench.drained(deadlineMs, 2)
      await until('the trouble told', () => hasTold(first, '"code":"LEADER_MISSING"'), Boolean, deadlineMs)
      first.signal('SIGTERM')
      await allEnded([first])
      assert.equal((await first.ended).code, 0, told(first))
      const second = await bench.startMember()
      await send([0, 1])
      await bench.drained(deadlineMs, 2)

      await cluster.brokers[2]?.start()
      await until('all leaders', ends, (count) => count === 3, deadlineMs)
      await send([0, 1, 2])
      await bench.drained(deadlineMs)
      assert.ok(second.running(), told(second))
      second.signal('SIGTERM')
      await allEnded([second])
      const { messages } = await bench.audit()
      assert.equal(messages, sent)
    } finally {
      await producer.disconnect()
    }
  })
})
