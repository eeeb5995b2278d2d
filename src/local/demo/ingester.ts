/**
 * The ingester of the demo, in a process of its own: started, killed and watched from outside, as an orchestrator would.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../failure.ts'
import { logEnd } from '../part-process.ts'

export interface Ingester {
  readonly pid: number
  /** rejects when the process ends although nobody killed it */
  readonly crashed: Promise<never>
  /** resolves when the process has ended */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Lets it live on after the demo. */
  leave(): void
}

/** One landing file as the ingester's log tells of it; times in ms since 1970. */
export type StoredFile = { readonly key: string; readonly sealedAt: number; readonly storedAt: number }

/**
 * Starts `firn run` and resolves when it is ready.
 *
 * @throws Failure STACK_PART_FAILED with the end of its log where it ends instead
 */
export async function startIngester(
  main: string,
  config: string,
  logFile: string,
  statusUrl: string,
): Promise<Ingester> {
  const log = openSync(logFile, 'a')
  const child = spawn(process.execPath, [main, 'run', '--config', config], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  await once(child, 'spawn')
  while (!(await answers(`${statusUrl}/readyz`))) {
    if (ended(child)) throw crash(logFile)
    await sleep(100)
  }
  let expected = false
  const crashed = once(child, 'exit').then(async () => {
    if (!expected) throw crash(logFile)
    return await new Promise<never>(() => undefined)
  })
  return {
    pid: child.pid ?? 0,
    crashed,
    async kill(signal) {
      expected = true
      if (ended(child)) return
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    },
    leave: () => {
      child.unref()
    },
  }
}

function crash(logFile: string): Failure {
  return new Failure('STACK_PART_FAILED', `the ingester ended by itself; the end of ${logFile}:\n${logEnd(logFile)}`)
}

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    (response) => response.ok,
    () => false,
  )

/** Every file that the log tells of, in its order. */
export async function storedFiles(logFile: string): Promise<readonly StoredFile[]> {
  const lines = (await readFile(logFile, 'utf8')).split('\n')
  return lines.flatMap((line) => {
    if (!line.includes('"sealedAt"')) return []
    const { key, sealedAt, storedAt } = JSON.parse(line) as StoredFile
    return [{ key, sealedAt, storedAt }]
  })
}
