/**
 * Pipes: which file goes to which pipe, and when each is loaded. Fetching and inserting one file is pipe-load.ts's.
 */
import type { CatalogObject } from './catalog.ts'
import { type Core, reading, writing } from './core.ts'
import { type EventBatch, type EventQueue, setPosition } from './event-queue.ts'
import { fetchFile, type FetchedFile } from './copy-file.ts'
import { forgetFiles, takeFiles, waitingFiles, type WaitingFile } from './pipe-files.ts'
import { pipeHindrance } from './hindrances.ts'
import { isMeant, type Knobs, noKnobs, turned } from './knobs.ts'
import { loadFile } from './pipe-load.ts'
import { pipeLack } from './pipe-state.ts'
import { pipeLocation } from './stage-location.ts'
import { SqlError } from '../sql/statement.ts'
import { Failure } from '../../../failure.ts'

type Pipe = CatalogObject<'pipe'>

/** Fetched at once; loaded one after another. */
const filesAtOnce = 4
const retryMsMax = 10_000
/** How often old history is forgotten. */
const forgetMs = 3600 * 1000

export class Pipes {
  readonly #core: Core
  #knobs: Knobs
  readonly #queue: EventQueue | null
  #wake = Promise.withResolvers<undefined>()
  #closing = false
  #loop: Promise<void> = Promise.resolve()
  #retryMs = 0
  #forgetAtMs = 0

  constructor(core: Core, knobs: Partial<Knobs>, queue: EventQueue | null) {
    this.#core = core
    this.#knobs = turned(noKnobs, knobs)
    this.#queue = queue
  }

  async start(): Promise<void> {
    this.#loop = this.#run()
    await this.#queue?.start((batch) => this.receive(batch))
  }

  /** What is turned counts from the next file on. @throws Failure USAGE */
  turn(knobs: Partial<Knobs>): void {
    this.#knobs = turned(this.#knobs, knobs)
    this.changed()
  }

  /** Something may wait: a file has come, a pipe was resumed. */
  changed(): void {
    this.#wake.resolve(undefined)
  }

  /** Notes the files and how far the queue was read in one transaction: a kill at any instant loses no notification. */
  async receive({ topic, partition, next, files: announced }: EventBatch): Promise<void> {
    const { catalog } = this.#core
    const { duplicate, lose } = this.#knobs
    const times = duplicate ? 2 : 1
    const files = announced.filter(({ key }) => !isMeant(lose, key))
    await writing(this.#core, async (transaction) => {
      for (const pipe of files.length > 0 ? catalog.list('pipe') : []) {
        if (!pipe.definition.autoIngest || !this.#isWhole(pipe)) continue
        const { bucket, prefix } = pipeLocation(catalog, pipe)
        const matching = files.filter((file) => file.bucket === bucket && file.key.startsWith(prefix))
        if (matching.length === 0) continue
        for (let time = 0; time < times; time += 1) await takeFiles(this.#core, transaction, pipe.id, matching)
      }
      await setPosition(transaction, { topic, partition, next, receivedMs: this.#core.clock.nowMs() })
    })
    if (files.length > 0) this.changed()
  }

  async close(): Promise<void> {
    this.#closing = true
    this.changed()
    await this.#queue?.close()
    await this.#loop
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      const wake = this.#wake.promise
      let more = false
      try {
        more = await this.#loadSome()
        this.#retryMs = 0
      } catch (error) {
        this.#retryMs = Math.min(Math.max(this.#retryMs * 2, 250), retryMsMax)
        const { code, message } =
          error instanceof Failure || error instanceof SqlError ? error : new Failure('UNKNOWN', String(error))
        this.#core.logger.warn({ code, retryMs: this.#retryMs, err: error }, `pipes wait: ${message}`)
      }
      if (!more) await this.#rest(wake)
    }
  }

  /** Until something changes; not for ever while something failed or waits for its delay. */
  async #rest(wake: Promise<undefined>): Promise<void> {
    const patience = Promise.withResolvers<undefined>()
    const waitMs = this.#retryMs || this.#knobs.delayMs || forgetMs
    const timer = setTimeout(() => {
      patience.resolve(undefined)
    }, waitMs)
    await Promise.race(this.#retryMs ? [patience.promise] : [wake, patience.promise])
    clearTimeout(timer)
    this.#wake = Promise.withResolvers()
  }

  /** @returns whether there may be more to load */
  async #loadSome(): Promise<boolean> {
    const nowMs = this.#core.clock.nowMs()
    if (nowMs >= this.#forgetAtMs) {
      await writing(this.#core, (transaction) => forgetFiles(this.#core, transaction))
      this.#forgetAtMs = nowMs + forgetMs
    }
    const pipes = new Map(this.#running().map((pipe) => [pipe.id, pipe]))
    if (pipes.size === 0) return false
    const choice = {
      shuffle: this.#knobs.shuffle,
      receivedBeforeMs: nowMs - this.#knobs.delayMs,
      countMax: filesAtOnce,
    }
    const waiting = await reading(this.#core, (transaction) => waitingFiles(transaction, [...pipes.keys()], choice))
    const files = await Promise.all(waiting.map((file) => this.#fetch(pipes, file)))
    for (const { pipe, file, fetched } of files) {
      if (this.#closing) return false
      await this.#load(pipe, file, fetched)
    }
    return files.length > 0
  }

  async #fetch(
    pipes: ReadonlyMap<number, Pipe>,
    file: WaitingFile,
  ): Promise<{ readonly pipe: Pipe; readonly file: WaitingFile; readonly fetched: FetchedFile | null }> {
    const pipe = pipes.get(file.pipeId)
    if (!pipe) throw new Error(`pipe ${String(file.pipeId)} is not among those that were asked for`)
    const { bucket } = pipeLocation(this.#core.catalog, pipe)
    return { pipe, file, fetched: await fetchFile(this.#core, bucket, file.key) }
  }

  async #load(pipe: Pipe, file: WaitingFile, fetched: FetchedFile | null): Promise<void> {
    const now = this.#core.catalog.find('pipe', pipe.name)
    if (now?.id !== pipe.id || now.definition.paused || pipeHindrance(this.#core, now) !== null) return
    const { fail, reload } = this.#knobs
    const fate = isMeant(fail, file.key) ? 'fail' : reload ? 'reload' : 'once'
    const outcome = await loadFile(this.#core, pipe, file, fetched, fate)
    const about = { pipe: pipe.name.join('.'), file: file.key }
    if ('error' in outcome)
      this.#core.logger.warn({ ...about, code: outcome.error.code }, 'file skipped; COPY_HISTORY has the error')
    else this.#core.logger.debug({ ...about, rows: outcome.rowCount }, 'file loaded')
  }

  #running(): readonly Pipe[] {
    return this.#core.catalog
      .list('pipe')
      .filter((pipe) => !pipe.definition.paused && pipeHindrance(this.#core, pipe) === null)
  }

  /** A pipe whose stage or table is gone takes no files; one whose owner lacks a privilege does, and loads them later. */
  #isWhole(pipe: Pipe): boolean {
    return pipeLack(this.#core, pipe) === null
  }
}
