/**
 * What the tests of the backfill share: a source with a table of its own in the ground of the audit, `firn` as its user runs
 * it, and the comparison of the target table with what the source holds.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Effects } from '../../src/backfill/effects.ts'
import { canonicalJson } from '../../src/local/exact-json.ts'
import { openSource, type Source } from '../../src/local/workload.ts'
import { producer } from '../ingest/run-ground.ts'
import { type AuditGround } from '../audit/audit-ground.ts'
import { type Finished, firn } from '../support/firn.ts'
import { until } from '../support/until.ts'

/** Runs `firn` with the ground's configuration, as the role of operators. */
export async function operate(ground: AuditGround, ...args: readonly string[]): Promise<Finished> {
  return await firn([...args, '--config', ground.file], operator)
}

export const operator = { FIRN_WAREHOUSE_ROLE: 'FIRN_OPERATOR' } as const

export type Sender = {
  readonly source: Source
  /** Sends so many changes, in order. */
  send(changes: number): Promise<void>
}

export function openSender(ground: AuditGround, seed: number, keys = 300): Sender {
  const source = openSource({ table: 'orders', keys, seed })
  return {
    source,
    send: async (changes) => {
      for (let sent = 0; sent < changes; sent += 500) {
        const messages = Array.from({ length: Math.min(500, changes - sent) }, () => source.next())
        await producer.send({ topic: ground.topic, messages })
      }
    },
  }
}

/** id → newest message, as canonical text: numbers keep their digits only where DATA keeps them. */
export async function targetRows(ground: AuditGround): Promise<ReadonlyMap<string, string>> {
  const rows = await ground.session().query(`SELECT ID, DATA FROM ${ground.names.target}`)
  return new Map(rows.map((row) => [String(row['ID']), canonicalJson(String(row['DATA']))]))
}

/** The target table is what the source holds, row by row. */
export async function equalsSource(ground: AuditGround, source: Source): Promise<void> {
  const expected = new Map([...source.rows()].map(([id, value]) => [id, canonicalJson(value)]))
  const found = await targetRows(ground)
  assert.ok(expected.size > 0)
  assert.deepEqual(new Map([...found].sort()), new Map([...expected].sort()))
}

/** Waits until every row of every file on the stage is loaded and merged. */
export async function allMerged(ground: AuditGround): Promise<void> {
  const { names } = ground
  const files = await ground.files()
  await until(
    'all files merged',
    () =>
      ground.one(
        `SELECT COUNT(DISTINCT file_name) FROM ${names.mergedFiles} WHERE target_table = '${ground.table.table}'`,
      ),
    (count) => Number(count) >= files.length,
  )
}

type Counts = {
  readonly files: number
  readonly bytes: number
  readonly rows: number
  readonly messages: number
  readonly rejects: number
  readonly tombstones: number
}

export type PlanTold = Counts & {
  readonly run: string
  readonly rejectsByCode: Readonly<Record<string, number>>
  readonly credits: number
  readonly parts: readonly { readonly first: string; readonly last: string; readonly staged: readonly string[] }[]
  readonly tables: readonly { readonly table: string; readonly effects: Effects | null }[]
}

export type RunTold = {
  readonly run: string
  readonly state: string
  readonly settled: boolean
  readonly stored: Counts
  readonly stillRejected: number
  readonly loaded: { readonly files: number; readonly rows: number } | null
  readonly merged: readonly { readonly table: string; readonly came: { readonly rows: number } | null }[]
  readonly findings: readonly { readonly code: string }[]
}

export async function plannedBy(ground: AuditGround, ...args: readonly string[]): Promise<PlanTold> {
  const { code, stdout, stderr } = await operate(ground, 'backfill', '--plan', '--json', ...args)
  assert.equal(code, 0, stderr)
  return (JSON.parse(stdout) as { readonly plan: PlanTold }).plan
}

/** Runs it to its end, which comes with the merges. */
export async function ranBy(ground: AuditGround, ...args: readonly string[]): Promise<RunTold> {
  const { code, stdout, stderr } = await whileMerging(ground, () =>
    operate(ground, 'backfill', '--yes', '--json', ...args),
  )
  assert.equal(code, 0, stdout + stderr)
  return JSON.parse(stdout) as RunTold
}

/** What is loaded meanwhile is merged at once. */
export async function whileMerging<T>(ground: AuditGround, work: () => Promise<T>): Promise<T> {
  const done = new AbortController()
  const merging = (async () => {
    while (!done.signal.aborted) {
      await ground.session().execute(`EXECUTE TASK ${ground.names.task.sql}`)
      await sleep(500)
    }
  })()
  try {
    return await work()
  } finally {
    done.abort()
    await merging
  }
}
