/**
 * The crash matrix: a member is killed with SIGKILL at each named instant, while messages flow, with one member and with two,
 * with a healthy store and a faulty one. Then a clean member reads the rest, and the auditor looks for what is missing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FailPoint } from '../../src/fail-point.ts'
import type { AuditReport } from './auditor.ts'
import { allEnded } from './child.ts'
import { type Bench, type Ground, hasTold, type Member, told } from './ground.ts'
import { seededRandom } from './random.ts'
import { noFaults } from './s3-store.ts'
import { startWorkload } from './workload.ts'

export type MatrixCase = { readonly members: 1 | 2; readonly store: 'healthy' | 'faulty' }

export type MatrixResult = MatrixCase & { readonly kills: number; readonly report: AuditReport }

/**
 * Each instant, in an order in which each is come by: the first ones before anything is committed; those of adoption and of
 * the first commit after files were left without a commit.
 */
const instants: readonly FailPoint[] = [
  'record.before',
  'record.after',
  'bootstrap.before',
  'bootstrap.after',
  'buffer.before',
  'buffer.after',
  'encode.before',
  'encode.after',
  'put.before',
  'put.after',
  'adopt.before',
  'adopt.after',
  'commit.before',
  'seek.before',
  'seek.after',
  'commit.after',
  'revoke.before',
  'revoke.after',
  'leave.before',
  'leave.after',
]

/** Come by again and again: there, the kill falls on a later turn too. */
const frequent = /^(buffer|encode|put|commit)\./

const storeFaults = { unavailable: 0.1, conflict: 0.05, lostAnswer: 0.08, delayMs: 40 }

/** A generous end for what takes a few seconds. */
const deadlineMs = 120_000

/** @throws Error where an instant is not come by, and of the auditor */
export async function runCase(
  ground: Ground,
  of: MatrixCase,
  seed: number,
  say: (line: string) => void,
): Promise<MatrixResult> {
  const random = seededRandom(seed)
  const bench = await ground.bench(`matrix-${of.members}-${of.store}`, 2)
  ground.store.misbehave(of.store === 'faulty' ? storeFaults : noFaults, random)
  const { direct: brokers } = ground.cluster
  const load = { brokers, topic: bench.topic, partitions: 2, messagesPerSecond: 100, random, transactions: true }
  const workload = await startWorkload(load)
  let kills = 0
  try {
    for (const instant of instants) {
      // Alone it is the one that begins; with another, they take the partitions from each other.
      if (of.members === 2 && kills >= 4 && bench.members().length === 0) await bench.startMember()
      await killAt(bench, instant, frequent.test(instant) ? 1 + Math.floor(random() * 3) : 1)
      kills++
      say(`${of.members} member(s), ${of.store} store: killed at ${instant}, ${kills} of ${instants.length}`)
    }
  } finally {
    await workload.stop()
    ground.store.misbehave(noFaults, random)
  }
  if (bench.members().length === 0) await bench.startMember()
  await bench.drained(deadlineMs)
  await end(bench.members())
  return { ...of, kills, report: await bench.audit() }
}

async function killAt(bench: Bench, instant: FailPoint, turn: number): Promise<void> {
  const member = await bench.startMember(`${instant}=SIGKILL@${turn}`)
  const patience = new AbortController()
  const late = sleep(deadlineMs, 'late' as const, { signal: patience.signal })
  const provoked = provoke(bench, instant, member)
  const outcome = await Promise.race([member.ended, late])
  patience.abort()
  late.catch(() => undefined)
  if (outcome === 'late') member.signal('SIGKILL')
  await end(await provoked)
  if (outcome === 'late') throw new Error(`${instant} was not come by\n${told(member)}`)
  if (outcome.signal !== 'SIGKILL') throw new Error(`${instant}: ended with ${outcome.code}\n${told(member)}`)
}

/** What makes a member come by: another that joins, or the word to leave. Resolves with whom it took. */
async function provoke(bench: Bench, instant: FailPoint, member: Member): Promise<readonly Member[]> {
  if (!/^(revoke|leave)\./.test(instant)) return []
  while (member.running() && !(await hasTold(member, '"msg":"assigned"'))) await sleep(100)
  // Let it read something.
  await sleep(500)
  if (instant.startsWith('revoke.')) return [await bench.startMember()]
  member.signal('SIGTERM')
  return []
}

async function end(members: readonly Member[]): Promise<void> {
  for (const member of members) member.signal('SIGTERM')
  await allEnded(members)
}
