/**
 * Looks at Kafka and the stage as ingest needs them. The only trace it leaves is the object that proves the stage honest.
 * Snowflake's side is in warehouse/checks.ts, printing is the command's.
 */
import type { Config } from '../config.ts'
import { type Finding, unreadable, well, wrong } from '../finding.ts'
import { Failure, failures } from '../failure.ts'
import { type Admin, kafkaClient, kafkaFailure } from '../kafka/client.ts'
import { probeStage } from '../stage/probe.ts'
import { openStage } from '../stage/s3.ts'
import type { Logger } from '../telemetry.ts'

/** Never throws for what Kafka answers: what cannot be read is a finding. */
export async function checkKafka(config: Config, logger: Logger): Promise<readonly Finding[]> {
  const admin = kafkaClient(config.kafka, logger).admin()
  const look = { part: 'kafka', what: 'brokers' } as const
  try {
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    const names = brokers.map(({ host, port }) => `${host}:${port}`).join(', ')
    return [well(look, `${brokers.length} in the cluster: ${names}`), ...(await checkTopics(admin, config))]
  } catch (error) {
    return [unreadable(look, kafkaFailure(error, `reach ${config.kafka.brokers.join(', ')}`))]
  } finally {
    await admin.disconnect()
  }
}

async function checkTopics(admin: Admin, config: Config): Promise<readonly Finding[]> {
  // Asking for a topic by name may create it; asking for all never does.
  const known = new Set(await admin.listTopics())
  const topics = [...new Set(config.tables.map((table) => table.topic))]
  const findings: Finding[] = []
  for (const topic of topics) {
    const look = { part: 'kafka', what: `topic ${topic}` } as const
    findings.push(
      known.has(topic)
        ? await partitionCount(admin, topic)
        : wrong(look, 'does not exist, or this user may not see it', failures.TOPIC_MISSING.hint),
    )
  }
  const look = { part: 'kafka', what: `group ${config.kafka.group}` } as const
  try {
    const committed = await admin.fetchOffsets({
      groupId: config.kafka.group,
      topics: topics.filter((topic) => known.has(topic)),
    })
    const count = committed.flatMap(({ partitions }) => partitions).filter(({ offset }) => offset !== '-1').length
    findings.push(well(look, `can be read, ${count} partitions have a committed offset`))
  } catch (error) {
    findings.push(unreadable(look, kafkaFailure(error, `read the group ${config.kafka.group}`)))
  }
  return findings
}

async function partitionCount(admin: Admin, topic: string): Promise<Finding> {
  const look = { part: 'kafka', what: `topic ${topic}` } as const
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics[0]?.partitions ?? []
    const leaderless = partitions.filter(({ leader }) => leader < 0).map(({ partitionId }) => partitionId)
    if (leaderless.length > 0) throw new Failure('LEADER_MISSING', `no leader for ${topic}/${leaderless.join(', ')}`)
    return well(look, `partitions: ${partitions.length}`)
  } catch (error) {
    return unreadable(look, kafkaFailure(error, `read the topic ${topic}`))
  }
}

/** Never throws for what the store answers: what cannot be done is a finding. */
export async function checkStage({ stage: config }: Config): Promise<readonly Finding[]> {
  const stage = openStage(config)
  const where = `s3://${config.bucket}/${config.prefix}`
  const probed = { part: 'stage', what: 'If-None-Match' } as const
  const listed = { part: 'stage', what: 'listing' } as const
  try {
    const findings = [
      await probeStage(stage, config.prefix).then(
        () => well(probed, `${where} can be written, and nothing there is replaced`),
        (error: unknown) => unreadable(probed, error),
      ),
    ]
    try {
      await stage.list(config.prefix)[Symbol.asyncIterator]().next()
      findings.push(well(listed, `${where} can be listed`))
    } catch (error) {
      findings.push(unreadable(listed, error))
    }
    return findings
  } finally {
    stage.close()
  }
}
