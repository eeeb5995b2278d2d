/** What is changed inside kafkajs, each change where it takes hold. What they do on a real broker is in the tests of firn run. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import '../../src/kafka/patches.ts'
import { FetchedBatch } from '../../src/kafka/fetched-batch.ts'
import { generationOf, hookGroup } from '../../src/kafka/group-hooks.ts'

const inside = createRequire(import.meta.url)
const prototypeOf = (path: string) =>
  (inside(path) as { readonly prototype: Record<string, (...of: unknown[]) => unknown> }).prototype
const group = prototypeOf('kafkajs/src/consumer/consumerGroup')
const runner = prototypeOf('kafkajs/src/consumer/runner')
const manager = prototypeOf('kafkajs/src/consumer/offsetManager')

const quiet = {
  turn: () => 0,
  outOfRange: () => undefined,
  isAwaited: () => false,
  patience: () => ({ waitMs: 1, bytesMin: 1, ahead: true }),
  beforeRejoin: () => Promise.resolve(),
}
const empty = (fetched: string) =>
  new FetchedBatch('t', fetched, {
    partition: 1,
    highWatermark: '9',
    abortedTransactions: [],
    messages: { batches: [], unreadable: null, bytes: 0 },
  })

test('an offset outside of the log is told, and neither committed nor left', async () => {
  const told: unknown[] = []
  const cluster = {}
  hookGroup(cluster, { ...quiet, outOfRange: (...place) => told.push(place) })
  // Without the members that a commit would need.
  await manager['setDefaultOffset']?.call({ cluster }, { topic: 't', partition: 1 })
  assert.deepEqual(told, [['t', 1]])
})

test('a consumer without hooks resets its offset as kafkajs does', async () => {
  const committed: unknown[] = []
  const self = {
    cluster: { defaultOffset: () => -2 },
    topicConfigurations: {},
    getCoordinator: () => ({ offsetCommit: (request: unknown) => committed.push(request) }),
    clearOffsets: () => undefined,
  }
  await manager['setDefaultOffset']?.call(self, { topic: 't', partition: 1 })
  assert.equal(committed.length, 1)
})

test('a member with hooks is handed each fetch as it is, also one without messages', async () => {
  const cluster = {}
  hookGroup(cluster, quiet)
  const seen: unknown[] = []
  const self = {
    running: true,
    consumerGroup: { cluster },
    heartbeat: () => Promise.resolve(),
    eachBatch: (payload: { batch: unknown }) => {
      seen.push(payload.batch)
      return Promise.resolve()
    },
  }
  const batch = empty('7')
  await runner['handleBatch']?.call(self, batch)
  assert.deepEqual(seen, [batch])
  await runner['handleBatch']?.call({ ...self, running: false }, batch)
  assert.equal(seen.length, 1)
})

test('a consumer that is stopped while its brokers change ends, and does not spin', async () => {
  type FetchManager = { start(): Promise<void>; stop(): Promise<void> }
  const createFetchManager = inside('kafkajs/src/consumer/fetchManager') as (options: object) => FetchManager
  const silent = { debug: () => undefined, namespace: () => silent }
  let nodes = [1]
  let asked = 0
  const member = Object.assign(Object.create(runner) as { running: boolean; fetch(id: number): Promise<unknown[]> }, {
    running: true,
    logger: silent,
    instrumentationEmitter: { emit: () => undefined },
    consumerGroup: {
      heartbeat: () => Promise.resolve(),
      fetch: async () => {
        await Promise.resolve()
        // The brokers have changed by the next fetch, which makes new fetchers; by then the consumer is stopped.
        nodes = [1, 2]
        return []
      },
    },
    fetchManager: null as FetchManager | null,
  })
  const manager = createFetchManager({
    logger: silent,
    getNodeIds: () => {
      if (++asked > 1_000) throw new Error('it spins')
      if (nodes.length > 1 && member.running) {
        member.running = false
        void member.fetchManager?.stop()
      }
      return nodes
    },
    fetch: (id: number) => member.fetch(id),
    handler: () => Promise.resolve(),
  })
  member.fetchManager = manager
  await manager.start()
  assert.ok(asked < 20, `${asked} looks at the brokers`)
})

test('a commit goes out in the generation that it was asked for', async () => {
  const commits: unknown[] = []
  const cluster = {}
  const managerOf = (id: number) => ({
    commitOffsets: (offsets: unknown) => Promise.resolve(commits.push([id, offsets])),
  })
  const joined: string[] = []
  hookGroup(cluster, { ...quiet, beforeRejoin: () => Promise.resolve(void joined.push('asked')) })
  const self = {
    cluster,
    generationId: 1,
    offsetManager: managerOf(1),
    retrier: () => Promise.resolve(void joined.push('joined')),
  }
  assert.equal(generationOf(cluster), null)
  await group['joinAndSync']?.call(self)
  assert.deepEqual(joined, ['asked', 'joined'])
  const first = generationOf(cluster)
  Object.assign(self, { generationId: 2, offsetManager: managerOf(2) })
  await first?.commit('t', 1, 9n, 'm')
  await generationOf(cluster)?.commit('t', 1, 10n, 'n')
  const topics = (offset: string, metadata: string) => ({
    topics: [{ topic: 't', partitions: [{ partition: 1, offset, metadata }] }],
  })
  assert.deepEqual(commits, [
    [1, topics('9', 'm')],
    [2, topics('10', 'n')],
  ])
})

test('kafkajs that was loaded before its changes ends the process at once', () => {
  const patches = fileURLToPath(new URL('../../src/kafka/patches.ts', import.meta.url))
  const script = `await import('kafkajs'); await import(${JSON.stringify(patches)})`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  })
  assert.equal(status, 1)
  assert.match(stderr, /kafkajs was loaded before its changes/)
})
