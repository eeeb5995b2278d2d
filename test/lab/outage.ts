/**
 * A store that is away while messages flow: the ingester keeps its memory within the budget, stays a member of its group, and
 * catches up when the store is back.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../support/until.ts'
import type { AuditReport } from './auditor.ts'
import { allEnded } from './child.ts'
import { hasTold, type Member, startGround, told } from './ground.ts'
import { seededRandom } from './random.ts'
import { startWorkload } from './workload.ts'

export type OutageOptions = {
  readonly seconds: number
  readonly messagesPerSecond: number
  readonly memoryMiB: number
  readonly say: (line: string) => void
}

export type OutageResult = {
  readonly report: AuditReport
  /** the most that was buffered and in flight, as the process has it, in bytes */
  readonly bufferedMax: number
  /** resident memory when the budget was full, and the most after that, in bytes */
  readonly residentFull: number
  readonly residentMax: number
  readonly caughtUpMs: number
}

/** How far the resident memory may grow while the budget is full: garbage that is not collected yet. */
export const residentGrowthMax = 1.5

const deadlineMs = 600_000

/** @throws Error where the process leaves the group, or does not catch up, and of the auditor */
export async function runOutage({ seconds, messagesPerSecond, memoryMiB, say }: OutageOptions): Promise<OutageResult> {
  const ground = await startGround(1)
  try {
    const bench = await ground.bench('outage', 4, { memory: `${memoryMiB}MiB`, freshness: '5s' })
    const load = {
      brokers: ground.cluster.direct,
      topic: bench.topic,
      partitions: 4,
      messagesPerSecond,
      random: seededRandom(1),
      noiseBytes: 400,
    }
    const workload = await startWorkload(load)
    const member = await bench.startMember()
    const port = await until(
      'the status port',
      () => portOf(member),
      (found) => found > 0,
    )
    await until('its partitions', () => hasTold(member, '"msg":"assigned"'), Boolean)
    await ground.store.stop()
    const budget = memoryMiB * 2 ** 20
    let bufferedMax = 0
    let residentFull = 0
    let residentMax = 0
    const endMs = Date.now() + seconds * 1_000
    let nextReportMs = Date.now() + 30_000
    while (Date.now() < endMs) {
      await sleep(500)
      const [buffered, resident] = [await bufferedOf(port), await residentOf(member)]
      bufferedMax = Math.max(bufferedMax, buffered)
      // Settled a while after it was full.
      if (buffered > 0.85 * budget && residentFull === 0) residentFull = await settledResident(member)
      if (residentFull > 0) residentMax = Math.max(residentMax, resident)
      if (Date.now() < nextReportMs) continue
      nextReportMs = Date.now() + 30_000
      say(`away, ${workload.sent()} sent: buffered ${mib(buffered)}, resident ${mib(resident)}`)
    }
    await ground.store.start()
    const backMs = Date.now()
    await workload.stop()
    await bench.drained(deadlineMs)
    const caughtUpMs = Date.now() - backMs
    const joins = (await readFile(member.logFile, 'utf8')).split('"msg":"assigned"').length - 1
    if (joins !== 1) throw new Error(`assigned ${joins} times\n${told(member)}`)
    member.signal('SIGTERM')
    await allEnded([member])
    return { report: await bench.audit(), bufferedMax, residentFull, residentMax, caughtUpMs }
  } finally {
    await ground.down()
  }
}

export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

async function portOf(member: Member): Promise<number> {
  return Number(/"status":"port (\d+)"/.exec(await readFile(member.logFile, 'utf8'))?.[1] ?? 0)
}

async function bufferedOf(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^firn_buffered_bytes (\d+)$/m.exec(text)?.[1])
}

async function residentOf({ pid }: Member): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

async function settledResident(member: Member): Promise<number> {
  await sleep(3_000)
  return await residentOf(member)
}
