/**
 * Compares the settings with what each topic's epoch record on the stage says: where they disagree, the ingester would halt the topic.
 * The comparison itself is ingest/epoch-record.ts.
 */
import type { Config, TableConfig } from '../config.ts'
import { type Finding, unreadable, well } from '../finding.ts'
import { epochsBegun, readEpoch } from '../ingest/epoch.ts'
import { type EpochRecord, judgeEpoch } from '../ingest/epoch-record.ts'
import type { Stage } from '../stage/stage.ts'
import { openStage } from '../stage/s3.ts'
import type { KafkaCheck } from '../status/check-kafka.ts'

type Seen = Pick<KafkaCheck, 'clusterId' | 'partitionCounts'>

/** What Kafka does not tell is not compared. Never throws for what the store answers. */
export async function checkEpochs({ stage: config, tables }: Config, seen: Seen): Promise<readonly Finding[]> {
  const stage = openStage(config)
  try {
    const findings: Finding[] = []
    // An epoch is a topic's, however many tables it goes to.
    for (const table of new Map(tables.map((one) => [one.topic, one])).values()) {
      const look = { part: 'stage', what: `epoch ${table.epoch} of ${table.topic}` } as const
      const detail = await judge(stage, config.prefix, table, seen).catch((error: unknown) => unreadable(look, error))
      findings.push(typeof detail === 'string' ? well(look, detail) : detail)
    }
    return findings
  } finally {
    stage.close()
  }
}

/** What is well in words. @throws Failure of the halt that would follow, of the stage, EPOCH_RECORD_INVALID */
async function judge(stage: Stage, prefix: string, table: TableConfig, seen: Seen): Promise<string> {
  const { topic, dialect, key, order = null, start } = table
  const found = await readEpoch({ stage, prefix }, table)
  const begun = await epochsBegun({ stage, prefix }, topic)
  const counted = seen.partitionCounts.get(topic) ?? null
  const { clusterId } = seen
  const partitionCount = counted ?? found?.partitionCount ?? 0
  const unbegun: EpochRecord = { clusterId, partitionCount, start, starts: new Map(), dialect, key, order }
  const refusal = judgeEpoch(found ?? unbegun, { clusterId, partitionCount, begun, table })
  if (refusal) throw refusal
  if (!found) return `has not begun; firn run begins it at ${begun.length > 0 ? 'earliest' : start}`
  const grown = partitionCount - found.partitionCount
  const later = grown > 0 ? `, and ${grown} came later, which are read from their beginning` : ''
  const compared = counted === null ? '; what Kafka has was not compared' : ''
  return `agrees with the settings; began with ${found.partitionCount} partitions${later}${compared}`
}
