/**
 * Three brokers: a replica that copied what it leads by now, and one broker away, so that its partitions have no leader.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Kafka, kafkaClient, Partitioners, type ProducedMessage, type Producer } from '../../src/kafka/client.ts'
import { type PartitionFetcher, partitionFetcher } from '../../src/kafka/partition-fetcher.ts'
import { createLogger } from '../../src/telemetry.ts'
import { until } from '../support/until.ts'
import { allEnded } from './child.ts'
import { type Ground, hasTold, startGround, told } from './ground.ts'
import './leave.ts'
import { noneOpen } from './workload.ts'

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
   * Apache Kafka 4.3.1: where a replica copies several transactions of a producer in one piece, its index says of each that all is
   * stable up to the first open transaction of another producer; a search for what was aborted stops at the first that says so of
   * all that is fetched. As a leader it tells every reader of too few.
   */
  describe('what was aborted stays aborted where a replica that copied it says nothing of it', () => {
    let one: Producer
    let other: Producer
    let fetcher: PartitionFetcher
    let sent = 0
    before(async () => {
      const settings = { idempotent: true, maxInFlightRequests: 1, transactionTimeout: 600_000 }
      one = kafka.producer({ transactionalId: 'one', ...settings })
      other = kafka.producer({ transactionalId: 'other', ...settings })
      fetcher = partitionFetcher(kafka, 'x')
      await Promise.all([one.connect(), other.connect(), fetcher.connect()])
    })
    after(() => Promise.all([one.disconnect(), other.disconnect(), fetcher.close()]))

    const message = (bytes: number): ProducedMessage => {
      const text = randomBytes((bytes * 3) / 4).toString('base64')
      return {
        key: String(++sent),
        value: `{"operation":"INSERT","before":null,"after":{"id":${sent},"text":"${text}"}}`,
      }
    }
    const begin = async (producer: Producer, topic: string, sizes: readonly number[]) => {
      const transaction = await producer.transaction()
      for (const size of sizes) await transaction.send({ topic, messages: [message(size)] })
      return transaction
    }
    const lead = async (topic: string, id: number) => {
      const partitionAssignment = [{ partition: 0, replicas: [id] }]
      await ground.admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] })
      const replicas = async () => {
        const [found] = (await ground.admin.fetchTopicMetadata({ topics: [topic] })).topics
        return found?.partitions.map(({ leader, replicas }) => [leader, ...replicas].join(' ')).join()
      }
      await until('another replica', replicas, (all) => all === `${id} ${id}`)
    }
    /** Where Kafka lists what it should, it has been mended, and these tests show nothing any more. */
    const lists = async (topic: string, offset: bigint, expected: readonly string[]) => {
      const listed = async () => {
        const options = { isolation: 'committed', bytesMax: 2 ** 20, waitMs: 500 } as const
        const data = await fetcher.fetch({ topic, partition: 0, offset }, options)
        return data?.abortedTransactions?.map(({ firstOffset }) => firstOffset).join(' ')
      }
      await until(
        'what the broker lists',
        () => listed().catch(String),
        (all) => all === expected.join(' '),
        30_000,
      )
    }
    const created = async (name: string) => {
      const topic = `lab.${name}`
      await ground.admin.createTopics({ topics: [{ topic, replicaAssignment: [{ partition: 0, replicas: [1] }] }] })
      return topic
    }

    test('of a transaction that ends beyond a fetch', async () => {
      const topic = await created('copied')
      const plain = kafka.producer()
      await plain.connect()
      const send = async (count: number) => {
        for (let at = 0; at < count; at++) await plain.send({ topic, messages: [message(100_000)] })
      }
      await (await begin(one, topic, [12])).abort()
      await send(9)
      // It begins before the end of a fetch of 1 MiB, and ends behind it.
      await (await begin(one, topic, [100_000, 100_000, 100_000])).abort()
      await (await begin(one, topic, [12])).abort()
      await send(9)
      await (await begin(other, topic, [12])).commit()
      await plain.disconnect()
      await lead(topic, 2)
      await lists(topic, 0n, ['0'])

      const bench = await ground.bench('copied', 1)
      const member = await bench.startMember()
      await bench.drained(deadlineMs)
      member.signal('SIGTERM')
      await allEnded([member])
      const { messages } = await bench.audit()
      assert.equal(messages, 19)
    })

    test('of a transaction that ends behind the last stable offset', async () => {
      const topic = await created('unstable')
      await (await begin(one, topic, [12])).abort()
      const short = await begin(one, topic, [6_000, 6_000, 6_000])
      const open = await begin(other, topic, [6_000])
      await short.abort()
      await lead(topic, 2)
      await lists(topic, 2n, [])

      const bench = await ground.bench('unstable', 1)
      const member = await bench.startMember()
      await bench.drained(deadlineMs)
      await open.commit()
      await noneOpen(ground.admin, { brokers: ground.cluster.direct, topic, partitions: 1 })
      await bench.drained(deadlineMs)
      member.signal('SIGTERM')
      await allEnded([member])
      const { messages } = await bench.audit()
      assert.equal(messages, 1)
    })
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
