/**
 * `firn run` as a benchmark starts it: the process that is measured, compiled and with the flags of deploy/Dockerfile, and its
 * settings in a folder of its own.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { choosePorts } from '../../src/local/ports.ts'
import { type Child, start } from '../lab/child.ts'
import { until } from '../support/until.ts'
import type { BenchGround } from './bench-ground.ts'

export const mainFile = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** What deploy/Dockerfile sets. */
export const imageFlags = ['--max-semi-space-size=8', '--heap-growing-percent=300']
export const imageEnvironment = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '8388608',
  MALLOC_TRIM_THRESHOLD_: '8388608',
  UV_THREADPOOL_SIZE: '2',
}

export type FirnProcess = Child & {
  /** where its HTTP server listens */
  readonly url: string
  /** Rejects, with its log, when it ends by itself. */
  readonly endedEarly: Promise<never>
}

/** `settings` without `status`, as firn.yaml has them. */
export async function startFirn(folder: string, settings: object): Promise<FirnProcess> {
  mkdirSync(folder, { recursive: true })
  const [port = 0] = await choosePorts(1)
  const config = configIn(folder)
  writeFileSync(config, JSON.stringify({ ...settings, status: { listen: `127.0.0.1:${port}` } }))
  // And whatever a profile needs.
  const flags = [...imageFlags, ...(process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter(Boolean)]
  const args = [...flags, mainFile, 'run', '--config', config]
  const child = await start(process.execPath, args, join(folder, 'log'), imageEnvironment)
  const endedEarly = child.ended.then(({ code }) => {
    throw new Error(`${child.logFile}: ended by itself with ${code}\n${readFileSync(child.logFile, 'utf8')}`)
  })
  // Told to end, it ends without anybody waiting here.
  endedEarly.catch(() => undefined)
  return { ...child, url: `http://127.0.0.1:${port}`, endedEarly }
}

/** Where the process of this folder listens; null before it was started. */
export function listenUrl(folder: string): string | null {
  const file = configIn(folder)
  if (!existsSync(file)) return null
  const { status } = JSON.parse(readFileSync(file, 'utf8')) as { readonly status: { readonly listen: string } }
  return `http://${status.listen}`
}

const configIn = (folder: string): string => join(folder, 'firn.yaml')

/** Waits until as many partitions have been started. */
export async function untilStarted({ url, endedEarly }: FirnProcess, partitions: number): Promise<void> {
  const started = async (): Promise<number> => {
    const metrics = await fetch(`${url}/metrics`).then(
      (answer) => answer.text(),
      () => '',
    )
    return metrics.split('\n').filter((line) => line.startsWith('firn_staged_offset{')).length
  }
  await Promise.race([until('every partition started', started, (count) => count === partitions, 600_000), endedEarly])
}

export type Drain = {
  readonly topic: string
  readonly group: string
  readonly folder: string
  readonly stage: object
  readonly ingest: object
}

/** Starts Firn, and waits until it has committed the end of every partition. */
export async function drainByFirn(ground: BenchGround, drain: Drain): Promise<FirnProcess> {
  const { topic, group, folder, stage, ingest } = drain
  const kafka = { brokers: ground.brokers, group }
  const child = await startFirn(folder, {
    kafka,
    stage,
    ingest,
    tables: [{ topic, table: 'BENCH.ORDERS', key: ['id'] }],
  })
  await Promise.race([ground.drained(topic, group), child.endedEarly])
  return child
}
