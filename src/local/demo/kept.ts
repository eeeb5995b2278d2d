/**
 * A demo that was left running: its ingester is remembered in the demo's folder, so that it can be ended with all the rest.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../telemetry.ts'
import { end, hasCode, isRunning, type ProcessId, processId } from '../part-process.ts'
import { openStack } from '../stack.ts'

const fileOf = (dir: string): string => join(dir, 'ingester.json')

/** `firn run` flushes for ingest.leaveTimeout at most. */
const patienceMs = 30_000

export async function keepIngester(dir: string, pid: number): Promise<void> {
  await writeFile(fileOf(dir), JSON.stringify(processId(pid)))
}

/** Ends the ingester and the stack of a demo in this folder and removes their data; also where there is none. */
export async function endDemo(dir: string, logger: Logger): Promise<void> {
  const ingester = await keptIngester(dir)
  if (ingester && isRunning(ingester)) await end(ingester, 'SIGTERM', patienceMs)
  await openStack(dir, logger).down({ clean: true })
}

async function keptIngester(dir: string): Promise<ProcessId | null> {
  try {
    return JSON.parse(await readFile(fileOf(dir), 'utf8')) as ProcessId
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}
