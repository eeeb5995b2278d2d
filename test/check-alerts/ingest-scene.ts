/**
 * Faults of the ingester, caused in the laboratory under load and seen by a real Prometheus: a store that is away, a process
 * that is killed, messages that Kafka deletes before they are staged.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bench, type Ground, type Member, startGround, told } from '../lab/ground.ts'
import { seededRandom } from '../lab/random.ts'
import { startWorkload } from '../lab/workload.ts'
import { until } from '../support/until.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'
import { assertQuiet, look, type Say, type Seen, untilFires, untilOver } from './scene.ts'

const outage = ['FirnNoProgress', 'FirnStageUnreachable', 'FirnStagedLag', 'FirnMemorySaturated']
const atRest = ['FirnPartitionHalted', 'FirnKafkaUnreachable', 'FirnNothingRead', ...outage]

/** @throws Error where an alert does not fire, or one does that must not */
export async function playIngest(dir: string, rules: string, seen: Seen, say: Say): Promise<void> {
  const [ground, prometheus] = await Promise.all([startGround(1), startPrometheus(join(dir, 'ingest'), rules)])
  try {
    const bench = await ground.bench('alerts', 4, { memory: '8MiB', freshness: '1s' })
    const load = { brokers: ground.cluster.direct, topic: bench.topic, partitions: 4, random: seededRandom(1) }
    const workload = await startWorkload({ ...load, messagesPerSecond: 2_000, noiseBytes: 400 })
    await scrapeMember(bench, prometheus)
    await untilFires(prometheus, 'FirnRejectsRising', { topic: bench.topic, code: 'NOT_JSON' })
    await untilOver(prometheus, atRest)
    await assertQuiet(prometheus, atRest, 15)
    await look(prometheus, seen)
    say('load       rejects fire as they come; of the rest nothing fires')
    await playOutage(ground, prometheus)
    await look(prometheus, seen)
    say(`outage     of the store: ${outage.join(', ')}; over when it is back`)
    await playLoss(ground, bench, prometheus)
    await look(prometheus, seen)
    say('loss       FirnNothingRead while no process is there, FirnPartitionHalted where Kafka has deleted messages')
    await workload.stop()
  } finally {
    await Promise.all([ground.down(), prometheus.down()])
  }
}

async function playOutage({ store }: Ground, prometheus: Prometheus): Promise<void> {
  await store.stop()
  for (const alert of outage) await untilFires(prometheus, alert)
  await store.start()
  await untilOver(prometheus, outage)
}

async function playLoss({ admin }: Ground, bench: Bench, prometheus: Prometheus): Promise<void> {
  for (const member of bench.members()) {
    member.signal('SIGKILL')
    await member.ended
  }
  await untilFires(prometheus, 'FirnNothingRead')
  const end = (await admin.fetchTopicOffsets(bench.topic)).find(({ partition }) => partition === 0)
  if (!end) throw new Error('there is no partition 0')
  await admin.deleteTopicRecords({ topic: bench.topic, partitions: [{ partition: 0, offset: end.high }] })
  await scrapeMember(bench, prometheus)
  await untilFires(prometheus, 'FirnPartitionHalted', { topic: bench.topic, partition: '0', code: 'RETENTION_LOSS' })
  await untilOver(prometheus, ['FirnNothingRead', 'FirnStagedLag'])
  await assertQuiet(prometheus, ['FirnNoProgress', 'FirnStagedLag'], 15)
}

async function scrapeMember(bench: Bench, prometheus: Prometheus): Promise<void> {
  const member = await bench.startMember()
  await prometheus.scrape([`127.0.0.1:${await portOf(member)}`])
}

async function portOf(member: Member): Promise<string> {
  const port = async () => /"status":"port (\d+)"/.exec(await readFile(member.logFile, 'utf8'))?.[1] ?? ''
  try {
    return await until('the status port', port, (found) => found !== '')
  } catch (error) {
    throw new Error(`no status port:\n${told(member)}`, { cause: error })
  }
}
