/**
 * A process that outlives the command that started it: starting it, knowing it again, ending it.
 * What it runs is decided by the part, when by stack.ts.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A pid alone may belong to a stranger by now; with the time of its start it names one process for good. */
export type ProcessId = { readonly pid: number; readonly startedAt: string }

export type Launch = {
  readonly program: string
  readonly args: readonly string[]
  /** added to the few variables that every part gets */
  readonly env?: Readonly<Record<string, string>>
}

/** All that a part inherits: a variable such as JAVA_TOOL_OPTIONS or VGW_PORT must not change what it does. */
const inherited = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'JAVA_HOME', 'LD_LIBRARY_PATH'] as const

/** Resolves when the program runs, which does not mean that it is ready. Its output goes to the end of `logFile`. */
export async function launch({ program, args, env = {} }: Launch, logFile: string): Promise<ProcessId> {
  const base = inherited.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]] as const],
  )
  const log = openSync(logFile, 'a', 0o600)
  try {
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...Object.fromEntries(base), ...env },
    })
    await once(child, 'spawn')
    child.unref()
    const pid = child.pid ?? 0
    return { pid, startedAt: startOf(pid) ?? '' }
  } finally {
    closeSync(log)
  }
}

export function isRunning({ pid, startedAt }: ProcessId): boolean {
  return startedAt !== '' && startOf(pid) === startedAt
}

export function currentProcess(): ProcessId {
  return processId(process.pid)
}

/** Of a process that runs now. */
export function processId(pid: number): ProcessId {
  return { pid, startedAt: startOf(pid) ?? '' }
}

/** Sends the signal, waits for the end, and kills what has not ended after `patienceMs`; whether it came to that. */
export async function end(id: ProcessId, signal: NodeJS.Signals, patienceMs: number): Promise<'ended' | 'killed'> {
  send(id, signal)
  const killAtMs = Date.now() + patienceMs
  let killed = false
  while (isRunning(id)) {
    if (!killed && Date.now() > killAtMs) {
      send(id, 'SIGKILL')
      killed = true
    }
    await sleep(20)
  }
  return killed ? 'killed' : 'ended'
}

function send(id: ProcessId, signal: NodeJS.Signals): void {
  if (!isRunning(id)) return
  try {
    process.kill(id.pid, signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

/** When the process started, in whatever unit the system has; null where there is none, or only its remains. */
function startOf(pid: number): string | null {
  if (process.platform !== 'linux') return startByPs(pid)
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return null
    throw error
  }
  // After "pid (name) ", where the name may hold anything: state is the first field, the start time the twentieth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const isGone = fields[0] === 'X' || (fields[0] === 'Z' && !hasThreads(pid))
  return isGone ? null : (fields[19] ?? null)
}

/** Of a process whose first thread has ended: others may still be at a write. */
function hasThreads(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).length > 1
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return false
    throw error
  }
}

function startByPs(pid: number): string | null {
  try {
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return text === '' || text.startsWith('Z') ? null : text.replace(/^\S+\s+/, '')
  } catch (error) {
    // ps ends with 1 where there is no such process
    if (typeof error === 'object' && error !== null && 'status' in error && error.status === 1) return null
    throw error
  }
}

/** The last lines of a log, for a person; empty where there is none. */
export function logEnd(file: string, lines = 15): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
