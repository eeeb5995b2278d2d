/**
 * Drains the same log by kafkajs that only counts, by Firn, and by what one would write by hand, in interleaved rounds on the
 * same broker and S3 server. What the figures must be is the reader's to judge.
 */
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, start } from '../lab/child.ts'
import { until } from '../support/until.ts'
import {
  type BenchGround,
  type Compression,
  cpuOf,
  filesOf,
  median,
  openBench,
  peakMbOf,
  storedMessages,
} from './bench-ground.ts'
import { drainByFirn } from './firn-process.ts'
import { benchMessages } from './messages.ts'

export type Contender = 'raw' | 'firn' | 'baseline'

export type Drained = {
  readonly name: Contender
  readonly recordsPerSecond: number
  readonly mbPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly peakMb: number
  readonly files: number
  readonly bytes: number
  readonly complete: boolean
}

export type DrainOptions = {
  readonly messages: number
  readonly partitions: number
  readonly rounds: number
  readonly compression: Compression
  readonly contenders: readonly Contender[]
  readonly say: (line: string) => void
}

const topic = 'bench.orders'
const ingestSettings = { freshness: '1s', compression: process.env['PARQUET'] ?? 'snappy' }
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Medians, in the order of the contenders. @throws Error where one ends by itself */
export async function benchDrain(options: DrainOptions): Promise<readonly Drained[]> {
  const { messages, partitions, rounds, compression, contenders, say } = options
  const ground = await openBench()
  try {
    say(`sending ${messages.toLocaleString('en-US')} messages`)
    const bytes = await ground.send(topic, partitions, benchMessages(messages, partitions), compression)
    say(`of ${Math.round(bytes / messages)} bytes on average`)
    const measured: Drained[] = []
    for (let round = 1; round <= rounds; round++) {
      for (const name of contenders) {
        const one = await measure(ground, name, { round, messages, bytes })
        measured.push(one)
        say(`round ${round}: ${textOf(one)}`)
      }
    }
    return contenders.map((name) => mediansOf(measured.filter((one) => one.name === name)))
  } finally {
    await ground.down()
  }
}

type Task = { readonly round: number; readonly messages: number; readonly bytes: number }

async function measure(ground: BenchGround, name: Contender, { round, messages, bytes }: Task): Promise<Drained> {
  const { dir, brokers, store } = ground
  const group = `${name}-${round}`
  const prefix = `${group}/`
  const folder = join(dir, group)
  await mkdir(folder, { recursive: true })
  const begun = Date.now()
  const stage = { ...store.stage, prefix }
  const child =
    name === 'firn'
      ? await drainByFirn(ground, { topic, group, folder, stage, ingest: ingestSettings })
      : await drainBy(name, { folder, brokers, group, messages, stage })
  const seconds = (Date.now() - begun) / 1_000
  const [cpuSeconds, peakMb] = [cpuOf(child.pid), peakMbOf(child.pid)]
  child.signal(name === 'firn' ? 'SIGTERM' : 'SIGKILL')
  await child.ended
  const stored = join(store.folder, group, topic)
  const found = name === 'raw' ? { files: 0, bytes: 0 } : await filesOf(stored)
  return {
    name,
    recordsPerSecond: messages / seconds,
    mbPerSecond: bytes / 1e6 / seconds,
    cpuSecondsPerMillion: (cpuSeconds / messages) * 1e6,
    peakMb,
    ...found,
    complete: name === 'raw' || (await storedMessages(stored)) === messages,
  }
}

type Beginning = {
  readonly folder: string
  readonly brokers: readonly string[]
  readonly group: string
  readonly messages: number
  readonly stage: object
}

async function drainBy(name: 'raw' | 'baseline', { folder, brokers, group, messages, stage }: Beginning) {
  const told = JSON.stringify({ brokers, topic, group, messages, stage })
  const child = await start(process.execPath, [here(`${name}.ts`), told], join(folder, 'log'))
  await until(`${name} at the end`, () => hasSaid(child, 'drained'), Boolean, 1_800_000)
  return child
}

function hasSaid(child: Child, word: string): boolean {
  const log = readFileSync(child.logFile, 'utf8')
  if (!child.running()) throw new Error(`${child.logFile}: ended by itself\n${log}`)
  return log.includes(word)
}

function mediansOf(rounds: readonly Drained[]): Drained {
  const [first] = rounds
  if (!first) throw new Error('nothing was measured')
  const of = (key: 'recordsPerSecond' | 'mbPerSecond' | 'cpuSecondsPerMillion' | 'peakMb' | 'files' | 'bytes') =>
    median(rounds.map((one) => one[key]))
  return {
    name: first.name,
    recordsPerSecond: of('recordsPerSecond'),
    mbPerSecond: of('mbPerSecond'),
    cpuSecondsPerMillion: of('cpuSecondsPerMillion'),
    peakMb: of('peakMb'),
    files: of('files'),
    bytes: of('bytes'),
    complete: rounds.every(({ complete }) => complete),
  }
}

export function textOf(drained: Drained): string {
  const { name, recordsPerSecond, mbPerSecond, cpuSecondsPerMillion, peakMb, files, bytes, complete } = drained
  const rate = `${Math.round(recordsPerSecond).toLocaleString('en-US')} records/s, ${mbPerSecond.toFixed(0)} MB/s`
  const stored = name === 'raw' ? 'stores nothing' : `${files} files, ${(bytes / 1e6).toFixed(0)} MB`
  const words = [
    rate,
    `${cpuSecondsPerMillion.toFixed(2)} CPU s per million`,
    `peak ${Math.round(peakMb)} MB`,
    stored,
    complete ? 'complete' : 'INCOMPLETE',
  ]
  return `${name.padEnd(8)}  ${words.join(', ')}`
}
