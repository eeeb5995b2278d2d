/**
 * Gathers what became of the files of the partitions that a process reads: what was staged, loaded and merged since each was
 * last seen to be all right. Judging it is audit/'s, telling it warehouse-watch.ts's.
 *
 * Invariant: a partition's beginning moves on over files only that every table has merged, without a hole. So what is found
 * stays found, for as long as the process reads the partition, until it is over. The first beginning lies behind what was
 * merged a day ago: what was wrong before then is for `firn audit`.
 */
import type { Config, TableConfig } from '../config.ts'
import type { LandedFile, MergedFile, StagedFile, TopicEvidence } from '../evidence.ts'
import type { Place } from '../ingest/ingest.ts'
import { readGaps } from '../ingest/staged-trail.ts'
import type { LandingName } from '../landing.ts'
import type { Session } from '../snowflake/session.ts'
import type { Stage } from '../stage/stage.ts'
import { coveredUntil } from '../status/watermarks.ts'
import { listStagedFrom, readRows } from '../stage/staged-files.ts'
import { readLoads } from '../warehouse/file-evidence.ts'
import { tableNames } from '../warehouse/names.ts'
import { readPipe, readStream, readTask } from '../warehouse/object-evidence.ts'
import {
  type From,
  type Newest,
  readLandedOf,
  readMergedFrom,
  readMergedYesterday,
} from '../warehouse/recent-evidence.ts'
import { warehouseOf } from '../warehouse/values.ts'
import type { RecentFiles } from './recent-watermarks.ts'

/** Files whose metadata are asked for in one turn, so many at once; the rest waits for the next turn. */
const headsMax = 2_000
const headsAtOnce = 16

export type Recent = { readonly evidence: TopicEvidence; readonly files: RecentFiles }

type Merged = ReadonlyMap<string, readonly (MergedFile & Newest)[]>

export class RecentAudit {
  readonly #config: Config
  readonly #tables: readonly TableConfig[]
  readonly #topic: string
  readonly #epoch: number
  /** by partition: where its next file begins; null while no file is known */
  readonly #begin = new Map<number, bigint | null>()
  /** by file: how many rows it says that it has */
  readonly #rows = new Map<string, number | null>()

  constructor(config: Config, tables: readonly [TableConfig, ...TableConfig[]]) {
    this.#config = config
    this.#tables = tables
    this.#topic = tables[0].topic
    this.#epoch = tables[0].epoch
  }

  /** @throws Failure as Session.query and Stage.list, RIGHT_MISSING */
  async gather(session: Session, stage: Stage, own: readonly Place[]): Promise<Recent> {
    const { topic, epoch } = { topic: this.#topic, epoch: this.#epoch }
    const { prefix } = this.#config.stage
    const warehouse = warehouseOf(this.#config)
    const askedAt = new Date()
    const places = await this.#placesOf(session, own)
    const merged = new Map<string, readonly (MergedFile & Newest)[]>()
    for (const table of this.#tables) {
      merged.set(table.table, await readMergedFrom(session, warehouse, table, places))
    }
    const mergedByAll = namesInAll(merged)
    const staged = await this.#readStaged(stage, places, mergedByAll)
    const ranges = [
      ...Map.groupBy(
        staged.filter(({ name }) => !mergedByAll.has(name)),
        ({ file }) => file.partition,
      ),
    ].map(([partition, files]) => {
      const [first, last] = [files[0]?.file.range.first ?? 0n, files.at(-1)?.file.range.last ?? 0n]
      return { partition, first, last }
    })
    const isOwn = ({ file, run }: LandingName) =>
      run === null && places.some(({ partition, from }) => file.partition === partition && file.range.last >= from)
    const landed = (await readLandedOf(session, warehouse, topic, ranges)).filter(isOwn)
    const loads = (await readLoads(session, warehouse, topic, { hours: 25, onlyFailed: true })).filter(isOwn)
    const gaps = [...(await readGaps({ stage, prefix, topic, epoch }))].flatMap(([partition, given]) =>
      given.map((range) => ({ epoch, partition, range })),
    )
    const begins = new Map(
      [...this.#begin].flatMap(([partition, begin]) => (begin === null ? [] : [[partition, begin] as const])),
    )
    const evidence = {
      ...{ topic, epoch, askedAt, log: null, gaps, staged, loads },
      // A hole right behind what was merged last is one too.
      epochs: [{ epoch, starts: begins }],
      landed: [...wasLanded(merged), ...landed],
      pipe: await readPipe(session, warehouse, topic),
      tables: await this.#readTables(session, merged),
    }
    return { evidence, files: { topic, staged, landed, merged, gaps, begins } }
  }

  /** Moves the beginnings on, to the end of a file: the next one begins there, also where offsets without a row were passed. */
  advance({ staged, merged, gaps }: RecentFiles): void {
    for (const [partition, before] of this.#begin) {
      const rangesOf = (files: readonly LandingName[]) =>
        files.filter(({ file, run }) => file.partition === partition && run === null).map(({ file }) => file.range)
      const given = gaps.filter((gap) => gap.partition === partition).map(({ range }) => range)
      const [first] = [staged, ...merged.values()]
        .flatMap((files) => rangesOf(files))
        .toSorted((a, b) => (a.first < b.first ? -1 : 1))
      const start = before ?? first?.first
      if (start === undefined) continue
      const ends = [...merged.values()].map((files) => coveredUntil([...rangesOf(files), ...given], start))
      this.#begin.set(
        partition,
        ends.reduce((least, one) => (one < least ? one : least)),
      )
    }
    const names = new Set(staged.map(({ name }) => name))
    for (const name of this.#rows.keys()) if (!names.has(name)) this.#rows.delete(name)
  }

  /** Partitions that were taken away and come back begin anew. A table that has merged nothing yet does not count. */
  async #placesOf(session: Session, own: readonly Place[]): Promise<readonly From[]> {
    const partitions = new Set(own.map(({ partition }) => partition))
    for (const partition of this.#begin.keys()) if (!partitions.has(partition)) this.#begin.delete(partition)
    const unknown = own.filter(({ partition }) => !this.#begin.has(partition))
    if (unknown.length > 0) {
      const warehouse = warehouseOf(this.#config)
      const yesterday: ReadonlyMap<number, bigint>[] = []
      for (const table of this.#tables) yesterday.push(await readMergedYesterday(session, warehouse, table))
      for (const { partition } of unknown) {
        const ends = yesterday.flatMap((ofTable) => ofTable.get(partition) ?? [])
        this.#begin.set(partition, ends.length === 0 ? null : ends.reduce((least, one) => (one < least ? one : least)))
      }
    }
    return own.map(({ partition }) => ({ partition, from: this.#begin.get(partition) ?? 0n }))
  }

  /** Those that some table has yet to merge, with their rows. */
  async #readStaged(
    stage: Stage,
    places: readonly From[],
    mergedByAll: ReadonlySet<string>,
  ): Promise<readonly StagedFile[]> {
    const { prefix } = this.#config.stage
    const [topic, epoch] = [this.#topic, this.#epoch]
    const files: StagedFile[] = []
    for (const { partition, from } of places) {
      files.push(...(await listStagedFrom(stage, prefix, { topic, epoch, partition }, from)))
    }
    const unread = files.filter(({ name }) => !this.#rows.has(name) && !mergedByAll.has(name)).slice(0, headsMax)
    let next = 0
    const look = async (): Promise<void> => {
      for (let file = unread[next++]; file; file = unread[next++]) {
        this.#rows.set(file.name, await readRows(stage, prefix, file))
      }
    }
    await Promise.all(Array.from({ length: headsAtOnce }, look))
    return files.map((file) => ({ ...file, rows: this.#rows.get(file.name) ?? null }))
  }

  async #readTables(session: Session, merged: Merged): Promise<TopicEvidence['tables']> {
    const warehouse = warehouseOf(this.#config)
    const found: TopicEvidence['tables'][number][] = []
    for (const table of this.#tables) {
      const { task, retention } = tableNames(warehouse, table)
      found.push({
        table: table.table,
        merged: merged.get(table.table) ?? [],
        stream: await readStream(session, warehouse, table, { asksForRows: false }),
        merge: await readTask(session, warehouse, task),
        retention: await readTask(session, warehouse, retention),
        deep: null,
      })
    }
    return found
  }
}

/** Names of the files that every table has merged. */
function namesInAll(merged: Merged): ReadonlySet<string> {
  const [first, ...others] = [...merged.values()].map((files) => new Set(files.map(({ name }) => name)))
  return new Set([...(first ?? [])].filter((name) => others.every((names) => names.has(name))))
}

/** What a table has merged has landed; whether its rows are still there is for the whole audit. */
function wasLanded(merged: Merged): readonly LandedFile[] {
  return [...merged.values()].flat().map(({ lastMergedAt, ...file }) => ({ ...file, firstLoadedAt: lastMergedAt }))
}
