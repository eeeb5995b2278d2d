/** The small rules of the ingest protocol: what is accepted, when a batch is sealed, what has an order, how long to wait. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Change } from '../../src/change.ts'
import { judge, type Phase } from '../../src/ingest/acceptance.ts'
import { backoffMs } from '../../src/ingest/backoff.ts'
import { Budget } from '../../src/ingest/budget.ts'
import { disorderOf } from '../../src/ingest/disorder.ts'
import { fetchPatience } from '../../src/ingest/fetch-patience.ts'
import { Outage } from '../../src/ingest/outage.ts'
import { hasRoom, type MemoryUse, openMs, sealReason, storeMsAfter } from '../../src/ingest/sealing.ts'
import { Failure } from '../../src/failure.ts'
import { createLogger } from '../../src/telemetry.ts'

test('a batch is taken only if it was asked for since the start, while reading, and at the cursor', () => {
  const reader = (phase: Phase) => ({ startedAt: 3, phase, cursor: 100n })
  const at = (offset: bigint, askedAt: number | null = 3) => ({ askedAt, offset })
  assert.equal(judge(reader('reading'), at(100n)), 'take')
  assert.equal(judge(reader('reading'), at(200n)), 'seek')
  assert.equal(judge(reader('reading'), at(99n)), 'seek')
  assert.equal(judge(reader('reading'), at(100n, 2)), 'drop')
  assert.equal(judge(reader('reading'), at(100n, 4)), 'take')
  assert.equal(judge(reader('reading'), at(100n, null)), 'drop')
  for (const phase of ['resuming', 'leaving', 'halted'] as const) assert.equal(judge(reader(phase), at(100n)), 'drop')
  assert.equal(judge(null, at(100n)), 'drop')
})

test('a batch is sealed when it reaches its rows, its bytes or its age, and never without a row', () => {
  const limits = { fileRows: 10, fileBytes: 1_000, openMs: 60_000 }
  const reason = (rows: number, fileBytesEstimate: number, ageMs: number) =>
    sealReason({ rows, fileBytesEstimate }, ageMs, limits)
  assert.equal(reason(9, 999, 59_999), null)
  assert.equal(reason(10, 0, 0), 'rows')
  assert.equal(reason(1, 1_000, 0), 'bytes')
  assert.equal(reason(1, 0, 60_000), 'age')
  assert.equal(reason(0, 5_000, 99_999), null)
})

test('a batch waits for more until storing it takes the rest of the freshness, but for half of it at least', () => {
  assert.equal(openMs(60_000, 0), 60_000)
  assert.equal(openMs(60_000, 2_000), 58_000)
  assert.equal(openMs(500, 400), 250)
  // Slow at once, and fast again after some files.
  const after = (...durations: readonly number[]) => durations.reduce(storeMsAfter, 0)
  assert.equal(after(80), 80)
  assert.equal(after(80, 800), 800)
  assert.equal(after(80, 800, 80), 710)
  assert.ok(after(800, ...Array.from({ length: 30 }, () => 80)) < 100)
})

test('a broker waits a tenth of the freshness for company; where nothing comes, the longer the more partitions there are', () => {
  const ingest = { freshness: 1_000, sessionTimeout: 30_000 }
  assert.deepEqual(fetchPatience(ingest, 8, false), { waitMs: 100, bytesMin: 65_536, ahead: true })
  assert.equal(fetchPatience({ ...ingest, freshness: 60_000 }, 8, false).waitMs, 500)
  assert.equal(fetchPatience({ ...ingest, freshness: 1 }, 8, false).waitMs, 10)
  // The first message is answered at once.
  assert.deepEqual(fetchPatience(ingest, 8, true), { waitMs: 500, bytesMin: 1, ahead: true })
  assert.equal(fetchPatience(ingest, 100, false).ahead, true)
  assert.equal(fetchPatience(ingest, 101, false).ahead, false)
  assert.equal(fetchPatience(ingest, 1_000, true).waitMs, 2_000)
  // Between two fetches goes a heartbeat.
  assert.equal(fetchPatience(ingest, 10_000, true).waitMs, 3_000)
  assert.equal(fetchPatience({ ...ingest, sessionTimeout: 6_000 }, 10_000, true).waitMs, 2_000)
})

/** As a partition is: what was open is on its way once it is sealed. */
class Held {
  memory: MemoryUse
  readonly #resized: (held: Held) => void

  constructor(memory: MemoryUse, resized: (held: Held) => void) {
    this.memory = memory
    this.#resized = resized
  }

  set(memory: MemoryUse): void {
    this.memory = memory
    this.#resized(this)
  }

  seal(): void {
    const { openBytes, inFlightBytes } = this.memory
    this.set({ rows: 0, openBytes: 0, inFlightBytes: inFlightBytes + openBytes })
  }
}

const use = fc.record({ rows: fc.nat(2), openBytes: fc.nat(100), inFlightBytes: fc.nat(100) })
const steps = fc.array(fc.tuple(fc.nat(4), use))
const total = ({ openBytes, inFlightBytes }: MemoryUse) => openBytes + inFlightBytes

test('the largest batch is sealed when open ones hold more than half of the memory, until they do not', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 400 }), (given, bytes) => {
      let used = 0
      const budget = new Budget<Held>(bytes, { set: (now) => (used = now) })
      const held = Array.from({ length: 5 }, () => {
        return new Held({ rows: 0, openBytes: 0, inFlightBytes: 0 }, (one) => {
          budget.note(one)
        })
      })
      for (const one of held) {
        const seal = one.seal.bind(one)
        one.seal = () => {
          const openBytes = one.memory.openBytes
          for (const other of held) assert.ok(other.memory.rows === 0 || other.memory.openBytes <= openBytes)
          seal()
        }
      }
      for (const [at, memory] of given) {
        held[at]?.set(memory)
        budget.balance()
        const open = held.reduce((sum, one) => sum + one.memory.openBytes, 0)
        const sealable = held.some(({ memory: { rows, openBytes } }) => rows > 0 && openBytes > 0)
        assert.ok(open <= bytes / 2 || !sealable)
        assert.equal(
          used,
          held.reduce((sum, one) => sum + total(one.memory), 0),
        )
        assert.equal(budget.hasRoom, hasRoom(used, bytes))
      }
    }),
  )
})

test('nothing is read while the memory is used up, sealed or not, but for a reserve: an eighth, or 2 MiB', () => {
  assert.equal(hasRoom(87, 100), true)
  assert.equal(hasRoom(88, 100), false)
  const budget = 64 * 2 ** 20
  assert.equal(hasRoom(budget - 2 * 2 ** 20 - 1, budget), true)
  assert.equal(hasRoom(budget - 2 * 2 ** 20, budget), false)
})

test('on a topic of several partitions a change needs a key, keeps its primary key, or its table names an order', () => {
  const change = { op: 'u' } as Change
  const one = { kind: 'changes', changes: [change] } as const
  const two = { kind: 'changes', changes: [change, change] } as const
  const key = Buffer.from('k')
  assert.equal(disorderOf({ key }, one, {}, 2), null)
  assert.match(disorderOf({ key: null }, one, {}, 2) ?? '', /no key/)
  assert.match(disorderOf({ key }, two, {}, 2) ?? '', /another primary key/)
  assert.equal(disorderOf({ key: null }, two, {}, 1), null)
  assert.equal(disorderOf({ key: null }, two, { order: 'kafka-timestamp' }, 2), null)
  assert.equal(disorderOf({ key: null }, { kind: 'tombstone' }, {}, 2), null)
  assert.equal(disorderOf({ key: null }, { kind: 'reject', code: 'NOT_JSON', reason: '' }, {}, 2), null)
})

test('the wait before the next attempt doubles up to 5 s, of which a random half may be left out', () => {
  assert.deepEqual(
    [0, 1, 2, 10, 1_000].map((attempt) => backoffMs(attempt, () => 1)),
    [200, 400, 800, 5_000, 5_000],
  )
  assert.equal(
    backoffMs(0, () => 0),
    100,
  )
})

test('an outage is told once, again when it changes or lasts, and its end is told', () => {
  const lines: { msg: string; code?: string; hint?: string }[] = []
  const stream = { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) > 0 }
  const logger = createLogger({ level: 'info', stream: stream as unknown as NodeJS.WritableStream, pretty: false })
  let nowMs = 0
  const reachable: number[] = []
  const outage = new Outage('the stage', logger, {
    now: () => nowMs,
    reachable: { set: (value) => reachable.push(value) },
  })
  const unreachable = new Failure('STAGE_UNREACHABLE', 'cannot store')
  outage.over()
  assert.deepEqual(reachable, [1], 'well until something is wrong')
  nowMs = 1_000
  outage.report(unreachable)
  nowMs = 2_000
  outage.report(unreachable)
  assert.deepEqual(
    lines.map(({ code, hint }) => [code, hint]),
    [['STAGE_UNREACHABLE', unreachable.hint]],
  )
  assert.equal(outage.failure?.code, 'STAGE_UNREACHABLE')
  assert.equal(outage.failure.since, '1970-01-01T00:00:01.000Z')
  assert.equal(reachable.at(-1), 0)
  outage.report(new Failure('STAGE_DENIED', 'cannot store'))
  nowMs = 62_000
  assert.equal(outage.failure.since, '1970-01-01T00:00:01.000Z', 'another reason, the same outage')
  outage.report(new Failure('STAGE_DENIED', 'cannot store'))
  assert.equal(lines.length, 3)
  outage.over()
  outage.over()
  assert.equal(outage.failure, null)
  assert.equal(reachable.at(-1), 1)
  assert.deepEqual(lines.map(({ msg }) => msg).slice(3), ['the stage is back'])
})
