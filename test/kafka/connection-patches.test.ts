/** What is changed inside kafkajs about its connections: how they begin, how answers are put together, what an idle one costs. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { kafkaClient } from '../../src/kafka/client.ts'
import { releaseAnswer } from '../../src/memory.ts'
import { createLogger } from '../../src/telemetry.ts'

const inside = createRequire(import.meta.url)
const prototypeOf = (path: string) =>
  (inside(path) as { readonly prototype: Record<string, (...of: unknown[]) => unknown> }).prototype
const queue = prototypeOf('kafkajs/src/network/requestQueue')
const wire = prototypeOf('kafkajs/src/network/connection')

type RawConnection = {
  connect(): Promise<boolean>
  disconnect(): Promise<boolean>
  send(call: {
    request: object
    response: Record<'decode' | 'parse', (payload: Buffer) => Promise<Buffer>>
  }): Promise<Buffer>
}

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

/** An answer as a broker sends it: its length, the number of its request, and what it says. */
function answerBytes(number: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(4 + payload.length, 0)
  head.writeInt32BE(number, 4)
  return Buffer.concat([head, payload])
}

/** A connection that notes what it reads. */
function noting() {
  const read: (readonly [number, Buffer])[] = []
  const self = {
    chunks: [],
    bytesBuffered: 0,
    bytesNeeded: 4,
    requestQueue: {
      fulfillRequest: ({ correlationId, payload }: { correlationId: number; payload: Buffer }) =>
        read.push([correlationId, payload]),
    },
    socket: { destroy: (error: Error) => assert.fail(error) },
  }
  return { read, take: (piece: Buffer) => wire['processData']?.call(self, piece) }
}

/** Memory of its own, as what a socket reads has. */
const ownPiece = (bytes: Uint8Array) => Buffer.from(new Uint8Array(bytes).buffer)

test('answers are read as they were sent, in whatever pieces they come, whosoever the memory of these is, and given back or not', () => {
  const answers = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 8 })
  const lengthsOf = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 })
  fc.assert(
    fc.property(answers, lengthsOf, fc.boolean(), fc.boolean(), (payloads, lengths, isOwn, isReleased) => {
      const { read, take } = noting()
      const kept: (readonly [number, Buffer])[] = []
      const sent = payloads.map((payload, at) => [at, Buffer.from(payload)] as const)
      const bytes = Buffer.concat(sent.map(([at, payload]) => answerBytes(at, payload)))
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const length = lengths[turn % lengths.length] ?? 1
        const piece = bytes.subarray(at, at + length)
        take(isOwn ? ownPiece(piece) : Buffer.from(piece))
        at += length
        for (const [number, payload] of read.splice(0)) {
          kept.push([number, Buffer.from(payload)])
          if (isReleased) releaseAnswer(payload.buffer)
        }
      }
      assert.deepEqual(kept, sent)
    }),
  )
})

test('an answer that came in pieces is given back by its memory, and with it no other', () => {
  const { read, take } = noting()
  const payloads = [1, 2, 3].map((byte) => Buffer.alloc(1_000, byte))
  const bytes = Buffer.concat(payloads.map((payload, at) => answerBytes(at, payload)))
  // The second piece holds the end of the first answer, and the beginning of the second.
  for (const [from, to] of [
    [0, 500],
    [500, 1_500],
    [1_500, bytes.length],
  ] as const) {
    take(ownPiece(bytes.subarray(from, to)))
  }
  const [first, ...others] = read.map(([, payload]) => payload)
  assert.ok(first)
  releaseAnswer(first.buffer)
  releaseAnswer(first.buffer)
  assert.equal(first.length, 0)
  assert.deepEqual(others, payloads.slice(1))
  // What came in one piece lies beside others there, and stays.
  const [, last] = others
  assert.ok(last)
  releaseAnswer(last.buffer)
  assert.deepEqual(last, payloads[2])
})
