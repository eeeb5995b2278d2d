/**
 * How far the demo's changes have come, counted in messages: consumed and staged as the ingester's metrics tell,
 * loaded and merged as the warehouse tells. A part that is down keeps its last figure.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../failure.ts'
import type { Session } from '../../snowflake/session.ts'
import { count, type Screen } from './screen.ts'

export type Progress = { consumed: number; staged: number; loaded: number; merged: number }

export interface Watermarks {
  look(): Promise<Readonly<Progress>>
}

type DemoTable = { readonly topic: string; readonly landing: string }

/** Where sessions come from; `reconnect` drops the present one. */
export type Sessions = { readonly connect: () => Promise<Session>; readonly reconnect: () => Promise<void> }

export function openWatermarks(
  statusUrl: string,
  sessions: Sessions,
  database: string,
  tables: readonly DemoTable[],
): Watermarks {
  const last: Progress = { consumed: 0, staged: 0, loaded: 0, merged: 0 }
  const loadedSql = tables.map(({ landing }) => `SELECT COUNT(*) AS n FROM ${landing}`).join(' UNION ALL ')
  const sql = `SELECT (SELECT SUM(n) FROM (${loadedSql})) AS loaded,
    (SELECT COALESCE(SUM(row_count), 0) FROM ${database}.FIRN.MERGED_FILES) AS merged`

  return {
    async look() {
      const metrics = await fetch(`${statusUrl}/metrics`).then(
        (response) => response.text(),
        () => null,
      )
      if (metrics !== null) {
        last.consumed = Math.max(last.consumed, sumOf(metrics, 'firn_consumed_offset'))
        last.staged = Math.max(last.staged, sumOf(metrics, 'firn_staged_offset'))
      }
      const row = await sessions.connect().then(
        async (session) => (await session.query(sql))[0],
        async (error: unknown) => {
          // One of the scenarios stops the warehouse: its figures stand still then, and are seen to.
          if (!(error instanceof Failure) || !error.code.startsWith('WAREHOUSE_')) throw error
          await sessions.reconnect()
          return null
        },
      )
      if (row) {
        last.loaded = Number(row['LOADED'])
        last.merged = Number(row['MERGED'])
      }
      return { ...last }
    },
  }
}

/** Offsets count from 0, so the sum of the next offsets of all partitions is the number of messages. */
function sumOf(metrics: string, name: string): number {
  const values = metrics.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'gm'))
  return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
}

/** Pipes load within seconds here, and tasks run every ten. */
const stallMs = 15_000
const hopelessMs = 120_000

/**
 * Shows the watermarks until all `total` messages are merged.
 * `stalled` is called when nothing has moved for a while although all is staged and not all loaded.
 *
 * @throws Failure DEMO_STUCK
 */
export async function watchUntilMerged(
  screen: Screen,
  watermarks: Watermarks,
  total: () => number,
  stalled: () => Promise<void>,
): Promise<void> {
  let last = ''
  let movedAt = Date.now()
  let refreshedAt = 0
  for (;;) {
    const seen = await watermarks.look()
    screen.live(progressLine(seen, total()))
    if (seen.merged >= total()) break
    const standing = JSON.stringify(seen)
    if (standing !== last) movedAt = Date.now()
    last = standing
    const stillMs = Date.now() - movedAt
    if (stillMs > hopelessMs)
      throw new Failure('DEMO_STUCK', `nothing has moved for ${stillMs / 1000} s:${progressLine(seen, total())}`)
    const unloaded = seen.staged >= total() && seen.loaded < total()
    if (unloaded && Math.min(stillMs, Date.now() - refreshedAt) > stallMs) {
      await stalled()
      refreshedAt = Date.now()
    }
    await sleep(500)
  }
  screen.settle()
}

export function progressLine(seen: Readonly<Progress>, total: number): string {
  const part = (name: string, value: number): string => `${name} ${count(value).padStart(count(total).length)}`
  const parts = [
    part('consumed', seen.consumed),
    part('staged', seen.staged),
    part('loaded', seen.loaded),
    part('merged', seen.merged),
  ]
  return `  ${parts.join('  ')}  of ${count(total)}`
}
