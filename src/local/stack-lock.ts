/**
 * One command at a time changes a stack: a lock file in its folder that names its holder, and dies with it.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ProcessId, currentProcess, hasCode, isRunning } from './part-process.ts'

export const lockFile = 'stack.lock'

/**
 * Runs `work` while no other command works on this folder; waits where one does. Makes the folder where it is not there.
 * `waiting` is called once, with the pid of the other.
 */
export async function withLock<T>(
  dir: string,
  options: { readonly signal?: AbortSignal | undefined; readonly waiting?: (pid: number) => void },
  work: () => Promise<T>,
): Promise<T> {
  let told = false
  for (;;) {
    const outcome = takeLock(dir)
    if (outcome === 'ours') break
    if (outcome === 'free') continue
    if (!told) options.waiting?.(outcome.pid)
    told = true
    await sleep(100)
    options.signal?.throwIfAborted()
  }
  try {
    return await work()
  } finally {
    rmSync(join(dir, lockFile), { force: true })
  }
}

/** `free`: it was let go meanwhile, try again. Else who holds it. */
function takeLock(dir: string): 'ours' | 'free' | ProcessId {
  const file = join(dir, lockFile)
  const draft = `${file}.${process.pid}`
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  writeFileSync(draft, JSON.stringify(currentProcess()), { mode: 0o600 })
  try {
    // A link is there with its content at once, or refused: nobody ever reads a lock without its holder.
    linkSync(draft, file)
    return 'ours'
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  const holder = readLock(file)
  if (!holder) return 'free'
  if (isRunning(holder)) return holder
  breakLock(file)
  return 'free'
}

/** Its holder died. Of several commands that see so, one moves it aside; a newer lock that it moved instead goes back. */
function breakLock(file: string): void {
  const aside = `${file}.${process.pid}.dead`
  try {
    renameSync(file, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  const moved = readLock(aside)
  if (moved && isRunning(moved)) renameSync(aside, file)
  else rmSync(aside, { force: true })
}

function readLock(file: string): ProcessId | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessId
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}
