/**
 * Runs the real command in a process of its own, as a user does.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export type Finished = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export type Running = {
  readonly process: ChildProcess
  /** all that it has written to stderr so far */
  readonly log: () => string
  /** resolves when it has ended, whoever ended it */
  readonly finished: Promise<Finished>
}

/** Starts `firn <args>`; the caller ends it. `program` is another main.ts than this tree's. */
export function startFirn(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program: string = main,
): Running {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const finished = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
  const endWithTest = (): void => void child.kill('SIGKILL')
  process.once('exit', endWithTest)
  void finished.then(() => process.removeListener('exit', endWithTest))
  return { process: child, log: () => stderr, finished }
}

/** Runs `firn <args>` to its end. */
export async function firn(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return await startFirn(args, env).finished
}
