/**
 * Three brokers, topics without replicas, and one broker away: its partitions have no leader.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { createLogger } from '../../src/telemetry.ts'
import { allEnded } from './child.ts'
import './leave.ts'
import { hasTold, startGround, told } from './ground.ts'
import { until } from '../support/until.ts'

const deadlineMs = 180_000

test('a partition without a leader keeps no other from going on, nor does one of a topic that nobody reads', async () => {
  const ground = await startGround(3)
  const { cluster, admin } = ground
  const client = { brokers: [...cluster.direct], group: 'x', clientId: 'lab', ssl: false }
  const producer = kafkaClient(client, createLogger({ level: 'silent' })).producer({
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
    await ground.down()
  }
})
