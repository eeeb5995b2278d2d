/**
 * Measures a backfill of a whole log against the ingester that drains the same log, in one run, on the same broker and store:
 * interleaved rounds, medians, and whether what was stored is complete. What the figures must be is the reader's to judge.
 */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, start } from '../lab/child.ts'
import { type BenchGround, cpuOf, median, openBench, storedMessages } from './bench-ground.ts'
import { imageEnvironment, imageFlags, mainFile } from './firn-process.ts'
import { benchMessages } from './messages.ts'

const topic = 'bench.orders'
const partitions = 8

export type Figures = {
  readonly name: 'ingester' | 'backfill'
  readonly seconds: number
  readonly messagesPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly peakMb: number
  /** median of what was resident in each quarter of the time */
  readonly quartersMb: readonly number[]
  /** the last of them over the third: 1 is flat */
  readonly growth: number
  readonly complete: boolean
}

export type BenchOptions = {
  readonly messages: number
  readonly rounds: number
  readonly say: (line: string) => void
}

/** In the order in which they were measured. */
export async function benchReplay({ messages, rounds, say }: BenchOptions): Promise<readonly Figures[]> {
  const ground = await openBench()
  try {
    say(`sending ${messages.toLocaleString('en-US')} messages`)
    await ground.send(topic, partitions, benchMessages(messages, partitions), 'lz4')
    const figures: Figures[] = []
    for (let round = 1; round <= rounds; round++) {
      const bench = { ground, round, messages }
      for (const name of ['ingester', 'backfill'] as const) {
        const one = await measure(name, bench)
        figures.push(one)
        say(`round ${round}: ${textOf(one)}`)
      }
    }
    return figures
  } finally {
    await ground.down()
  }
}

type Bench = {
  readonly ground: BenchGround
  readonly round: number
  readonly messages: number
}

/** A round has a prefix: the ingester begins its epoch there, and the backfill follows it. */
async function measure(name: Figures['name'], bench: Bench): Promise<Figures> {
  const { ground, round, messages } = bench
  const { dir, store, brokers } = ground
  const prefix = `bench-${round}/`
  const group = `bench-${round}`
  const folder = join(dir, prefix)
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'firn.yaml')
  await writeFile(
    config,
    JSON.stringify({
      kafka: { brokers, group },
      stage: { ...store.stage, prefix },
      ingest: { freshness: '1s' },
      status: { listen: '127.0.0.1:0' },
      tables: [{ topic, table: 'BENCH.ORDERS', key: ['id'] }],
    }),
  )
  const args =
    name === 'ingester' ? ['run'] : ['backfill', '--from', 'log', '--name', `r${round}`, '--stage-only', '--yes']
  const begun = Date.now()
  const child = await start(
    process.execPath,
    [...imageFlags, mainFile, ...args, '--config', config],
    join(folder, `${name}.log`),
    imageEnvironment,
  )
  const resident: number[] = []
  const watching = watch(child, resident)
  let cpuSeconds: number
  if (name === 'ingester') {
    await ground.drained(topic, group)
    cpuSeconds = cpuOf(child.pid)
  } else {
    // The last look before its end; a process that has ended tells nothing any more.
    cpuSeconds = (await watching).cpuSeconds
    const { code } = await child.ended
    if (code !== 0)
      throw new Error(`the backfill ended with ${code}: ${readFileSync(child.logFile, 'utf8').slice(-2_000)}`)
  }
  const seconds = (Date.now() - begun) / 1_000
  child.signal('SIGTERM')
  await child.ended
  await watching
  const rows = await storedMessages(join(store.folder, prefix, topic, name === 'ingester' ? 'e1' : `run-r${round}`))
  const length = Math.ceil(resident.length / 4)
  const quartersMb = [0, 1, 2, 3].map((at) => Math.round(median(resident.slice(at * length, (at + 1) * length)) / 1e6))
  return {
    name,
    seconds,
    messagesPerSecond: messages / seconds,
    cpuSecondsPerMillion: (cpuSeconds / messages) * 1e6,
    peakMb: Math.max(...resident) / 1e6,
    quartersMb,
    growth: (quartersMb[3] ?? NaN) / (quartersMb[2] ?? NaN),
    complete: rows === messages,
  }
}

async function watch(child: Child, resident: number[]): Promise<{ readonly cpuSeconds: number }> {
  let cpuSeconds = 0
  while (child.running()) {
    try {
      cpuSeconds = cpuOf(child.pid)
      const [, kib = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      if (kib !== '0') resident.push(Number(kib) * 1024)
    } catch (error) {
      // It ended between two looks.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ESRCH')
        throw error
    }
    await sleep(50)
  }
  return { cpuSeconds }
}

export function textOf(figures: Figures): string {
  const { name, messagesPerSecond, cpuSecondsPerMillion, peakMb, quartersMb, complete } = figures
  const rate = `${Math.round(messagesPerSecond).toLocaleString('en-US')} messages/s`
  const memory = `peak ${Math.round(peakMb)} MB, by quarters ${quartersMb.join(', ')} MB`
  return `${name.padEnd(8)}  ${rate}, ${cpuSecondsPerMillion.toFixed(1)} CPU s per million, ${memory}, ${complete ? 'complete' : 'INCOMPLETE'}`
}
