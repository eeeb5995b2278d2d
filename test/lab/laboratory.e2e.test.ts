/**
 * Short versions of what `make crash-matrix`, `make chaos` and `make outage` do at length: each point once, a minute of chaos
 * with a fixed seed, half a minute without a store. And a process that is stuck.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { failPoints } from '../../src/fail-point.ts'
import { kafkaClient } from '../../src/kafka/client.ts'
import { createLogger } from '../../src/telemetry.ts'
import { until } from '../support/until.ts'
import { drainBoundMs, runChaos } from './chaos.ts'
import { allEnded } from './child.ts'
import { runCase } from './crash-matrix.ts'
import { type Ground, hasTold, startGround } from './ground.ts'
import './leave.ts'
import { residentGrowthMax, runOutage } from './outage.ts'
import { seededRandom } from './random.ts'
import { noneOpen, startWorkload } from './workload.ts'

/** Of Kafka's protocol. */
const fetchApi = 1

describe('one broker', { concurrency: 2 }, () => {
  let ground: Ground
  before(async () => {
    ground = await startGround(1)
  })
  after(() => ground.down())

  for (const members of [1, 2] as const) {
    test(`killed at each point, with ${members} member(s): nothing is missing, wrong or replaced`, async (t) => {
      const { kills, report } = await runCase(ground, { members, store: 'healthy' }, 1, (line) => {
        t.diagnostic(line)
      })
      assert.equal(kills, failPoints.length)
      assert.ok(report.messages > 1_000)
      t.diagnostic(JSON.stringify(report))
    })
  }

  test('a workload has ended when none of it stands behind an open transaction', async () => {
    const bench = await ground.bench('open', 2)
    const { direct: brokers } = ground.cluster
    const client = { brokers: [...brokers], group: 'x', clientId: 'lab', ssl: false }
    const one = kafkaClient(client, createLogger({ level: 'silent' })).producer({
      transactionalId: 'open',
      transactionTimeout: 5_000,
      idempotent: true,
    })
    await one.connect()
    const transaction = await one.transaction()
    await transaction.send({ topic: bench.topic, messages: [{ partition: 1, value: 'never to be seen' }] })
    const load = { brokers, topic: bench.topic, partitions: 2, messagesPerSecond: 100, random: seededRandom(1) }
    const workload = await startWorkload(load)
    await until('messages behind it', () => workload.sent() > 50, Boolean)
    await workload.stop()
    const member = await bench.startMember()
    await bench.drained(120_000)
    member.signal('SIGTERM')
    await allEnded([member])
    await one.disconnect()
    await noneOpen(ground.admin, { brokers, topic: bench.topic, partitions: 2 })
    const { messages } = await bench.audit()
    assert.equal(messages, workload.sent())
  })
})

test('a process that has lag and reads nothing, and waits for nothing that is known, ends with an error', async () => {
  const ground = await startGround(1)
  try {
    const bench = await ground.bench('stuck', 1, { stuckAfter: '5s', sessionTimeout: '60s' })
    const { direct: brokers } = ground.cluster
    const load = { brokers, topic: bench.topic, partitions: 1, messagesPerSecond: 50, random: seededRandom(1) }
    const member = await bench.startMember()
    await until('its partition', () => hasTold(member, '"msg":"assigned"'), Boolean)
    // The broker answers everything but fetches, so that Kafka is there and shows lag.
    for (const { proxy } of ground.cluster.brokers) proxy.loseRequests(fetchApi)
    const workload = await startWorkload(load)
    await allEnded([member])
    assert.equal((await member.ended).code, 1)
    assert.match(
      await readFile(member.logFile, 'utf8'),
      /^firn: STUCK: lab\.stuck\/0 has not moved for 5 s\n {2}Kafka has messages/m,
    )
    await workload.stop()
    for (const { proxy } of ground.cluster.brokers) proxy.loseRequests(null)
    const next = await bench.startMember()
    await bench.drained(120_000)
    next.signal('SIGTERM')
    await allEnded([next])
    await bench.audit()
  } finally {
    await ground.down()
  }
})

test('a minute of chaos: nothing is missing, wrong or replaced, and the lag ends in time', async (t) => {
  const said: string[] = []
  const { counts, drainedMs, report } = await runChaos({
    seconds: 60,
    seed: 7,
    say: (line) => {
      said.push(line)
    },
  })
  t.diagnostic(JSON.stringify({ counts, drainedMs, report }))
  assert.ok((counts['SIGKILL'] ?? 0) >= 10)
  assert.equal(counts['ended by itself'] ?? 0, 0, said.join('\n'))
  assert.ok(drainedMs < drainBoundMs)
})

test('half a minute without a store: memory stays within the budget, and everything is staged when it is back', async (t) => {
  const memoryMiB = 8
  const { report, ...memory } = await runOutage({
    seconds: 30,
    messagesPerSecond: 2_000,
    memoryMiB,
    say: () => undefined,
  })
  t.diagnostic(JSON.stringify(memory))
  assert.ok(memory.bufferedMax > 0.85 * memoryMiB * 2 ** 20, 'the budget was used')
  assert.ok(memory.bufferedMax <= memoryMiB * 2 ** 20)
  assert.ok(memory.residentMax <= memory.residentFull * residentGrowthMax)
  assert.ok(report.messages > 10_000)
})

test('the name of each fail point stands in the code once', async () => {
  const folder = new URL('../../src/ingest/', import.meta.url)
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(new URL(name, folder), 'utf8')))
  for (const point of failPoints) assert.equal(texts.join('').split(`reach('${point}')`).length, 2, point)
})
