/**
 * Looks at Kafka as ingest needs it: brokers, topics, group, and each right on them. Leaves no trace there.
 * The stage is check-stage.ts, Snowflake's side warehouse/checks.ts; printing is the command's.
 */
import type { Config, KafkaConfig } from '../config.ts'
import { doubtful, type Finding, type Look, unreadable, well, wrong } from '../finding.ts'
import { Failure, toFailure } from '../failure.ts'
import { type Admin, kafkaClient, kafkaFailure } from '../kafka/client.ts'
import { openRightsProbe, type RightsProbe } from '../kafka/rights.ts'
import type { Logger } from '../telemetry.ts'

export type KafkaCheck = {
  readonly findings: readonly Finding[]
  /** null where the brokers do not tell, or do not answer */
  readonly clusterId: string | null
  /** by topic, of those that can be seen */
  readonly partitionCounts: ReadonlyMap<string, number>
}

/** Never throws for what Kafka answers: what cannot be read is a finding. */
export async function checkKafka(config: Config, logger: Logger): Promise<KafkaCheck> {
  const client = kafkaClient(config.kafka, logger)
  const admin = client.admin()
  const look = { part: 'kafka', what: 'brokers' } as const
  let probe: RightsProbe | null = null
  try {
    await admin.connect()
    const { brokers, clusterId }: { brokers: { host: string; port: number }[]; clusterId: string | null } =
      await admin.describeCluster()
    const names = brokers.map(({ host, port }) => `${host}:${port}`).join(', ')
    const reached = well(look, `${brokers.length} in the cluster: ${names}`)
    probe = await openRightsProbe(client, config.kafka.group)
    const { findings, partitionCounts } = await checkTopics({ admin, probe, config })
    const group = await checkGroup({ admin, probe, config }, [...partitionCounts.keys()])
    return { findings: [reached, ...findings, ...group], clusterId, partitionCounts }
  } catch (error) {
    const failure = kafkaFailure(error, `reach ${config.kafka.brokers.join(', ')}`)
    return { findings: [unreadable(look, failure)], clusterId: null, partitionCounts: new Map() }
  } finally {
    await Promise.all([admin.disconnect(), probe?.close()])
  }
}

type Asked = { readonly admin: Admin; readonly probe: RightsProbe; readonly config: Config }

async function checkTopics(asked: Asked): Promise<Omit<KafkaCheck, 'clusterId'>> {
  // Asking for a topic by name may create it; asking for all never does.
  const known = new Set(await asked.admin.listTopics())
  const findings: Finding[] = []
  const partitionCounts = new Map<string, number>()
  for (const topic of new Set(asked.config.tables.map((table) => table.topic))) {
    if (!known.has(topic)) {
      findings.push(await unseenTopic(asked, topic))
      continue
    }
    const look = lookAt(topic)
    try {
      const { topics } = await asked.admin.fetchTopicMetadata({ topics: [topic] })
      const partitions = topics[0]?.partitions ?? []
      if (partitions.length > 0) partitionCounts.set(topic, partitions.length)
      const led = partitions.filter(({ leader }) => leader >= 0).map(({ partitionId }) => partitionId)
      const [first] = led
      if (first !== undefined) await asked.probe.readTopic(topic, first)
      if (led.length < partitions.length) {
        const leaderless = partitions.filter(({ leader }) => leader < 0).map(({ partitionId }) => partitionId)
        throw new Failure('LEADER_MISSING', `no leader for ${topic}/${leaderless.join(', ')}`)
      }
      findings.push(seenTopic(asked.config, topic, partitions.length))
    } catch (error) {
      const failure = kafkaFailure(error, `read the topic ${topic}`)
      findings.push(lacking(look, failure, aclHint(asked.config.kafka, 'topic', topic)))
    }
  }
  return { findings, partitionCounts }
}

/** What Kafka orders is the messages of one partition; whether keys are what they must be shows in messages alone. */
function seenTopic({ tables }: Config, topic: string, count: number): Finding {
  const look = lookAt(topic)
  const isUnordered = tables.some((table) => table.topic === topic && table.order === undefined)
  const words = count > 1 && isUnordered ? '; without tables[].order, its messages must be keyed by tables[].key' : ''
  return well(look, `can be read, partitions: ${count}${words}`)
}

/** Kafka lists what may be seen; asked by name, it says which of both it is, to those who may know. */
async function unseenTopic({ probe, config }: Asked, topic: string): Promise<Finding> {
  const look = lookAt(topic)
  try {
    await probe.describeTopic(topic)
    return doubtful(look, 'was made just now', 'Check again.')
  } catch (error) {
    const failure = toFailure(error)
    const create = 'Check tables[].topic, or create it.'
    if (failure.code === 'TOPIC_MISSING') return wrong(look, 'does not exist', create)
    const hint = `${create} Where it is there: ${aclHint(config.kafka, 'topic', topic)}`
    return failure.code === 'KAFKA_FORBIDDEN'
      ? wrong(look, 'may not be seen, so it may or may not exist: DESCRIBE on the topic is missing', hint)
      : unreadable(look, failure)
  }
}

async function checkGroup({ admin, probe, config }: Asked, topics: string[]): Promise<readonly Finding[]> {
  const { group } = config.kafka
  const look = { part: 'kafka', what: `group ${group}` } as const
  const hint = aclHint(config.kafka, 'group', group)
  try {
    await probe.describeGroup()
    await probe.readGroup()
    const committed = await admin.fetchOffsets({ groupId: group, topics })
    const count = committed.flatMap(({ partitions }) => partitions).filter(({ offset }) => offset !== '-1').length
    return [well(look, `can be joined and read, ${count} partitions have a committed offset`)]
  } catch (error) {
    return [lacking(look, kafkaFailure(error, `read the group ${group}`), hint)]
  }
}

function lacking(look: Look, failure: Failure, hint: string): Finding {
  return failure.code === 'KAFKA_FORBIDDEN' ? unreadable(look, failure, hint) : unreadable(look, failure)
}

function lookAt(topic: string): Look {
  return { part: 'kafka', what: `topic ${topic}` }
}

/** READ includes DESCRIBE, so one command gives both. */
function aclHint({ brokers, sasl }: KafkaConfig, kind: 'topic' | 'group', name: string): string {
  // Who a token stands for is the broker's to say.
  const principal = sasl && 'username' in sasl ? shellWord(`User:${sasl.username}`) : "'User:<who connects>'"
  const command = `kafka-acls --bootstrap-server ${brokers[0] ?? ''} --add --allow-principal ${principal}`
  return `Give READ on the ${kind}, which includes DESCRIBE: ${command} --operation Read --${kind} ${shellWord(name)}`
}

function shellWord(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
