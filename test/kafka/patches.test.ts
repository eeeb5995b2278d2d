/** What is changed inside kafkajs, each change where it takes hold. What they do on a real broker is in the tests of firn run. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { kafkaClient } from '../../src/kafka/client.ts'
import { FetchedBatch } from '../../src/kafka/fetched-batch.ts'
import { generationOf, hookGroup } from '../../src/kafka/group-hooks.ts'
import { createLogger } from '../../src/telemetry.ts'

const inside = createRequire(import.meta.url)
const prototypeOf = (path: string) =>
  (inside(path) as { readonly prototype: Record<string, (...of: unknown[]) => unknown> }).prototype
const group = prototypeOf('kafkajs/src/consumer/consumerGroup')
const runner = prototypeOf('kafkajs/src/consumer/runner')
const manager = prototypeOf('kafkajs/src/consumer/offsetManager')
const queue = prototypeOf('kafkajs/src/network/requestQueue')

type RawConnection = {
  connect(): Promise<boolean>
  disconnect(): Promise<boolean>
  send(call: {
    request: object
    response: Record<'decode' | 'parse', (payload: Buffer) => Promise<Buffer>>
  }): Promise<Buffer>
}

const quiet = {
  turn: () => 0,
  outOfRange: () => undefined,
  isAwaited: () => false,
  patience: () => ({ waitMs: 1, bytesMin: 1 }),
  beforeRejoin: () => Promise.resolve(),
}
const empty = (fetched: string) =>
  new FetchedBatch('t', fetched, {
    partition: 1,
    highWatermark: '9',
    abortedTransactions: [],
    messages: { batches: [], unreadable: null },
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
  const resolved: unknown[] = []
  const self = {
    running: true,
    consumerGroup: { cluster, resolveOffset: (at: unknown) => resolved.push(at) },
    heartbeat: () => Promise.resolve(),
    eachBatch: (payload: { batch: unknown; resolveOffset(offset: string): void }) => {
      seen.push(payload.batch)
      payload.resolveOffset('6')
      return Promise.resolve()
    },
  }
  const batch = empty('7')
  await runner['handleBatch']?.call(self, batch)
  assert.deepEqual(seen, [batch])
  assert.deepEqual(resolved, [{ topic: 't', partition: 1, offset: '6' }])
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

test('an idle connection has no timer, a full one looks again, and never after a negative time', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000 })
  let checks = 0
  const self = {
    pending: [] as unknown[],
    throttledUntil: -1,
    throttleCheckTimeoutId: null,
    checkPendingRequests: () => checks++,
  }
  const schedule = () => queue['scheduleCheckPendingRequests']?.call(self)
  schedule()
  assert.equal(self.throttleCheckTimeoutId, null)
  self.pending.push('request')
  schedule()
  assert.notEqual(self.throttleCheckTimeoutId, null)
  t.mock.timers.tick(10)
  assert.equal(checks, 1)
  self.throttledUntil = 1_510
  schedule()
  t.mock.timers.tick(499)
  assert.equal(checks, 1)
  t.mock.timers.tick(1)
  assert.equal(checks, 2)
})

/** Answers each request with its size doubled, but the first one on each of the first connections only by half. */
async function halvingServer(halved: number) {
  let connections = 0
  const server = createServer((socket) => {
    const halves = connections++ < halved
    socket.on('data', (data) => {
      const answer = Buffer.alloc(4 + 4 + 1_000, 7)
      answer.writeInt32BE(1_004, 0)
      // The correlation id stands behind length, key and version.
      answer.writeInt32BE(data.readInt32BE(8), 4)
      if (halves) socket.end(answer.subarray(0, 500))
      else socket.write(answer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, connections: () => connections, close: () => server.close() }
}

test('after a connection broke in the middle of an answer the next one reads its own from their beginning', async (t) => {
  const server = await halvingServer(1)
  t.after(() => server.close())
  const Encoder = inside('kafkajs/src/protocol/encoder') as new () => object
  const Connection = inside('kafkajs/src/network/connection') as new (options: object) => RawConnection
  const createSocket = inside('kafkajs/src/network/socketFactory') as () => unknown
  const quietLog = {
    debug: () => undefined,
    error: () => undefined,
    warn: () => undefined,
    namespace: (): unknown => quietLog,
  }
  const connection = new Connection({
    host: '127.0.0.1',
    port: server.port,
    logger: quietLog,
    socketFactory: createSocket(),
    requestTimeout: 5_000,
    connectionTimeout: 1_000,
  })
  const ask = () =>
    connection.send({
      request: {
        apiKey: 18,
        apiVersion: 0,
        apiName: 'ApiVersions',
        encode: () => Promise.resolve(new Encoder()),
      },
      response: { decode: (payload) => Promise.resolve(payload), parse: (payload) => Promise.resolve(payload) },
    })
  await Promise.all([connection.connect(), connection.connect()])
  assert.equal(server.connections(), 1, 'two that connect at once share a connection')
  await assert.rejects(ask(), /Closed connection/)
  await connection.connect()
  for (let turn = 0; turn < 3; turn++) assert.equal((await ask()).length, 1_000)
  await connection.disconnect()
})

test('an answer that is none breaks its connection, not the process', async () => {
  const server = createServer((socket) => {
    socket.on('data', () => socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0])))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const settings = {
    brokers: [`127.0.0.1:${(server.address() as AddressInfo).port}`],
    group: 'x',
    clientId: 'x',
    ssl: false,
  }
  const admin = kafkaClient(settings, createLogger({ level: 'silent' })).admin({ retry: { retries: 0 } })
  await assert.rejects(admin.connect())
  await admin.disconnect()
  server.close()
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
