/**
 * Chaos: members are killed, stopped past their session and woken, told to leave and joined by others; brokers restart and
 * lead other partitions; the store and the network fail, all in an order that a seed decides. Then faults stop, what is left
 * must be staged within a bound, and the auditor looks for what is missing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditReport } from './auditor.ts'
import { allEnded } from './child.ts'
import { type Bench, type Ground, type Member, startGround, told } from './ground.ts'
import { seededRandom } from './random.ts'
import { noFaults } from './s3-store.ts'
import { startWorkload } from './workload.ts'

export type ChaosOptions = {
  readonly seconds: number
  readonly seed: number
  readonly say: (line: string) => void
}

export type ChaosResult = {
  readonly seed: number
  readonly counts: Readonly<Record<string, number>>
  /** from the last fault to no lag */
  readonly drainedMs: number
  readonly report: AuditReport
}

/** After the last fault, what is left must be staged and committed within it: rebalances end, and about 100,000 messages. */
export const drainBoundMs = 120_000

/** A member that was told to leave has ended by then: ingest.leaveTimeout is 5 s, and so is what Kafka gets. */
const leaveBoundMs = 60_000

const membersMax = 4
const partitions = 6

/** @throws where a bound is passed, or the auditor finds something */
export async function runChaos({ seconds, seed, say }: ChaosOptions): Promise<ChaosResult> {
  const ground = await startGround(3)
  try {
    const bench = await ground.bench('chaos', partitions)
    const chaos = new Chaos(ground, bench, seededRandom(seed), say)
    return { seed, ...(await chaos.run(seconds)) }
  } finally {
    await ground.down()
  }
}

type Fault = { readonly name: string; readonly weight: number; readonly inflict: () => Promise<void> | void }

class Chaos {
  readonly #ground: Ground
  readonly #bench: Bench
  readonly #random: () => number
  readonly #say: (line: string) => void
  readonly #counts: Record<string, number> = {}
  /** What goes on beside the next fault, and ends by itself. */
  readonly #pending = new Set<Promise<void>>()
  readonly #leaving = new Set<string>()
  #brokerIsAway = false
  #over = false

  constructor(ground: Ground, bench: Bench, random: () => number, say: (line: string) => void) {
    this.#ground = ground
    this.#bench = bench
    this.#random = random
    this.#say = say
  }

  async run(seconds: number): Promise<Omit<ChaosResult, 'seed'>> {
    const { direct: brokers } = this.#ground.cluster
    const load = {
      brokers,
      topic: this.#bench.topic,
      partitions,
      messagesPerSecond: 400,
      random: this.#random,
      transactions: true,
      mixed: true,
    }
    const workload = await startWorkload(load)
    for (let at = 0; at < 3; at++) await this.#join()
    const endMs = Date.now() + seconds * 1_000
    let nextReportMs = Date.now() + 30_000
    while (Date.now() < endMs) {
      await sleep(200 + this.#random() * 1_200)
      const fault = this.#choose()
      this.#count(fault.name)
      await fault.inflict()
      if (Date.now() < nextReportMs) continue
      nextReportMs = Date.now() + 30_000
      this.#say(`${Math.round((endMs - Date.now()) / 1_000)} s left: ${workload.sent()} sent, ${textOf(this.#counts)}`)
    }
    this.#over = true
    await workload.stop()
    await this.#calm()
    const calmMs = Date.now()
    while (this.#bench.members().length < 2) await this.#join()
    await this.#bench.drained(drainBoundMs).catch((error: unknown) => {
      const logs = this.#bench.members().map((member) => `${member.name}:\n${told(member)}`)
      throw new Error(`${String(error)}\n${textOf(this.#counts)}\n${logs.join('\n')}`)
    })
    const drainedMs = Date.now() - calmMs
    const members = this.#bench.members()
    for (const member of members) if (!this.#leaving.has(member.name)) member.signal('SIGTERM')
    await allEnded(members, leaveBoundMs)
    const { unavailable, conflict, lostAnswer } = this.#ground.store.inflicted
    Object.assign(this.#counts, { '503': unavailable, '409': conflict, 'answer lost': lostAnswer })
    return { counts: this.#counts, drainedMs, report: await this.#bench.audit() }
  }

  get #faults(): readonly Fault[] {
    return [
      { name: 'SIGKILL', weight: 10, inflict: () => this.#replace('SIGKILL') },
      { name: 'SIGTERM', weight: 2, inflict: () => this.#replace('SIGTERM') },
      {
        name: 'SIGSTOP',
        weight: 3,
        inflict: () => {
          this.#stun()
        },
      },
      { name: 'member joins', weight: 1, inflict: () => this.#joinOneMore() },
      {
        name: 'member leaves',
        weight: 1,
        inflict: () => {
          this.#leave()
        },
      },
      {
        name: 'broker restart',
        weight: 1.5,
        inflict: () => {
          this.#restartBroker()
        },
      },
      {
        name: 'store faults',
        weight: 2,
        inflict: () => {
          this.#spoilStore()
        },
      },
      {
        name: 'store stopped',
        weight: 0.5,
        inflict: () => {
          this.#stopStore()
        },
      },
      {
        name: 'network cut',
        weight: 1.5,
        inflict: () => {
          this.#ground.cluster.brokers.forEach(({ proxy }) => {
            proxy.cut()
          })
        },
      },
      {
        name: 'answer halved',
        weight: 1.5,
        inflict: () => {
          this.#anyProxy().halve(10 + Math.floor(this.#random() * 5_000))
        },
      },
      {
        name: 'network slow',
        weight: 1,
        inflict: () => {
          this.#slow()
        },
      },
      {
        name: 'network swallows',
        weight: 1,
        inflict: () => {
          this.#swallow()
        },
      },
    ]
  }

  #choose(): Fault {
    const faults = this.#faults
    let dice = this.#random() * faults.reduce((sum, { weight }) => sum + weight, 0)
    const [first] = faults
    const chosen = faults.find(({ weight }) => (dice -= weight) < 0) ?? first
    if (!chosen) throw new Error('no faults')
    return chosen
  }

  #count(name: string): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1
  }

  #any<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)]
  }

  #anyProxy() {
    const broker = this.#any(this.#ground.cluster.brokers)
    if (!broker) throw new Error('no brokers')
    return broker.proxy
  }

  async #join(): Promise<void> {
    const member = await this.#bench.startMember()
    void member.ended.then(({ code, signal }) => {
      // A signal comes from here alone: SIGTERM ends one that has not begun to listen for it.
      if (signal !== null || code === 0) return
      this.#count('ended by itself')
      this.#say(`${member.name} ended with ${code}\n${told(member)}`)
      if (!this.#over) this.#beside(this.#join())
    })
  }

  async #joinOneMore(): Promise<void> {
    if (this.#bench.members().length < membersMax) await this.#join()
  }

  #leave(): void {
    if (this.#bench.members().length > 1) this.#signal('SIGTERM')
  }

  #signal(signal: 'SIGKILL' | 'SIGTERM'): void {
    // Told twice to leave, one leaves at once, and says that it failed to flush.
    const member = this.#any(this.#bench.members().filter(({ name }) => !this.#leaving.has(name)))
    if (!member) return
    if (signal === 'SIGTERM') this.#leaving.add(member.name)
    member.signal(signal)
  }

  async #replace(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#signal(signal)
    if (this.#bench.members().length < membersMax) await this.#join()
  }

  /** Past its session: the group gives its partitions to others, and it does not know when it wakes up. */
  #stun(): void {
    const member: Member | undefined = this.#any(this.#bench.members())
    member?.signal('SIGSTOP')
    const wake = async () => {
      await sleep(2_500 + this.#random() * 3_500)
      member?.signal('SIGCONT')
    }
    this.#beside(wake())
  }

  /** One at a time, so that two of three replicas are there. */
  #restartBroker(): void {
    const broker = this.#any(this.#ground.cluster.brokers)
    if (this.#brokerIsAway || !broker) return
    this.#brokerIsAway = true
    const restart = async () => {
      await broker.stop(this.#random() < 0.5 ? 'SIGKILL' : 'SIGTERM')
      await sleep(this.#random() * 2_000)
      await broker.start()
      // Its replicas follow again before another one goes.
      await sleep(4_000)
      this.#brokerIsAway = false
    }
    this.#beside(restart())
  }

  #spoilStore(): void {
    const { store } = this.#ground
    store.misbehave({ unavailable: 0.3, conflict: 0.1, lostAnswer: 0.15, delayMs: 200 }, this.#random)
    this.#forAWhile(() => {
      store.misbehave(noFaults, this.#random)
    })
  }

  #stopStore(): void {
    const { store } = this.#ground
    const restart = async () => {
      await store.stop()
      await sleep(500 + this.#random() * 2_000)
      await store.start()
    }
    this.#beside(restart())
  }

  #slow(): void {
    const proxy = this.#anyProxy()
    proxy.delay(150)
    this.#forAWhile(() => {
      proxy.delay(0)
    })
  }

  #swallow(): void {
    const proxy = this.#anyProxy()
    proxy.swallow(true)
    this.#forAWhile(() => {
      proxy.swallow(false)
    })
  }

  #forAWhile(end: () => void): void {
    const wait = async () => {
      await sleep(1_000 + this.#random() * 3_000)
      end()
    }
    this.#beside(wait())
  }

  #beside(done: Promise<void>): void {
    this.#pending.add(done)
    void done.finally(() => this.#pending.delete(done))
  }

  async #calm(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
    for (const { proxy } of this.#ground.cluster.brokers) {
      proxy.delay(0)
      proxy.swallow(false)
    }
    this.#ground.store.misbehave(noFaults, this.#random)
    for (const member of this.#bench.members()) member.signal('SIGCONT')
  }
}

function textOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}
