/**
 * Faults of the warehouse, really caused under load and seen by a real Prometheus: loads that fail, notifications that are
 * lost, a task and a pipe that are stopped, a warehouse that is away; and how many series 1,000 partitions are.
 */
import { join } from 'node:path'
import { seededRandom } from '../lab/random.ts'
import { startWorkload } from '../lab/workload.ts'
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { createLogger } from '../../src/telemetry.ts'
import { until } from '../support/until.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'
import { assertQuiet, look, type Say, type Seen, untilFires, untilOver } from './scene.ts'
import { database, type Service, startWarehouseGround, type WarehouseGround } from './warehouse-ground.ts'

const faults = [
  'FirnFailedLoads',
  'FirnLoadLag',
  'FirnMergeLag',
  'FirnPipeDown',
  'FirnStageGap',
  'FirnTaskSuspended',
  'FirnTaskFailing',
  'FirnWarehouseUnreachable',
]

type Scene = { readonly ground: WarehouseGround; readonly service: Service; readonly prometheus: Prometheus }

/** @throws Error where an alert does not fire, or one does that must not */
export async function playWarehouse(dir: string, rules: string, seen: Seen, say: Say): Promise<void> {
  const [ground, prometheus] = await Promise.all([
    startWarehouseGround(dir),
    startPrometheus(join(dir, 'scraped'), rules),
  ])
  try {
    const { brokers } = ground
    const service = await ground.service('orders', 2, { freshness: '1s' })
    const load = { brokers, topic: service.topic, partitions: 2, messagesPerSecond: 100, random: seededRandom(1) }
    const workload = await startWorkload(load)
    await prometheus.scrape([service.target])
    const scene = { ground, service, prometheus }
    await untilMerged(scene)
    await untilOver(prometheus, faults)
    await assertQuiet(prometheus, faults, 15)
    await look(prometheus, seen)
    say('warehouse  rows are loaded and merged, and nothing fires')
    await playLoads(scene)
    say('loads      FirnFailedLoads where they fail, FirnLoadLag where no notification comes; a repair ends both')
    await playObjects(scene)
    say('objects    FirnTaskSuspended and FirnMergeLag, FirnPipeDown; over when they are resumed')
    await look(prometheus, seen)
    const counted = await playMany(scene)
    await look(prometheus, seen)
    say(`many       1,000 partitions are ${counted} series`)
    await untilOver(prometheus, ['FirnLoadLag', 'FirnMergeLag'])
    await ground.endWarehouse()
    await untilFires(prometheus, 'FirnWarehouseUnreachable')
    await assertQuiet(prometheus, ['FirnLoadLag', 'FirnMergeLag'], 5)
    say('away       FirnWarehouseUnreachable, and no lag that nobody knows of')
    await workload.stop()
    await service.stop()
  } finally {
    await Promise.all([ground.down(), prometheus.down()])
  }
}

async function untilMerged({ prometheus }: Scene): Promise<void> {
  await until(
    'merged rows',
    () => prometheus.query('min(firn_merged_offset) > 0'),
    ({ length }) => length > 0,
  )
}

async function playLoads({ ground, service, prometheus }: Scene): Promise<void> {
  const repair = () => service.run(['audit', '--repair'], 'FIRN_OPERATOR', [0, 3])
  ground.warehouse.turn({ fail: '\\.parquet$' })
  await untilFires(prometheus, 'FirnFailedLoads', { topic: service.topic, code: 'LOAD_FAILED' })
  ground.warehouse.turn({ fail: null })
  await repair()
  await untilOver(prometheus, faults)
  ground.warehouse.turn({ lose: '\\.parquet$' })
  await untilFires(prometheus, 'FirnLoadLag', { topic: service.topic })
  ground.warehouse.turn({ lose: null })
  // What was stored a moment ago is left alone: the next one takes it.
  await repair()
  await new Promise((passed) => setTimeout(passed, 5_000))
  await repair()
  await untilOver(prometheus, faults)
}

async function playObjects({ ground, service, prometheus }: Scene): Promise<void> {
  const { owner } = ground
  const name = `${database}.FIRN.${service.topic.toUpperCase()}`
  const merge = `${database}.FIRN.SHOP_${service.topic.toUpperCase()}_MERGE`
  await owner.execute(`ALTER TASK ${merge} SUSPEND`)
  await untilFires(prometheus, 'FirnTaskSuspended', { topic: service.topic, code: 'TASK_SUSPENDED' })
  await untilFires(prometheus, 'FirnMergeLag', { topic: service.topic, table: 'SHOP.ORDERS' })
  await owner.execute(`ALTER TASK ${merge} RESUME`)
  await untilOver(prometheus, faults)
  await owner.execute(`ALTER PIPE ${name}_PIPE_2 SET PIPE_EXECUTION_PAUSED = TRUE`)
  await untilFires(prometheus, 'FirnPipeDown', { topic: service.topic, code: 'PIPE_PAUSED' })
  await owner.execute(`ALTER PIPE ${name}_PIPE_2 SET PIPE_EXECUTION_PAUSED = FALSE`)
  await untilOver(prometheus, faults)
}

const many = 1_000
/** As test/telemetry.test.ts has it: of each partition, and of the rest. */
const seriesMax = many * 25 + 200

/** How many series they are. @throws Error where there are more than can be told apart by what is counted */
async function playMany({ ground, service, prometheus }: Scene): Promise<number> {
  const other = await ground.service('many', many, { freshness: '5s' })
  const silent = createLogger({ level: 'silent' })
  const kafka = kafkaClient({ brokers: [...ground.brokers], group: 'x', clientId: 'many', ssl: false }, silent)
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const rows = Array.from({ length: many }, (_, partition) => {
    const value = JSON.stringify({ operation: 'INSERT', before: null, after: { id: partition } })
    const key = String(partition)
    return [
      { key, partition, value },
      { key, partition, value: 'no JSON' },
      { key, partition, value: null },
    ]
  })
  await producer.send({ topic: other.topic, messages: rows.flat() })
  await producer.disconnect()
  await prometheus.scrape([other.target, service.target])
  // Loading and merging them takes its time; asked after, each has its series.
  const staged = 'count(firn_staged_offset{topic="many"} == 3) == 1000'
  const all = `${staged} and count(firn_merged_offset{topic="many"}) == 1000`
  await until(
    'all of them staged and asked after',
    () => prometheus.query(all),
    ({ length }) => length > 0,
    600_000,
  )
  const [sample] = await prometheus.query(`count({__name__=~"firn_.+", instance="${other.target}"})`)
  const count = Number(sample?.value[1])
  await prometheus.scrape([service.target])
  await other.stop()
  if (!(count > many * 10 && count <= seriesMax)) throw new Error(`${count} series, at most ${seriesMax} can be`)
  return count
}
