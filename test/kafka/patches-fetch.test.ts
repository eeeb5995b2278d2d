/** What is changed in kafkajs about how a member of a group fetches: with which patience, and what it is told of what came. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { FetchedBatch } from '../../src/kafka/fetched-batch.ts'
import { hookGroup } from '../../src/kafka/group-hooks.ts'
import '../../src/kafka/patches.ts'
import { decodeRecordBatches, type RecordSet } from '../../src/kafka/record-batch.ts'
import { batchBytes } from '../support/record-batches.ts'
import { until } from '../support/until.ts'

const { prototype: group } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup') as {
  readonly prototype: Record<string, (...of: unknown[]) => unknown>
}

const quiet = {
  turn: () => 0,
  outOfRange: () => undefined,
  isAwaited: () => false,
  patience: () => ({ waitMs: 1, bytesMin: 1, ahead: true }),
  beforeRejoin: () => Promise.resolve(),
}

type Fetching = { maxWaitTime?: number; minBytes?: number }

/** A member that fetches partitions 1 and 2 from offset 7, and what it is answered. */
function fetching(
  cluster: object,
  answers: { messages: RecordSet },
  asked: Fetching[] = [],
  meanwhile: () => void = () => undefined,
) {
  const resolved: (readonly [number, string])[] = []
  const partitions = [1, 2].map((partition) => ({ partition, highWatermark: '9', abortedTransactions: [], ...answers }))
  return {
    cluster: Object.assign(cluster, {
      refreshMetadataIfNecessary: () => {
        meanwhile()
        return Promise.resolve()
      },
      findBroker: () =>
        Promise.resolve({
          fetch: ({ maxWaitTime, minBytes }: Required<Fetching>) => {
            asked.push({ maxWaitTime, minBytes })
            return Promise.resolve({ responses: [{ topicName: 't', partitions }] })
          },
        }),
    }),
    checkForStaleAssignment: () => undefined,
    subscriptionState: { assigned: () => [{ topic: 't', partitions: [1, 2] }], isPaused: () => false },
    filterPartitionsByNode: () => [{ topic: 't', partitions: [1, 2] }],
    seekOffsets: () => Promise.resolve(),
    offsetManager: { committedOffsets: () => ({ t: { 1: '0', 2: '0' } }), nextOffset: () => '7' },
    getActiveTopicPartitions: () => ({ t: new Set([1, 2]) }),
    preferredReadReplicasPerTopicPartition: {},
    seekOffset: new Map(),
    generationId: 1,
    resolveOffset: ({ partition, offset }: { partition: number; offset: string }) => resolved.push([partition, offset]),
    recoverFromFetch: (error: Error): Promise<void> => Promise.reject(error),
    resolved,
  }
}

const nothing: RecordSet = { batches: [], unreadable: null, bytes: 0 }

test('a fetch is marked with the turn in which it was asked for', async () => {
  let turn = 5
  const cluster = {}
  hookGroup(cluster, { ...quiet, turn: () => turn })
  const self = fetching(cluster, { messages: nothing }, [], () => {
    turn = 6
  })
  const batches = (await group['fetch']?.call(self, 1)) as FetchedBatch[]
  assert.deepEqual(
    batches.map(({ partition, askedAt, fetchedOffset }) => [partition, askedAt, fetchedOffset]),
    [
      [1, 5, '7'],
      [2, 5, '7'],
    ],
  )
})

test('of a fetch that brought nothing, that is told alone which its partition does not stand at', async () => {
  const cluster = {}
  hookGroup(cluster, {
    ...quiet,
    isAwaited: (topic: string, partition: number, offset: bigint) => `${topic}/${partition}@${offset}` === 't/1@7',
  })
  const batches = (await group['fetch']?.call(fetching(cluster, { messages: nothing }), 1)) as FetchedBatch[]
  assert.deepEqual(
    batches.map(({ partition }) => partition),
    [2],
  )
  // What cannot be read is told, wherever it stands.
  const damaged: RecordSet = { batches: [], unreadable: { first: 7n, last: 8n, reason: 'CRC' }, bytes: 9 }
  const told = (await group['fetch']?.call(fetching(cluster, { messages: damaged }), 1)) as FetchedBatch[]
  assert.equal(told.length, 2)
})

test('a broker is asked with the patience of the member, which hears whether the last fetch of that broker brought nothing', async () => {
  const cluster = {}
  let isAwaited = false
  hookGroup(cluster, {
    ...quiet,
    isAwaited: () => isAwaited,
    patience: (idle: boolean) =>
      idle ? { waitMs: 500, bytesMin: 1, ahead: true } : { waitMs: 50, bytesMin: 9, ahead: true },
  })
  const asked: Fetching[] = []
  const self = fetching(cluster, { messages: nothing }, asked)
  for (const [node, awaited] of [
    [1, true],
    [2, false],
    [1, false],
    [1, false],
    [2, false],
  ] as const) {
    isAwaited = awaited
    await group['fetch']?.call(self, node)
  }
  assert.deepEqual(
    asked.map(({ maxWaitTime }) => maxWaitTime),
    [50, 50, 500, 50, 50],
  )
  assert.deepEqual(
    asked.map(({ minBytes }) => minBytes),
    [9, 9, 1, 9, 9],
  )
})

test('each fetch names another topic and partition first, and all of them', () => {
  const cluster = {}
  hookGroup(cluster, quiet)
  const self = {
    cluster,
    findReadReplicaForPartitions: (_: string, partitions: readonly number[]) => ({ 1: [...partitions] }),
  }
  const topics = [
    { topic: 'a', partitions: [1, 2, 3] },
    { topic: 'b', partitions: [4] },
  ]
  const named = () => group['filterPartitionsByNode']?.call(self, 1, topics) as typeof topics
  const fetches = Array.from({ length: 6 }, named)
  assert.deepEqual(
    fetches.map(([first]) => `${first?.topic}${first?.partitions[0]}`),
    ['a1', 'b4', 'a2', 'b4', 'a3', 'b4'],
  )
  for (const fetch of fetches) {
    assert.deepEqual(fetch.flatMap(({ partitions }) => partitions).sort(), [1, 2, 3, 4])
  }
})

test('brokers that are asked one after the other are each asked for all that they have, however little an answer holds', () => {
  const cluster = {}
  hookGroup(cluster, quiet)
  const first = new Map<number, Set<number>>()
  for (let turn = 0; turn < 9; turn++) {
    for (const node of [0, 1, 2]) {
      const partitions = [0, 1, 2].map((at) => 3 * node + at)
      const self = { cluster, findReadReplicaForPartitions: () => ({ [node]: partitions }) }
      const [named] = group['filterPartitionsByNode']?.call(self, node, [{ topic: 't', partitions }]) as [
        { partitions: number[] },
      ]
      const seen = first.get(node) ?? new Set()
      first.set(node, seen.add(named.partitions[0] ?? -1))
    }
  }
  assert.deepEqual(
    [...first.values()].map(({ size }) => size),
    [3, 3, 3],
  )
})

const much: RecordSet = { ...nothing, unreadable: { first: 7n, last: 8n, reason: 'CRC' }, bytes: 2 ** 20 }

/** Like `fetching`, of a log with a backlog; `fails` says which fetch fails. */
function draining(cluster: object, fails: (fetch: number) => boolean = () => false) {
  const asked: Fetching[] = []
  let fetches = 0
  const self = fetching(cluster, { messages: much }, asked, () => {
    if (fails(++fetches)) throw new Error(`fetch ${fetches} fails`)
  })
  return { self, asked, ask: () => group['fetch']?.call(self, 1) as Promise<FetchedBatch[]> }
}
const aheadOf = async (asked: Fetching[], count: number) => {
  await until(
    'the fetch ahead',
    () => asked.length,
    (length) => length === count,
  )
}

test('where a fetch leaves a backlog the next one is asked for at once, waits for nothing, and is handed over when it is asked for', async () => {
  const cluster = {}
  let turn = 1
  hookGroup(cluster, { ...quiet, turn: () => turn, patience: () => ({ waitMs: 50, bytesMin: 9, ahead: true }) })
  const { self, asked, ask } = draining(cluster)
  await ask()
  await aheadOf(asked, 2)
  assert.deepEqual(asked, [
    { maxWaitTime: 50, minBytes: 9 },
    { maxWaitTime: 0, minBytes: 0 },
  ])
  turn = 2
  const [batch] = await ask()
  assert.equal(batch?.askedAt, 1)
  await aheadOf(asked, 3)
  assert.equal(asked[2]?.maxWaitTime, 0)
  // Each is where the next one begins, as soon as it has arrived.
  assert.deepEqual(self.resolved.slice(0, 2), [
    [1, '6'],
    [2, '6'],
  ])
})

test('nothing is asked for ahead where the member says so', async () => {
  const cluster = {}
  hookGroup(cluster, { ...quiet, patience: () => ({ waitMs: 1, bytesMin: 1, ahead: false }) })
  const { asked, ask } = draining(cluster)
  for (let fetch = 0; fetch < 3; fetch++) {
    await ask()
    await setImmediate()
  }
  assert.deepEqual(
    asked.map(({ maxWaitTime }) => maxWaitTime),
    [1, 1, 1],
  )
})

test('what went wrong with a fetch ahead is the affair of the next one, which asks nobody a second time', async () => {
  const cluster = {}
  hookGroup(cluster, quiet)
  const { self, asked, ask } = draining(cluster, (fetch) => fetch === 2)
  const recovered: string[] = []
  self.recoverFromFetch = (error) => {
    recovered.push(error.message)
    return Promise.resolve()
  }
  await ask()
  await setImmediate()
  assert.deepEqual(recovered, [], 'not before what came with the last one is taken')
  assert.deepEqual(await ask(), [])
  assert.deepEqual(recovered, ['fetch 2 fails'])
  assert.equal((await ask()).length, 2)
  assert.equal(asked[1]?.maxWaitTime, 1)
})

test('what was asked ahead in an earlier generation is neither handed over nor where the next one continues', async () => {
  const cluster = {}
  hookGroup(cluster, quiet)
  const { self, asked, ask } = draining(cluster)
  await ask()
  self.generationId = 2
  await ask()
  await aheadOf(asked, 4)
  assert.deepEqual(
    asked.map(({ maxWaitTime }) => maxWaitTime),
    [1, 0, 1, 0],
  )
})

test('a member leaves when nothing is under way any more', async () => {
  const cluster = {}
  hookGroup(cluster, quiet)
  const answer = Promise.withResolvers<undefined>()
  const { self, ask } = draining(cluster)
  const findBroker = self.cluster.findBroker
  await ask()
  // The one that was asked for ahead has arrived; the next one will not.
  await setImmediate()
  self.cluster.findBroker = async () => {
    await answer.promise
    return await findBroker()
  }
  await ask()
  let left = false
  const leaving = (group['leave']?.call(self) as Promise<void>).then(() => {
    left = true
  })
  await setImmediate()
  assert.equal(left, false)
  answer.resolve(undefined)
  await leaving
})

test("what goes wrong while markers are read ahead is kafkajs's to recover from, and nothing of the fetch is handed over", async () => {
  const cluster = {}
  hookGroup(cluster, quiet)
  const records = [{ offset: 7n, key: null, value: Buffer.from('v') }]
  const bytes = await batchBytes({ first: 7n, last: 7n, records, producerId: 1n, transactional: true })
  const self = fetching(cluster, { messages: decodeRecordBatches(bytes, () => Promise.reject(new Error('no'))) })
  const { findBroker } = self.cluster
  const recovered: string[] = []
  for (const name of ['KafkaJSProtocolError', 'KafkaJSOffsetOutOfRange']) {
    let fetches = 0
    Object.assign(self.cluster, {
      findBroker: async () => {
        if (fetches++ === 0) return await findBroker()
        throw Object.assign(new Error('gone'), { name })
      },
    })
    Object.assign(self, {
      recoverFromFetch: (error: Error) => {
        recovered.push(error.name)
        return Promise.resolve()
      },
    })
    const batches = (await group['fetch']?.call(self, 1)) as FetchedBatch[]
    // Where the leader does not know its log's end yet, what it lists counts.
    assert.equal(batches.length, name === 'KafkaJSOffsetOutOfRange' ? 2 : 0)
  }
  assert.deepEqual(recovered, ['KafkaJSProtocolError'])
})
