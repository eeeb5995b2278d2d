/**
 * Finds out what a run would do, without doing any of it: replays everything into files that are only counted, and asks the
 * warehouse what the newest change of each row would do there.
 */
import { filesAtOnce } from '../backfill/copying.ts'
import { count, type Effects, effectOf, noEffects } from '../backfill/effects.ts'
import { type FloorFacts, hasFloor, lowestOf, refuseBelowFloor, runsToMerged } from '../backfill/floor.ts'
import { NewestChanges } from '../backfill/newest.ts'
import { coveredOf, type Plan, type TablePlan } from '../backfill/plan.ts'
import { parallel } from '../backfill/parallel.ts'
import { Progress } from '../backfill/progress.ts'
import { replayParts } from '../backfill/replaying.ts'
import { lengthOf, type Part, type RunRecord } from '../backfill/run-record.ts'
import { countingSink } from '../backfill/sink.ts'
import { nothing, sum, type Tally } from '../backfill/tally.ts'
import { type OffsetRange, positionOf } from '../change.ts'
import type { TableConfig } from '../config.ts'
import { Failure, type FailureCode } from '../failure.ts'
import { startEncoder } from '../ingest/encoder.ts'
import { readChanges } from '../ingest/parquet.ts'
import { readGaps, readStaged } from '../ingest/staged-trail.ts'
import type { Session } from '../snowflake/session.ts'
import { coveredUntil } from '../status/watermarks.ts'
import { mergedFiles } from '../warehouse/progress.ts'
import { idsMax, readFloor, readStanding } from '../warehouse/standing.ts'
import { warehouseOf } from '../warehouse/values.ts'
import type { Sources } from './backfill-begin.ts'
import type { Ground } from './backfill-ground.ts'
import type { How } from './backfill-options.ts'
import { show, textOf } from './backfill-progress.ts'
import { replaySetting, sourceFiles } from './backfill-work.ts'

/** What reading everything has shown. */
type Measured = {
  readonly tally: Tally
  readonly rejects: ReadonlyMap<FailureCode, number>
  readonly units: number
  readonly unitsPerSecond: number
}

/** @throws Failure of the sources and the warehouse, RANGE_BELOW_FLOOR, RUN_INTERRUPTED */
export async function makePlan(
  ground: Ground,
  record: RunRecord,
  sources: Sources,
  how: Pick<How, 'parallel' | 'perSecond'>,
): Promise<Plan> {
  // Asked first: who lacks the right to ask need not wait for the rest.
  const floors = await readFloors(ground)
  const newest = new NewestChanges()
  try {
    const measured =
      record.request.from === 'stage'
        ? await measureFiles(ground, record, how, newest)
        : await measureParts(ground, record, sources, how, newest)
    if (floors) await refuse(ground, record, floors, newest.lowest)
    const rate = Math.min(measured.unitsPerSecond, how.perSecond ?? Infinity)
    return {
      record,
      tally: measured.tally,
      rejects: measured.rejects,
      unitsPerSecond: rate,
      seconds: rate > 0 ? measured.units / rate : 0,
      tables: await comparePlans(ground, newest, floors),
      staged: await stagedAlready(ground, record),
    }
  } finally {
    newest.close()
  }
}

/**
 * Where tombstones were pruned, a run that needs no plan is measured all the same unless it is clear that it may come.
 *
 * @throws as makePlan
 */
export async function refuseUnsafe(ground: Ground, record: RunRecord, sources: Sources, how: How): Promise<void> {
  const floors = await readFloors(ground)
  if (!floors || !hasFloor(floors)) return
  const lowest = record.request.from === 'log' ? lowestOf(record.parts, ground.table, record.request.revision) : null
  if (lowest === null) await makePlan(ground, record, sources, how)
  else await refuse(ground, record, floors, lowest)
}

async function readFloors({
  session,
  config,
  tables,
  stage,
  prefix,
  table: { topic, epoch },
}: Ground): Promise<FloorFacts | null> {
  if (!session) return null
  const warehouse = warehouseOf(config)
  const gaps = await readGaps({ stage, prefix, topic, epoch })
  const floors = new Map<string, string>()
  let mergedTo: ReadonlyMap<number, bigint> | null = null
  for (const table of tables) {
    floors.set(table.table, await readFloor(session, warehouse, table))
    mergedTo = leastOf(mergedTo, await mergedEnds(session, warehouse, table, gaps))
  }
  return { floors, mergedTo: mergedTo ?? new Map() }
}

async function mergedEnds(
  session: Session,
  warehouse: ReturnType<typeof warehouseOf>,
  table: TableConfig,
  gaps: ReadonlyMap<number, readonly OffsetRange[]>,
): Promise<ReadonlyMap<number, bigint>> {
  const files = (await mergedFiles(session, warehouse, table)).filter(({ epoch }) => epoch === table.epoch)
  return new Map(
    [...Map.groupBy(files, ({ partition }) => partition)].map(([partition, own]) => {
      const ranges = own.map(({ range }) => range)
      const first = ranges.reduce((least, one) => (one.first < least ? one.first : least), ranges[0]?.first ?? 0n)
      return [partition, coveredUntil([...ranges, ...(gaps.get(partition) ?? [])], first)]
    }),
  )
}

function leastOf(a: ReadonlyMap<number, bigint> | null, b: ReadonlyMap<number, bigint>): ReadonlyMap<number, bigint> {
  if (!a) return b
  const least = new Map(a)
  for (const [partition, end] of b) {
    const other = least.get(partition)
    if (other === undefined || end < other) least.set(partition, end)
  }
  return least
}

async function refuse(ground: Ground, record: RunRecord, floors: FloorFacts, lowest: string | null): Promise<void> {
  if (!hasFloor(floors)) return
  const covered = record.request.from === 'stage' ? await coveredByFiles(ground, record) : record.parts
  const counts = record.request.from === 'log' || record.request.from === 'stage'
  if (counts && runsToMerged(covered, floors, ground.table.order !== undefined)) return
  refuseBelowFloor(lowest, floors)
}

async function coveredByFiles(ground: Ground, record: RunRecord): Promise<readonly Part[]> {
  const files = await sourceFiles(ground, record)
  return files
    .filter(({ file, run }) => run === null && file.epoch === ground.table.epoch)
    .map(({ file: { epoch, partition, range } }) => ({ epoch, partition, range }))
}

async function measureParts(
  ground: Ground,
  record: RunRecord,
  sources: Sources,
  how: Pick<How, 'parallel' | 'perSecond'>,
  newest: NewestChanges,
): Promise<Measured> {
  const { io, logger, config } = ground
  const rejects = new Map<FailureCode, number>()
  const files: Tally[] = []
  const units = lengthOf(record.parts)
  const progress = new Progress('messages', units, 0, Date.now())
  const shown = show(io, logger, 'plan', textOf(progress))
  const encoder = startEncoder(config.ingest)
  try {
    const { tail } = await replayParts(
      record.parts.map((part) => ({ ...part, from: part.range.first })),
      {
        ...replaySetting(ground, record, sources, how),
        sink: countingSink(encoder, (file) => files.push(file)),
        signal: io.signal,
        witness: {
          saw: (_message, decoded) => {
            if (decoded.kind === 'changes') {
              for (const { id, op, position } of decoded.changes) newest.add({ id, op, position: positionOf(position) })
            }
            if (decoded.kind === 'reject') rejects.set(decoded.code, (rejects.get(decoded.code) ?? 0) + 1)
          },
          took: () => Promise.resolve(),
          advanced: (offsets) => {
            progress.advance(offsets)
          },
        },
      },
    )
    return { tally: sum([...files, tail]), rejects, units, unitsPerSecond: progress.rate(Date.now()) }
  } finally {
    shown.end()
    await encoder.close()
  }
}

async function measureFiles(
  ground: Ground,
  record: RunRecord,
  how: Pick<How, 'parallel'>,
  newest: NewestChanges,
): Promise<Measured> {
  const { io, logger, stage, config } = ground
  const files = await sourceFiles(ground, record)
  const progress = new Progress('files', files.length, 0, Date.now())
  const shown = show(io, logger, 'plan', textOf(progress))
  let rows = 0
  try {
    await parallel(files, filesAtOnce(files, config.ingest.memory, how.parallel), io.signal, async ({ key }) => {
      const body = await stage.get(key)
      if (!body) throw new Failure('STAGE_FAILED', `${key} was there, and is gone`)
      for await (const group of readChanges(body)) {
        rows += group.rows
        for (const change of group.changes) newest.add(change)
      }
      progress.advance(1)
    })
  } finally {
    shown.end()
  }
  const bytes = files.reduce((all, file) => all + file.bytes, 0)
  const tally = { ...nothing, files: files.length, bytes, rows }
  return { tally, rejects: new Map(), units: files.length, unitsPerSecond: progress.rate(Date.now()) }
}

async function comparePlans(
  { session, config, tables, io, logger }: Ground,
  newest: NewestChanges,
  floors: FloorFacts | null,
): Promise<readonly TablePlan[]> {
  if (!session) return tables.map(({ table }) => ({ table, effects: null }))
  const warehouse = warehouseOf(config)
  const all = new Map<TableConfig, Effects>(tables.map((table) => [table, noEffects]))
  let compared = 0
  const shown = show(io, logger, 'plan', () => `compared ${compared} rows with the warehouse`)
  try {
    for (const chunk of newest.chunks(idsMax)) {
      for (const table of tables) {
        const standing = await readStanding(
          session,
          warehouse,
          table,
          chunk.map(({ id }) => id),
        )
        const rules = { deletes: table.deletes, floor: floors?.floors.get(table.table) ?? '' }
        let effects = all.get(table) ?? noEffects
        for (const change of chunk) {
          effects = count(effects, effectOf(change, standing.get(change.id) ?? { row: null, tombstone: null }, rules))
        }
        all.set(table, effects)
      }
      compared += chunk.length
    }
  } finally {
    shown.end()
  }
  return [...all].map(([{ table }, effects]) => ({ table, effects }))
}

async function stagedAlready(
  { stage, prefix, table }: Ground,
  { parts, request }: RunRecord,
): Promise<readonly (readonly OffsetRange[])[]> {
  if (request.from !== 'log') return parts.map(() => [])
  const { topic, epoch } = table
  const found: (readonly OffsetRange[])[] = []
  for (const { partition, range } of parts) {
    found.push(coveredOf(range, await readStaged({ stage, prefix, topic, epoch, partition }, null)))
  }
  return found
}
