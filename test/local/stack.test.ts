/**
 * The development stack as its users meet it: up, found again, killed, brought back, stopped, removed. On a stack of its own,
 * whose parts it may harm; the tests build on one another.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { kafkaClient } from '../../src/kafka/client.ts'
import type { Endpoints } from '../../src/local/endpoints.ts'
import { isRunning } from '../../src/local/part-process.ts'
import { openStack, type PartName, partNames } from '../../src/local/stack.ts'
import { readState, writeState } from '../../src/local/stack-state.ts'
import { connectSnowflake, type LoginConfig } from '../../src/snowflake/session.ts'
import { openStage } from '../../src/stage/s3.ts'
import type { Stage } from '../../src/stage/stage.ts'
import { createLogger } from '../../src/telemetry.ts'
import { firn } from '../support/firn.ts'
import { ownStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const logger = createLogger({ level: 'silent' })
const stack = ownStack()
let endpoints: Endpoints

before(async () => {
  endpoints = await stack.up()
})
after(() => stack.down({ clean: true }))

const pidOf = (part: PartName): number => stack.status().find((one) => one.part === part)?.pid ?? 0
const pids = (): readonly number[] => partNames.map(pidOf)
const stateOf = (part: PartName): string | undefined => stack.status().find((one) => one.part === part)?.state

function stackPartFailed(...words: readonly (string | RegExp)[]) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.code, 'STACK_PART_FAILED')
    for (const word of words) assert.match(error.message, word instanceof RegExp ? word : new RegExp(word))
    return true
  }
}

/** Kills the part behind the stack's back, and waits until it is gone. */
async function kill(part: PartName): Promise<void> {
  process.kill(pidOf(part), 'SIGKILL')
  await until(
    `${part} to be gone`,
    () => stateOf(part),
    (state) => state === 'crashed',
  )
}

async function withStage<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = openStage({ ...endpoints.s3, prefix: 'firn/' })
  try {
    return await work(stage)
  } finally {
    stage.close()
  }
}

function warehouseConfig(): LoginConfig {
  const { accessUrl, account, user, password, role } = endpoints.warehouse
  return { account, accessUrl, user, password, role, database: 'CDC' }
}

async function inWarehouse(sql: string): Promise<readonly unknown[]> {
  const session = await connectSnowflake(warehouseConfig())
  try {
    return await session.query(sql)
  } finally {
    await session.close()
  }
}

async function createTopic(topic: string): Promise<void> {
  const admin = plainClient().admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] })
  await admin.disconnect()
}

function plainClient(): ReturnType<typeof kafkaClient> {
  const { brokers } = endpoints.kafka
  return kafkaClient({ brokers: [...brokers], group: 'test', clientId: 'test', ssl: false }, logger)
}

async function send(topic: string, value: string): Promise<void> {
  const producer = plainClient().producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value }] })
  await producer.disconnect()
}

/** End offset of the topic's one partition. */
async function endOf(topic: string): Promise<number> {
  const admin = plainClient().admin()
  try {
    await admin.connect()
    const [partition] = await admin.fetchTopicOffsets(topic)
    return Number(partition?.high)
  } finally {
    await admin.disconnect()
  }
}

test('a second up finds the parts of the first, also from another process', async () => {
  const first = pids()
  assert.ok(first.every((pid) => pid > 0))
  assert.deepEqual(await openStack(stack.dir, logger).up(), endpoints)
  const printed = await firn(['local', 'up', '--json', '--dir', stack.dir])
  assert.equal(printed.code, 0, printed.stderr)
  assert.deepEqual(JSON.parse(printed.stdout), endpoints)
  assert.deepEqual(pids(), first)
})

test('nothing listens beyond loopback, and nothing on a port that the stack does not name', () => {
  const named = stack.status().flatMap(({ ports }) => ports)
  const listening = pids().flatMap((pid) => listeningSockets(pid))
  assert.deepEqual(listening.map(({ port }) => port).toSorted(), named.toSorted())
  // 127.0.0.1 as the kernel writes it, or the same as an IPv6 address
  for (const { address } of listening) assert.match(address, /^(0100007F|0000000000000000FFFF00000100007F)$/)
})

test('each part comes back after kill -9, with its data and on its ports', async (t) => {
  await t.test('kafka', async () => {
    const topic = `kept-${randomUUID()}`
    await createTopic(topic)
    await until(
      'a leader',
      () =>
        send(topic, 'kept').then(
          () => true,
          () => false,
        ),
      Boolean,
    )
    await kill('kafka')
    assert.deepEqual(await stack.up(), endpoints)
    assert.equal(await endOf(topic), 1)
  })
  await t.test('s3', async () => {
    const key = `firn/${randomUUID()}`
    await withStage((stage) => stage.put(key, Buffer.from('kept'), { rows: '1' }))
    await kill('s3')
    assert.deepEqual(await stack.up(), endpoints)
    const head = await withStage((stage) => stage.head(key))
    assert.deepEqual([head?.size, head?.metadata], [4, { rows: '1' }])
  })
  await t.test('warehouse', async () => {
    await inWarehouse('CREATE DATABASE IF NOT EXISTS KEPT')
    await kill('warehouse')
    assert.deepEqual(await stack.up(), endpoints)
    const databases = JSON.stringify(await inWarehouse("SHOW DATABASES LIKE 'KEPT'"))
    assert.match(databases, /"KEPT"/)
  })
})

test('after Kafka has been away, the S3 server still sends its events', async () => {
  await stack.stop('kafka')
  await stack.start('kafka')
  const seen = await endOf(endpoints.s3.eventTopic)
  await withStage((stage) => stage.put(`firn/${randomUUID()}`, Buffer.from('x'), {}))
  await until(
    'the event',
    () => endOf(endpoints.s3.eventTopic),
    (end) => end > seen,
  )
})

test('two commands at once take turns: one starts the part, the other finds it', async () => {
  await stack.stop('s3')
  const outcomes = await Promise.all([1, 2, 3].map(() => firn(['local', 'start', 's3', '--dir', stack.dir])))
  for (const { code, stderr } of outcomes) assert.equal(code, 0, stderr)
  const started = outcomes.filter(({ stderr }) => /^s3 +ready/m.test(stderr))
  const found = outcomes.filter(({ stderr }) => /^s3 +runs already/m.test(stderr))
  assert.deepEqual([started.length, found.length], [1, 2])
})

test('a crashed part is shown with the end of its log', async () => {
  await kill('warehouse')
  const { code, stdout } = await firn(['local', 'status', '--dir', stack.dir])
  assert.equal(code, 3)
  const [, log = ''] = stdout.split(/^warehouse +crashed$/m)
  assert.match(log, /the development warehouse listens/)
  await stack.start('warehouse')
  assert.equal(stateOf('warehouse'), 'running')
})

test('a part that ends while it starts is reported with the end of its log', async () => {
  await stack.stop('kafka')
  const identity = join(stack.dir, 'kafka', 'data', 'meta.properties')
  const text = readFileSync(identity, 'utf8')
  writeFileSync(identity, text.replace(/^node.id=.*$/m, 'node.id=7'))
  await assert.rejects(
    stack.start('kafka'),
    stackPartFailed('kafka ended while it started', /kafka\.log:\n[^]*node id/i),
  )
  assert.equal(stateOf('kafka'), 'crashed')
  writeFileSync(identity, text)
  await stack.start('kafka')
})

test('a port that someone else has taken is named', async () => {
  await stack.stop('s3')
  const port = Number(new URL(endpoints.s3.endpoint).port)
  const stranger = createServer().listen(port, '127.0.0.1')
  await assert.rejects(stack.start('s3'), stackPartFailed(`s3 .* port ${port} is taken`))
  await new Promise((resolve) => stranger.close(resolve))
  await stack.start('s3')
})

test('a part that needs another says so', async () => {
  await stack.stop('s3')
  await stack.stop('kafka')
  await assert.rejects(stack.start('s3'), stackPartFailed('s3 needs kafka'))
})

test('a process that has taken over the pid of a part is not taken for it, and not ended', async () => {
  const state = readState(stack.dir)
  assert.ok(state)
  const stranger = { pid: process.pid, startedAt: 'at another time' }
  writeState(stack.dir, { ...state, processes: { ...state.processes, s3: stranger } })
  assert.equal(stateOf('s3'), 'crashed')
  await stack.stop('s3', { signal: 'SIGKILL' })
  assert.equal(stateOf('s3'), 'stopped')
})

test('down stops all parts and keeps data and ports', async () => {
  await stack.up()
  const ran = Object.values(readState(stack.dir)?.processes ?? {})
  assert.equal(ran.length, partNames.length)
  await stack.down()
  assert.deepEqual(ran.filter(isRunning), [])
  assert.deepEqual(
    stack.status().map(({ state }) => state),
    ['stopped', 'stopped', 'stopped'],
  )
  assert.deepEqual(stack.endpoints(), endpoints)
})

test('down --clean removes everything, and may be repeated', async () => {
  await stack.start('kafka')
  const pid = pidOf('kafka')
  for (const attempt of [1, 2]) {
    const { code, stderr } = await firn(['local', 'down', '--clean', '--dir', stack.dir])
    assert.equal(code, 0, `attempt ${attempt}: ${stderr}`)
    assert.deepEqual(existsSync(stack.dir) ? readdirSync(stack.dir) : [], [], `attempt ${attempt}`)
    assert.equal(existsSync(stack.dir), false)
    assert.equal(existsSync(`/proc/${pid}`), false)
  }
})

test('a folder with other things in it is neither used nor removed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'firn-test-'))
  writeFileSync(join(dir, 'thesis.txt'), 'dear')
  const up = await firn(['local', 'up', '--dir', dir])
  assert.equal(up.code, 2)
  assert.match(up.stderr, /holds no development stack but other things, such as thesis.txt/)
  const down = await firn(['local', 'down', '--clean', '--dir', dir])
  assert.equal(down.code, 0, down.stderr)
  assert.deepEqual(readdirSync(dir), ['thesis.txt'])
  rmSync(dir, { recursive: true })
})

/** What /proc says about the listening TCP sockets of a process. */
function listeningSockets(pid: number): readonly { readonly address: string; readonly port: number }[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`)
      } catch {
        return '' // closed since it was listed
      }
    }),
  )
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(`socket:[${String(inode)}]`))
      .map(([, local = '']) => local.split(':'))
      .map(([address = '', port = '']) => ({ address, port: parseInt(port, 16) })),
  )
}
