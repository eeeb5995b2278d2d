/**
 * A process of the laboratory: ends with the process that started it, also where that is interrupted, and leaves its log.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { within } from '../../src/deadline.ts'
import { heedInterruption } from '../support/interruption.ts'
import { until } from '../support/until.ts'

export type Child = {
  readonly pid: number
  readonly logFile: string
  /** whether it has not ended yet */
  readonly running: () => boolean
  /** how it ended */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Does nothing where it has ended. */
  signal(signal: NodeJS.Signals): void
}

heedInterruption()
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

export async function start(
  program: string,
  args: readonly string[],
  logFile: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } })
  closeSync(log)
  children.add(child)
  const ended = once(child, 'exit').then(([code, signal]) => {
    children.delete(child)
    return { code: code as number | null, signal: signal as NodeJS.Signals | null }
  })
  await once(child, 'spawn')
  return {
    pid: child.pid ?? 0,
    logFile,
    running: () => children.has(child),
    ended,
    signal: (signal) => {
      if (children.has(child)) child.kill(signal)
    },
  }
}

/** Told to end with SIGTERM, and with SIGKILL where that is not enough; resolves when it has ended. */
export async function stop(child: Child, patienceMs = 60_000): Promise<void> {
  child.signal('SIGTERM')
  if (!(await within(child.ended, patienceMs))) child.signal('SIGKILL')
  await child.ended
}

/** Waits until each has ended by itself. @throws Error with the end of its log, where one does not */
export async function allEnded(children: readonly Child[], deadlineMs?: number): Promise<void> {
  await until(
    'processes to end',
    () => children.filter(({ running }) => running()).map(({ logFile }) => `${logFile}: ${logTail(logFile)}`),
    (left) => left.length === 0,
    deadlineMs,
  )
}

/** The last lines of a log, for an error. */
export function logTail(file: string, lines = 15): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
}
