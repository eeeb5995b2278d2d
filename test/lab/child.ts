/**
 * A process of the laboratory: ends with the process that started it, also where that is interrupted, and leaves its log.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { heedInterruption } from '../support/interruption.ts'

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

/** The last lines of a log, for an error. */
export function logTail(file: string, lines = 15): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
}
