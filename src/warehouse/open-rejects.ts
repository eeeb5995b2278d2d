/**
 * The rejects that are open, as relations of SQL: of a landing table, and of what the merges into one target have refused.
 * The rules are those of sql/templates/60_rejects.sql, so that whoever changes them there changes them here. Asking is
 * reject-rows.ts's and reject-groups.ts's.
 */
import type { OffsetRange } from '../change.ts'
import type { WarehouseConfig } from '../config.ts'
import { sharedNames, topicNames } from './names.ts'

/** Which places are asked for; all where nothing is said. */
export type RejectPlaces = {
  readonly epoch?: number
  readonly partition?: number
  readonly offsets?: OffsetRange
}

const folderOf = (table: string): string => `SPLIT_PART(${table}.file_name, '/', -3)`

/** A number; NULL where the file is not named as Firn names one. */
const epochOf = (table: string): string => `TRY_CAST(SUBSTR(${folderOf(table)}, 2) AS NUMBER(10, 0))`

const codeOf = (table: string): string => `COALESCE(SPLIT_PART(${table}.error, ':', 1), 'UNKNOWN')`

/** One row for each message of a topic that landed as a reject, the newest, with `epoch`, `code` and `first_seen`. */
export function openInLanding(warehouse: WarehouseConfig, topic: string, places: RejectPlaces): string {
  const { landing } = topicNames(warehouse, topic)
  const place = `PARTITION BY ${folderOf('l')}, l.kafka_partition, l.kafka_offset`
  return `(
    SELECT x.*
    FROM (
      SELECT l.kafka_partition, l.kafka_offset, l.kafka_timestamp, l.kafka_key, l.headers, l.error, l.raw, l.file_name,
        ${folderOf('l')} AS epoch_folder, ${epochOf('l')} AS epoch, ${codeOf('l')} AS code,
        MIN(l.load_time) OVER (${place}) AS first_seen
      FROM ${landing.sql} l
      WHERE l.op = 'x'${conditions('l', places)}
      QUALIFY ROW_NUMBER() OVER (
        ${place} ORDER BY l.staged_at DESC NULLS LAST, l.load_time DESC, l.file_name DESC, l.file_row_number
      ) = 1
    ) x
    LEFT JOIN (
      SELECT l.kafka_partition, l.kafka_offset, ${folderOf('l')} AS epoch_folder
      FROM ${landing.sql} l
      WHERE l.op <> 'x'${conditions('l', places)}
    ) c
      ON c.epoch_folder = x.epoch_folder AND c.kafka_partition = x.kafka_partition AND c.kafka_offset = x.kafka_offset
    WHERE c.kafka_offset IS NULL
  )`
}

/** One row for each change that the merges have refused, the newest, likewise. Takes the name of the target as a bind. */
export function openInMerge(warehouse: WarehouseConfig, topic: string, places: RejectPlaces): string {
  const { landing } = topicNames(warehouse, topic)
  const { mergeRejects } = sharedNames(warehouse)
  const place = `PARTITION BY r.kafka_topic, ${folderOf('r')}, r.kafka_partition, r.kafka_offset, r.row_index`
  return `(
    SELECT x.*
    FROM (
      SELECT r.kafka_topic, r.kafka_partition, r.kafka_offset, r.row_index, r.op, r.id, r.position, r.before, r.after,
        r.error, r.file_name, ${folderOf('r')} AS epoch_folder, ${epochOf('r')} AS epoch, ${codeOf('r')} AS code,
        MIN(r.rejected_at) OVER (${place}) AS first_seen
      FROM ${mergeRejects} r
      WHERE r.target_table = ?${conditions('r', places)}
      QUALIFY ROW_NUMBER() OVER (
        ${place} ORDER BY r.position DESC NULLS LAST, r.rejected_at DESC, r.file_name DESC, r.error
      ) = 1
    ) x
    LEFT JOIN (
      SELECT l.kafka_topic, l.kafka_partition, l.kafka_offset, l.row_index, l.position, ${folderOf('l')} AS epoch_folder
      FROM ${landing.sql} l
      WHERE l.op <> 'x'${conditions('l', places)}
    ) c
      ON c.kafka_topic = x.kafka_topic AND c.epoch_folder = x.epoch_folder AND c.kafka_partition = x.kafka_partition
      AND c.kafka_offset = x.kafka_offset AND c.row_index = x.row_index AND c.position > x.position
    WHERE c.kafka_offset IS NULL
  )`
}

/** On the place alone: what is newest there is chosen among all of it. */
function conditions(table: string, { epoch, partition, offsets }: RejectPlaces): string {
  const parts: string[] = []
  if (epoch !== undefined) parts.push(`${folderOf(table)} = 'e${epoch}'`)
  if (partition !== undefined) parts.push(`${table}.kafka_partition = ${partition}`)
  if (offsets) parts.push(`${table}.kafka_offset BETWEEN ${offsets.first} AND ${offsets.last}`)
  return parts.map((part) => ` AND ${part}`).join('')
}
