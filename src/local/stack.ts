/**
 * The development stack as a whole: which part starts after which, when it is up, what is reported when a part fails.
 * What a part is, is in its own file; what is remembered between commands, in stack-state.ts.
 */
import { rmdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../failure.ts'
import type { Logger } from '../telemetry.ts'
import { makeCertificates } from './certificates.ts'
import type { Endpoints } from './endpoints.ts'
import { kafkaServer } from './kafka-server.ts'
import { end, hasCode, isRunning, launch, logEnd, type ProcessId } from './part-process.ts'
import type { PartServer, StackPlan } from './part-server.ts'
import { findParts, type Parts } from './parts.ts'
import { isFree } from './ports.ts'
import { s3Server } from './s3-server.ts'
import { withLock } from './stack-lock.ts'
import { endpointsOf } from './stack-endpoints.ts'
import { makeState, type PartName, partNames, portsOf, readState, removeStack, writeState } from './stack-state.ts'
import { warehouseServer } from './warehouse-server.ts'

export { type PartName, partNames } from './stack-state.ts'

export type PartStatus = {
  readonly part: PartName
  /** `crashed`: it was started and never stopped, but does not run */
  readonly state: 'running' | 'stopped' | 'crashed'
  readonly pid: number | null
  readonly ports: readonly number[]
  readonly logFile: string
}

export type StackEvent = {
  readonly part: PartName
  readonly step: 'crashed' | 'starting' | 'ready' | 'found' | 'stopping' | 'stopped' | 'killed'
  /** since this part was asked to start or stop */
  readonly elapsedMs: number
  readonly logFile: string
}

export type StackOptions = {
  /** found by itself unless given */
  readonly parts?: Parts
  readonly progress?: (event: StackEvent) => void
  /** another command works on the same folder; this one waits for it */
  readonly waiting?: (pid: number) => void
  /** ends a wait; parts that run by then go on */
  readonly signal?: AbortSignal
}

/** All of its promises that change something exclude each other, also between processes. */
export interface Stack {
  readonly dir: string
  /** Starts what does not run; resolves when all parts are ready. @throws Failure STACK_PART_MISSING, STACK_PART_FAILED */
  up(): Promise<Endpoints>
  /** Stops all parts; with `clean` removes the folder too. Harmless where nothing is there. */
  down(options?: { readonly clean?: boolean }): Promise<void>
  /** Resolves when it is ready, also where it ran already. @throws as up */
  start(part: PartName): Promise<void>
  /** Resolves when its process is gone. SIGTERM unless told otherwise. */
  stop(part: PartName, options?: { readonly signal?: NodeJS.Signals }): Promise<void>
  status(): readonly PartStatus[]
  /** @throws Failure USAGE where no stack was ever started in this folder */
  endpoints(): Endpoints
}

/** A part's own start takes seconds; this ends the wait for one that hangs. */
const startPatienceMs = 120_000
/** An orderly end takes up to 3 s; this comes before a kill. */
const stopPatienceMs = 20_000

/** Reads and writes nothing yet. */
export function openStack(folder: string, logger: Logger, options: StackOptions = {}): Stack {
  const dir = resolve(folder)
  const open: OpenStack = { dir, logger, ...options }
  const starting = <T>(work: () => Promise<T>): Promise<T> => withLock(dir, options, work)
  // Stopping is what is done after the signal: it does not end a wait here.
  const stopping = (work: () => Promise<void>): Promise<void> => withLock(dir, { ...options, signal: undefined }, work)
  return {
    dir,
    up: () =>
      starting(async () => {
        for (const part of partNames) await start(open, part)
        return endpointsOf(dir)
      }),
    down: async ({ clean = false } = {}) => {
      if (!readState(dir)) return
      await stopping(async () => {
        for (const part of partNames.toReversed()) await stop(open, part, 'SIGTERM')
        if (clean && readState(dir)) removeStack(dir)
      })
      if (clean) removeEmpty(dir)
    },
    start: (part) => starting(() => start(open, part)),
    stop: async (part, { signal = 'SIGTERM' } = {}) => {
      if (readState(dir)) await stopping(() => stop(open, part, signal))
    },
    status: () => statusOf(dir),
    endpoints: () => endpointsOf(dir),
  }
}

type OpenStack = StackOptions & { readonly dir: string; readonly logger: Logger }

const servers: Readonly<Record<PartName, (plan: StackPlan) => PartServer>> = {
  kafka: kafkaServer,
  s3: s3Server,
  warehouse: warehouseServer,
}

async function start(open: OpenStack, part: PartName): Promise<void> {
  const { dir, logger, progress, signal } = open
  signal?.throwIfAborted()
  const parts = open.parts ?? findParts()
  const state = await makeState(dir)
  const server = servers[part]({ dir, state, parts, logger })
  const logFile = logFileOf(dir, part)
  const startedMs = Date.now()
  const tell = (step: StackEvent['step']): void =>
    progress?.({ part, step, elapsedMs: Date.now() - startedMs, logFile })

  const running = state.processes[part]
  if (running && isRunning(running)) {
    await ready(open, server, running)
    tell('found')
    return
  }
  for (const needed of server.needs) {
    const process = state.processes[needed]
    if (!process || !isRunning(process)) {
      throw new Failure('STACK_PART_FAILED', `${part} needs ${needed}, which does not run; start that first`)
    }
  }
  if (running) tell('crashed')
  for (const port of portsOf(state)[part]) {
    if (!(await isFree(port))) {
      const way = `end that program, or choose new ports by: firn local down --clean --dir ${dir}`
      throw new Failure(
        'STACK_PART_FAILED',
        `${part} cannot start: its port ${port} is taken by another program; ${way}`,
      )
    }
  }
  tell('starting')
  await makeCertificates(dir)
  await server.prepare()
  await mkdir(join(dir, 'logs'), { recursive: true, mode: 0o700 })
  const process = await launch(server.launch(), logFile)
  remember(dir, part, process)
  await ready(open, server, process)
  tell('ready')
}

/** Waits until the part does its work. @throws Failure with the end of its log where it ends before, or hangs */
async function ready({ dir, signal }: OpenStack, server: PartServer, process: ProcessId): Promise<void> {
  const file = logFileOf(dir, server.name)
  const end = Date.now() + startPatienceMs
  for (;;) {
    const refusal: unknown = await server.assertReady().then(
      () => null,
      (error: unknown) => error,
    )
    // Whoever answered: it counts only if the part's own process is there.
    if (!isRunning(process)) throw partFailure(server.name, 'ended while it started', file, refusal)
    if (refusal === null) return
    if (Date.now() > end)
      throw partFailure(server.name, `is not ready after ${startPatienceMs / 1000} s`, file, refusal)
    await sleep(100)
    signal?.throwIfAborted()
  }
}

function partFailure(part: PartName, what: string, file: string, cause: unknown): Failure {
  const lines = logEnd(file)
  const log = lines === '' ? `its log, ${file}, is empty` : `the end of its log, ${file}:\n${lines}`
  return new Failure('STACK_PART_FAILED', `${part} ${what}; ${log}`, { cause })
}

async function stop({ dir, progress }: OpenStack, part: PartName, signal: NodeJS.Signals): Promise<void> {
  const process = readState(dir)?.processes[part]
  if (!process) return
  const logFile = logFileOf(dir, part)
  const startedMs = Date.now()
  progress?.({ part, step: 'stopping', elapsedMs: 0, logFile })
  const outcome = await end(process, signal, stopPatienceMs)
  remember(dir, part, null)
  const step = outcome === 'killed' ? 'killed' : 'stopped'
  progress?.({ part, step, elapsedMs: Date.now() - startedMs, logFile })
}

function remember(dir: string, part: PartName, process: ProcessId | null): void {
  const state = readState(dir)
  if (!state) return
  const others = Object.entries(state.processes).filter(([name]) => name !== part)
  const processes = Object.fromEntries(process ? [...others, [part, process]] : others)
  writeState(dir, { ...state, processes })
}

/** The folder itself, unless someone else has put something in meanwhile. */
function removeEmpty(dir: string): void {
  try {
    rmdirSync(dir)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'ENOENT')) throw error
  }
}

function statusOf(dir: string): readonly PartStatus[] {
  const state = readState(dir)
  return partNames.map((part) => {
    const process = state?.processes[part]
    const running = process !== undefined && isRunning(process)
    return {
      part,
      state: running ? 'running' : process ? 'crashed' : 'stopped',
      pid: running ? process.pid : null,
      ports: state ? portsOf(state)[part] : [],
      logFile: logFileOf(dir, part),
    }
  })
}

const logFileOf = (dir: string, part: PartName): string => join(dir, 'logs', `${part}.log`)
