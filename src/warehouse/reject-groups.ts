/**
 * Counts rejects that are open, by epoch and code, with where they lie and one of them as an example. Whole rows are
 * reject-rows.ts's.
 */
import type { TableConfig, WarehouseConfig } from '../config.ts'
import type { Row, Session } from '../snowflake/session.ts'
import { rejectionOf } from './message-columns.ts'
import { sharedNames, topicNames } from './names.ts'
import { openInLanding, openInMerge } from './open-rejects.ts'
import type { RejectFilter } from './reject-rows.ts'
import { needing } from './rights.ts'

export type RejectPlace = { readonly partition: number; readonly offset: bigint }

export type RejectGroup = {
  /** null where the files are not named as Firn names one */
  readonly epoch: number | null
  readonly code: string
  readonly count: number
  /** by partition, then offset */
  readonly first: RejectPlace
  readonly last: RejectPlace
  readonly example: string
  readonly firstSeenAt: Date
}

/** Messages of a topic that landed as rejects. @throws Failure as Session.query, RIGHT_MISSING */
export async function readRejectGroups(
  session: Session,
  warehouse: WarehouseConfig,
  topic: string,
  { code, ...places }: RejectFilter = {},
): Promise<readonly RejectGroup[]> {
  const { landing } = topicNames(warehouse, topic)
  const from = openInLanding(warehouse, topic, places)
  const rows = await needing(warehouse, `SELECT ON TABLE ${landing.sql}`, () =>
    session.query(countSql(from, code), code === undefined ? [] : [code]),
  )
  return groupsOf(rows)
}

/** Changes that the merges into a table have refused. @throws Failure as Session.query, RIGHT_MISSING */
export async function readMergeRejectGroups(
  session: Session,
  warehouse: WarehouseConfig,
  { topic, table }: Pick<TableConfig, 'topic' | 'table'>,
  { code, ...places }: RejectFilter = {},
): Promise<readonly RejectGroup[]> {
  const from = openInMerge(warehouse, topic, places)
  const rows = await needing(warehouse, `SELECT ON TABLE ${sharedNames(warehouse).mergeRejects}`, () =>
    session.query(countSql(from, code), code === undefined ? [table] : [table, code]),
  )
  return groupsOf(rows)
}

function countSql(from: string, code: string | undefined): string {
  return `SELECT r.epoch, r.code, r.kafka_partition, COUNT(*) AS N, MIN(r.kafka_offset) AS FIRST_OFFSET,
      MAX(r.kafka_offset) AS LAST_OFFSET, MIN(r.error) AS EXAMPLE, MIN(r.first_seen) AS FIRST_SEEN
    FROM ${from} r${code === undefined ? '' : ' WHERE r.code = ?'}
    GROUP BY r.epoch, r.code, r.kafka_partition
    ORDER BY r.epoch, r.code, r.kafka_partition`
}

/** Rows of one epoch and code follow each other, in the order of their partitions. */
function groupsOf(rows: readonly Row[]): readonly RejectGroup[] {
  const groups = Map.groupBy(rows.map(groupOf), ({ epoch, code }) => `${epoch} ${code}`)
  return [...groups.values()].flatMap((parts) => {
    const [head, ...rest] = parts
    if (!head) return []
    return rest.reduce<RejectGroup>((group, part) => {
      const firstSeenAt = part.firstSeenAt < group.firstSeenAt ? part.firstSeenAt : group.firstSeenAt
      return { ...group, count: group.count + part.count, last: part.last, firstSeenAt }
    }, head)
  })
}

function groupOf(row: Row): RejectGroup {
  const epoch = row['EPOCH'] ?? null
  const place = (column: string): RejectPlace => {
    return { partition: Number(row['KAFKA_PARTITION']), offset: BigInt(String(row[column])) }
  }
  const seen = row['FIRST_SEEN']
  return {
    epoch: epoch === null ? null : Number(epoch),
    code: String(row['CODE']),
    count: Number(row['N']),
    first: place('FIRST_OFFSET'),
    last: place('LAST_OFFSET'),
    example: rejectionOf(String(row['EXAMPLE'] ?? '')).reason,
    firstSeenAt: seen instanceof Date ? seen : new Date(0),
  }
}
