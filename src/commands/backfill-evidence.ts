/**
 * Gathers what became of a run: its files on the stage with what they say of themselves, and what the warehouse has of them;
 * and waits until it has all of them. What follows from it is decided in backfill/run-report.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { judgeObjects } from '../audit/objects.ts'
import { parallel } from '../backfill/parallel.ts'
import { reportOf, type RunReport } from '../backfill/run-report.ts'
import type { RunRecord } from '../backfill/run-record.ts'
import { nothing, sum, type Tally } from '../backfill/tally.ts'
import type { StagedFile, TableEvidence, TopicEvidence } from '../evidence.ts'
import { parseRunCounts } from '../landing.ts'
import { readLanded, readLoads, readMerged } from '../warehouse/file-evidence.ts'
import { tableNames } from '../warehouse/names.ts'
import { readPipe, readStream, readTask } from '../warehouse/object-evidence.ts'
import { warehouseOf } from '../warehouse/values.ts'
import type { Ground } from './backfill-ground.ts'
import { show } from './backfill-progress.ts'
import type { Finished } from './backfill-work.ts'

const headsAtOnce = 16

/** How often the warehouse is asked while it is waited for. */
const askEveryMs = 3_000

export type StoredRun = { readonly files: readonly StagedFile[]; readonly tally: Tally }

/** The run's files, and what they add up to. @throws Failure of the stage */
export async function readStored({ store, stage, io }: Ground, record: RunRecord): Promise<StoredRun> {
  const found = await store.files(record.request.topic, record.name)
  const files: StagedFile[] = []
  const tallies: Tally[] = []
  await parallel(found, headsAtOnce, io.signal, async ({ name, file, run, key, bytes, storedAt }) => {
    const head = await stage.head(key)
    if (!head) return
    const rows = Number(head.metadata['rows'] ?? NaN)
    files.push({ name, file, run, storedAt, bytes, rows: Number.isSafeInteger(rows) ? rows : null })
    const counts = parseRunCounts(head.metadata) ?? nothing
    tallies.push({ ...counts, files: 1, bytes, rows: Number.isSafeInteger(rows) ? rows : 0 })
  })
  files.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { files, tally: sum(tallies) }
}

type Reporting = {
  readonly record: RunRecord
  readonly stored: StoredRun
  readonly finished: Finished | null
  readonly patienceMs: number
}

/** What the warehouse has of the run by now. @throws Failure of the warehouse */
export async function report(ground: Ground, { record, stored, finished, patienceMs }: Reporting): Promise<RunReport> {
  const evidence = await readEvidence(ground, record, stored.files)
  const tally = finished ? sum([stored.tally, finished.tail]) : stored.tally
  const made = reportOf({
    record,
    stored: tally,
    ends: finished?.ends.map(BigInt) ?? null,
    evidence,
    landingDays: ground.config.warehouse?.landingDays ?? 0,
    patienceMs,
  })
  if (made.isSettled || !ground.session) return made
  // What stands still is why.
  return { ...made, findings: [...made.findings, ...judgeObjects(evidence)] }
}

/**
 * Asks again until all is loaded and merged, or nothing has moved for as long as patience goes.
 *
 * @throws Failure of the warehouse; where the user has had enough, what is known by then is returned
 */
export async function reportWhenSettled(ground: Ground, reporting: Reporting): Promise<RunReport> {
  const { io, logger } = ground
  let last: RunReport | null = null
  let movedMs = Date.now()
  const shown = show(io, logger, reporting.record.name, () => (last ? waitingText(last) : 'asking the warehouse'))
  try {
    for (;;) {
      const now = await report(ground, { ...reporting, patienceMs: reporting.patienceMs })
      if (!last || waitingText(now) !== waitingText(last)) movedMs = Date.now()
      last = now
      if (now.isSettled || io.signal.aborted) return now
      if (Date.now() - movedMs > reporting.patienceMs) return await report(ground, { ...reporting, patienceMs: 0 })
      await sleep(askEveryMs, undefined, { signal: io.signal }).catch(() => undefined)
    }
  } finally {
    shown.end()
  }
}

function waitingText({ stored, loaded, merged }: RunReport): string {
  const parts = [
    `loaded ${loaded?.rows ?? '?'}`,
    ...merged.map(({ table, came }) => `merged into ${table} ${came?.rows ?? '?'}`),
  ]
  return `${parts.join(', ')} of ${stored.rows} rows`
}

async function readEvidence(
  { session, config, tables, table: { topic, epoch } }: Ground,
  { name: run }: RunRecord,
  staged: readonly StagedFile[],
): Promise<TopicEvidence> {
  const none = { topic, epoch, askedAt: new Date(), log: null, epochs: null, gaps: null, staged }
  if (!session) {
    const unknown = tables.map(({ table }): TableEvidence => {
      const shown = { name: table, found: null }
      return { table, merged: null, stream: { ...shown, remake: '' }, merge: shown, retention: shown, deep: null }
    })
    return { ...none, loads: null, landed: null, pipe: { name: '', found: null }, tables: unknown }
  }
  const warehouse = warehouseOf(config)
  const own = new Set(staged.map(({ name }) => name))
  const loads = (await readLoads(session, warehouse, topic)).filter(({ name }) => own.has(name))
  const landed = await readLanded(session, warehouse, topic, { run })
  const found: TableEvidence[] = []
  for (const table of tables) {
    const { task, retention } = tableNames(warehouse, table)
    found.push({
      table: table.table,
      merged: await readMerged(session, warehouse, table, { run }),
      stream: await readStream(session, warehouse, table, { asksForRows: false }),
      merge: await readTask(session, warehouse, task),
      retention: await readTask(session, warehouse, retention),
      deep: null,
    })
  }
  return { ...none, loads, landed, pipe: await readPipe(session, warehouse, topic), tables: found }
}
