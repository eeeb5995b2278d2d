/**
 * What grows with what: Firn drains logs of 1 to 1,000 partitions and of messages of 100 bytes to 1 MB, and then stands idle;
 * and it resumes where few or many files are on the stage. What the figures must be is the reader's to judge.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchGround, cpuOf, filesOf, median, openBench, peakMbOf, storedMessages } from './bench-ground.ts'
import { drainByFirn, type FirnProcess, listenUrl, startFirn, untilStarted } from './firn-process.ts'
import { benchMessages } from './messages.ts'

type Say = (line: string) => void

export type Scaled = {
  readonly what: 'partitions' | 'message bytes'
  readonly of: number
  readonly messages: number
  readonly recordsPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly mbPerCpuSecond: number
  /** from the start of the process, nothing staged yet */
  readonly assignedSeconds: number
  readonly peakMb: number
  /** the most that was buffered and in flight, as Firn counts it, over ingest.memory */
  readonly budgetUsed: number
  /** of one core, after the log was drained, in percent */
  readonly idleCpuPercent: number
  readonly files: number
  readonly complete: boolean
}

export type Resumed = {
  readonly files: number
  /** from the start of the process until every partition has started; medians */
  readonly seconds: number
  readonly cpuSeconds: number
}

const idleMs = 20_000
const ingest = { freshness: '1s' }

/** Logs of a million messages, or so many that they come to a gigabyte at most. */
export async function benchPartitions(counts: readonly number[], messages: number, say: Say): Promise<Scaled[]> {
  const results: Scaled[] = []
  for (const of of counts)
    results.push(await scaled({ what: 'partitions', of, partitions: of, messages, bytes: 565 }, say))
  return results
}

export async function benchSizes(sizes: readonly number[], messages: number, say: Say): Promise<Scaled[]> {
  const results: Scaled[] = []
  for (const of of sizes) {
    const count = Math.min(messages, Math.ceil(1e9 / of))
    results.push(await scaled({ what: 'message bytes', of, partitions: 8, messages: count, bytes: of }, say))
  }
  return results
}

type Scale = Pick<Scaled, 'what' | 'of' | 'messages'> & { readonly partitions: number; readonly bytes: number }

/** On a broker of its own: what others sent would be on its disk, and in its memory. */
async function scaled({ what, of, messages, partitions, bytes }: Scale, say: Say): Promise<Scaled> {
  const ground = await openBench()
  try {
    const topic = 'bench.orders'
    const sent = await ground.send(topic, partitions, benchMessages(messages, partitions, bytes))
    const folder = join(ground.dir, 'firn')
    const stage = { ...ground.store.stage, prefix: 'scale/' }
    const assignedSeconds = await assigned(ground, { topic, partitions, folder: join(ground.dir, 'first') })
    const begun = Date.now()
    const buffered = watchBuffered(folder)
    const child = await drainByFirn(ground, { topic, group: 'scale', folder, stage, ingest })
    const seconds = (Date.now() - begun) / 1_000
    const [cpuSeconds, peakMb, budgetUsed] = [cpuOf(child.pid), peakMbOf(child.pid), buffered.end()]
    await sleep(idleMs)
    const idleCpuPercent = ((cpuOf(child.pid) - cpuSeconds) / idleMs) * 1_000 * 100
    await end(child)
    const stored = join(ground.store.folder, 'scale', topic)
    const { files } = await filesOf(stored)
    const result: Scaled = {
      ...{ what, of, messages, assignedSeconds, peakMb, budgetUsed, idleCpuPercent, files },
      recordsPerSecond: messages / seconds,
      cpuSecondsPerMillion: (cpuSeconds / messages) * 1e6,
      mbPerCpuSecond: sent / 1e6 / cpuSeconds,
      complete: (await storedMessages(stored)) === messages,
    }
    say(scaledText(result))
    return result
  } finally {
    await ground.down()
  }
}

/** Not more often: each look costs the process that is measured, 15,000 series of a thousand partitions. */
const lookMs = 1_000

/** By the process's own metrics, once it listens. */
function watchBuffered(folder: string): { end(): number } {
  let most = 0
  const timer = setInterval(() => void look(), lookMs)
  const look = async (): Promise<void> => {
    const url = listenUrl(folder)
    const metrics =
      url === null
        ? ''
        : await fetch(`${url}/metrics`).then(
            (answer) => answer.text(),
            () => '',
          )
    const of = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0)
    const [used, budget] = [of('firn_buffered_bytes'), of('firn_memory_budget_bytes')]
    if (budget > 0) most = Math.max(most, used / budget)
  }
  return {
    end: () => {
      clearInterval(timer)
      return most
    },
  }
}

async function end(child: FirnProcess): Promise<void> {
  child.signal('SIGTERM')
  await child.ended
}

type Place = { readonly topic: string; readonly partitions: number; readonly folder: string }

/** How long a first process takes until it reads every partition. */
async function assigned(ground: BenchGround, { topic, partitions, folder }: Place): Promise<number> {
  const begun = Date.now()
  const child = await startFirn(folder, {
    kafka: { brokers: ground.brokers, group: 'assigned' },
    stage: { ...ground.store.stage, prefix: 'assigned/' },
    ingest: { freshness: '1h' },
    tables: [{ topic, table: 'BENCH.ORDERS', key: ['id'] }],
  })
  await untilStarted(child, partitions)
  const seconds = (Date.now() - begun) / 1_000
  // What it has read is nobody's.
  child.signal('SIGKILL')
  await child.ended
  return seconds
}

/** The same log, staged as so many files each; each round resumes behind all of them. */
export async function benchResume(counts: readonly number[], rounds: number, say: Say): Promise<readonly Resumed[]> {
  const ground = await openBench()
  const topic = 'bench.orders'
  const partitions = 8
  const messages = Math.max(...counts)
  try {
    await ground.send(topic, partitions, benchMessages(messages, partitions, 400))
    const placed = counts.map((files) => ({ files, name: `resume-${files}` }))
    const stageOf = (name: string) => ({ ...ground.store.stage, prefix: `${name}/` })
    for (const { files, name } of placed) {
      const [folder, stage] = [join(ground.dir, name), stageOf(name)]
      const fileRows = Math.ceil(messages / partitions / Math.ceil(files / partitions))
      mkdirSync(folder)
      await end(await drainByFirn(ground, { topic, group: name, folder, stage, ingest: { freshness: '1h', fileRows } }))
      say(`staged as ${(await filesOf(join(ground.store.folder, name, topic))).files} files`)
    }
    const looks = placed.map(() => ({ seconds: [] as number[], cpuSeconds: [] as number[] }))
    for (let round = 1; round <= rounds; round++) {
      for (const [at, { name }] of placed.entries()) {
        const begun = Date.now()
        const child = await startFirn(join(ground.dir, `${name}-${round}`), {
          kafka: { brokers: ground.brokers, group: name },
          stage: stageOf(name),
          ingest: { freshness: '1h' },
          tables: [{ topic, table: 'BENCH.ORDERS', key: ['id'] }],
        })
        await untilStarted(child, partitions)
        looks[at]?.seconds.push((Date.now() - begun) / 1_000)
        looks[at]?.cpuSeconds.push(cpuOf(child.pid))
        await end(child)
      }
    }
    return placed.map(({ files }, at) => {
      const { seconds = [], cpuSeconds = [] } = looks[at] ?? {}
      const result = { files, seconds: median(seconds), cpuSeconds: median(cpuSeconds) }
      say(`resumed behind ${files} files: ${result.seconds.toFixed(2)} s, ${result.cpuSeconds.toFixed(2)} CPU s`)
      return result
    })
  } finally {
    await ground.down()
  }
}

function scaledText(scaled: Scaled): string {
  const { what, of, messages, recordsPerSecond, cpuSecondsPerMillion, mbPerCpuSecond } = scaled
  const { assignedSeconds, peakMb, budgetUsed, idleCpuPercent, files, complete } = scaled
  const words = [
    `${messages.toLocaleString('en-US')} messages`,
    `assigned after ${assignedSeconds.toFixed(1)} s`,
    `${Math.round(recordsPerSecond).toLocaleString('en-US')} records/s`,
    `${cpuSecondsPerMillion.toFixed(1)} CPU s per million (${mbPerCpuSecond.toFixed(0)} MB per CPU s)`,
    `peak ${Math.round(peakMb)} MB`,
    `${Math.round(budgetUsed * 100)} % of the budget`,
    `idle at ${idleCpuPercent.toFixed(1)} % of a core`,
    `${files} files`,
    complete ? 'complete' : 'INCOMPLETE',
  ]
  return `${of.toLocaleString('en-US').padStart(9)} ${what}: ${words.join(', ')}`
}
