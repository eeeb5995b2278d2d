/**
 * An engine in a temporary folder for tests: its own time, a stage in memory, notifications given by hand.
 */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Clock } from '../../../../src/local/warehouse/engine/clock.ts'
import type { EngineSession, Result } from '../../../../src/local/warehouse/engine.ts'
import type { EventBatch, EventFile, EventQueue } from '../../../../src/local/warehouse/engine/event-queue.ts'
import type { Knobs } from '../../../../src/local/warehouse/engine/knobs.ts'
import { openEngine, type WarehouseEngine } from '../../../../src/local/warehouse/engine/warehouse.ts'
import { warehouseRoles } from '../../../../src/local/warehouse-server.ts'
import { SqlError } from '../../../../src/local/warehouse/sql/statement.ts'
import type { Stage, StagedObject } from '../../../../src/stage/stage.ts'
import { createLogger } from '../../../../src/telemetry.ts'

/** Stands still until it is told to go on. */
export type FakeClock = Clock & { advance(ms: number): void }

export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs
  const waiting = new Set<{ readonly timeMs: number; readonly callback: () => void }>()
  return {
    nowMs: () => nowMs,
    at(timeMs, callback) {
      const entry = { timeMs, callback }
      waiting.add(entry)
      return () => waiting.delete(entry)
    },
    advance(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        const [next] = [...waiting].filter(({ timeMs }) => timeMs <= untilMs).sort((a, b) => a.timeMs - b.timeMs)
        if (!next) break
        waiting.delete(next)
        nowMs = Math.max(nowMs, next.timeMs)
        next.callback()
      }
      nowMs = untilMs
    },
  }
}

/** A bucket in memory. `failing` makes every request fail until it is set back. */
export type MemoryStage = Stage & { readonly objects: Map<string, Uint8Array>; failing: Error | null; ageMs: number }

export function memoryStage(bucket: string, clock: Clock): MemoryStage {
  const objects = new Map<string, Uint8Array>()
  const look = (key: string): StagedObject => ({
    key,
    size: objects.get(key)?.length ?? 0,
    lastModified: new Date(clock.nowMs() - stage.ageMs),
    etag: createHash('md5')
      .update(objects.get(key) ?? '')
      .digest('hex'),
  })
  const check = (): void => {
    if (stage.failing) throw stage.failing
  }
  const stage: MemoryStage = {
    bucket,
    objects,
    failing: null,
    ageMs: 0,
    copy: () => Promise.reject(new Error('a warehouse copies nothing')),
    put: (key, body) => {
      if (objects.has(key)) return Promise.resolve('taken')
      objects.set(key, body)
      return Promise.resolve('stored')
    },
    head: async (key) => {
      await Promise.resolve()
      check()
      return objects.has(key) ? { ...look(key), sha256: null, metadata: {} } : null
    },
    get: async (key) => {
      await Promise.resolve()
      check()
      return objects.get(key) ?? null
    },
    async *list(prefix) {
      await Promise.resolve()
      check()
      for (const key of [...objects.keys()].sort()) if (key.startsWith(prefix)) yield look(key)
    },
    remove: (key) => {
      objects.delete(key)
      return Promise.resolve()
    },
    close: () => undefined,
  }
  return stage
}

/** The user of the sessions: may do everything, and may act as any of Firn's roles. */
export const administrator = {
  name: 'FIRN',
  defaultRole: 'ACCOUNTADMIN',
  roles: ['ACCOUNTADMIN', ...warehouseRoles.map(({ name }) => name)],
} as const

/** Notifications come when the test gives them. */
export type HandQueue = EventQueue & {
  give(...files: EventFile[]): Promise<void>
  receive(batch: EventBatch): Promise<void>
}

export function handQueue(): HandQueue {
  let next = 0n
  let receiver: ((batch: EventBatch) => Promise<void>) | null = null
  const queue: HandQueue = {
    start: (receive) => {
      receiver = receive
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
    receive: async (batch) => {
      await receiver?.(batch)
    },
    give: async (...files) => {
      next += 1n
      await queue.receive({ topic: 's3-events', partition: 0, next, files })
    },
  }
  return queue
}

export type Fixture = {
  readonly dir: string
  readonly clock: FakeClock
  readonly stage: MemoryStage
  readonly queue: HandQueue
  engine: WarehouseEngine
  session: EngineSession
  /** runs statements in the session; the last one's answer */
  run(...statements: string[]): Promise<Result>
  /** rows of a query as text */
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>
  /** another session of the same engine */
  open(): Promise<EngineSession>
  restart(): Promise<void>
}

/** An engine with the database DB, and a session in DB.PUBLIC. Removed at the end of the test. */
export async function openFixture(t: TestContext, knobs: Partial<Knobs> = {}): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), 'firn-engine-'))
  const clock = fakeClock()
  const stage = memoryStage('cdc', clock)
  const queue = handQueue()
  const start = (): Promise<WarehouseEngine> =>
    openEngine(
      {
        dir,
        storageIntegrations: ['FIRN_S3'],
        warehouses: ['FIRN_WH'],
        roles: warehouseRoles,
        users: [administrator],
        clock,
        knobs,
        openBucket: () => stage,
        openQueue: () => queue,
        notificationChannel: 's3-events',
      },
      createLogger({ level: 'silent' }),
    )
  const engine = await start()
  const open = (): Promise<EngineSession> => fixture.engine.openSession('FIRN', { database: 'DB', schema: 'PUBLIC' })
  const fixture: Fixture = {
    dir,
    clock,
    stage,
    queue,
    engine,
    session: await engine.openSession('FIRN', {}),
    run: async (...statements) => {
      let answer: Result | null = null
      for (const statement of statements) answer = await fixture.session.execute(statement, {}, randomUUID())
      if (!answer) throw new Error('no statement')
      return answer
    },
    rows: async (sql) => (await fixture.run(sql)).rows,
    open,
    restart: async () => {
      await fixture.session.close()
      await fixture.engine.close()
      fixture.engine = await start()
      fixture.session = await open()
    },
  }
  t.after(async () => {
    await fixture.session.close()
    await fixture.engine.close()
    await rm(dir, { recursive: true, force: true })
  })
  await fixture.run('CREATE DATABASE DB')
  return fixture
}

/** A Parquet file made by DuckDB from a query. */
export async function parquetOf(query: string): Promise<Uint8Array> {
  const dir = await mkdtemp(join(tmpdir(), 'firn-parquet-'))
  try {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const path = join(dir, 'file.parquet')
    await connection.run(`COPY (${query}) TO '${path}' (FORMAT parquet)`)
    connection.closeSync()
    instance.closeSync()
    return await readFile(path)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** An engine in a folder that is there already, and a session in DB.PUBLIC where there is one. */
export async function openFolder(dir: string): Promise<{ engine: WarehouseEngine; session: EngineSession }> {
  const clock = fakeClock()
  const engine = await openEngine(
    {
      dir,
      storageIntegrations: [],
      warehouses: [],
      roles: warehouseRoles,
      users: [administrator],
      clock,
      knobs: {},
      openBucket: (bucket) => memoryStage(bucket, clock),
      openQueue: null,
    },
    createLogger({ level: 'silent' }),
  )
  return { engine, session: await engine.openSession('FIRN', { database: 'DB', schema: 'PUBLIC' }) }
}

/** Waits until something is so, for as long as a slow machine may need. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 60_000
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error('it did not come true within a minute')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** For assert.rejects: a refusal with this code. */
export function refusal(code: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof SqlError, String(error))
    assert.equal(error.code, code, error.message)
    return true
  }
}
