/**
 * Everything that an audit can find, and what resolves it. Whether it is there is decided by the judges beside this file.
 */
import { type OffsetRange, rangeText } from '../change.ts'

type Entry = { readonly hint: string }

const repair = 'Run: firn audit --repair'

export const findingTable = {
  // Between Kafka and the landing table.
  STAGE_GAP: {
    hint: 'Their file was removed before it was loaded, or never stored. Restore it where the bucket keeps versions; else reload their rows from the source, and record that the offsets are given up (with --discard where Kafka still has them).',
  },
  FILE_NOT_LOADED: {
    hint: `The pipe has not heard of it, or cannot load. See to what is said of the pipe, then load the file. ${repair}`,
  },
  LOAD_FAILED: { hint: `The pipe does not try again. See to the cause, then load the file. ${repair}` },
  ROWS_MISSING: { hint: `Rows were lost in loading, or deleted since. Load the file again. ${repair}` },

  // Between the landing table and the target.
  ROWS_UNMERGED: { hint: `See to what is said of the stream and the task, then merge. ${repair}` },
  TARGET_ROW_MISSING: { hint: `Let their newest changes come again. ${repair} --deep` },
  TARGET_ROW_STALE: { hint: `Let their newest changes come again. ${repair} --deep` },
  TARGET_ROW_WRONG: {
    hint: 'Somebody else has written to the target. Its owner deletes these rows; the repair then brings them back. Run: firn audit --repair --deep',
  },
  TARGET_ROW_KEPT: {
    hint: `Let their deletes come again; where that does not help, somebody else has written the rows, and the owner of the target deletes them. ${repair} --deep`,
  },
  TOMBSTONE_MISSING: {
    hint: `A late, older change could bring the rows back. Let their deletes come again. ${repair} --deep`,
  },
  UNORDERED_IDS: {
    hint: 'Kafka orders only the messages of one partition. Name tables[].order and raise tables[].epoch, which reads the topic from its earliest message.',
  },

  // Objects in Snowflake.
  PIPE_MISSING: {
    hint: "It is not there, or this role may not see it. Where its script is in the ledger FIRN.MIGRATIONS already, delete the script's row first. Run: firn migrate",
  },
  PIPE_PAUSED: { hint: `Files wait until it is resumed. ${repair}` },
  PIPE_STALLED: { hint: 'Mend what the error names (table, stage, integration or a right), then resume the pipe.' },
  PIPE_RECREATED: { hint: `Files that waited at the former one are not loaded by themselves. ${repair}` },
  STREAM_MISSING: {
    hint: 'It is not there, or this role may not see it. Rows that come again change nothing, so its owner makes it anew over all landing rows.',
  },
  STREAM_STALE: {
    hint: 'It can no longer be read. Rows that come again change nothing, so its owner makes it anew over all landing rows.',
  },
  STREAM_NEAR_STALE: { hint: `Nobody has consumed it for long. See to what is said of the task. ${repair}` },
  TASK_MISSING: {
    hint: "It is not there, or this role may not see it. Where its script is in the ledger FIRN.MIGRATIONS already, delete the script's row first. Run: firn migrate",
  },
  TASK_SUSPENDED: { hint: `It does not run until it is resumed. ${repair}` },
  TASK_FAILING: {
    hint: 'Mend what the error names; the next run takes all that has waited, and nothing is lost meanwhile.',
  },
} as const satisfies Record<string, Entry>

export type FindingCode = keyof typeof findingTable

export type Finding = {
  readonly code: FindingCode
  readonly topic: string
  /** each null where it is about more than one, or about none */
  readonly partition: number | null
  readonly table: string | null
  readonly offsets: OffsetRange | null
  /** landing files that it is about, by what lies from the topic on */
  readonly files: readonly string[]
  /** some of the ids that it is about */
  readonly ids: readonly string[]
  /** one sentence */
  readonly seen: string
  /** what resolves it, and the command */
  readonly hint: string
}

/** Something that looks odd and is right. */
export type Note = { readonly topic: string; readonly partition: number | null; readonly seen: string }

type About = Pick<Finding, 'topic'> & Partial<Omit<Finding, 'code' | 'seen' | 'hint'>>

/** `command` is one that this very finding needs, beside what the table says. */
export function finding(code: FindingCode, about: About, seen: string, command?: string): Finding {
  const { hint } = findingTable[code]
  const nothing = { partition: null, table: null, offsets: null, files: [], ids: [] }
  return { code, ...nothing, ...about, seen, hint: command === undefined ? hint : `${hint} Run: ${command}` }
}

/** Where it is: `shop.orders/3 offsets 4-9`, `shop.orders/3 e1/00003/...parquet`, `shop.orders SHOP.ORDERS`. */
export function placeOf({ topic, partition, table, offsets, files }: Finding): string {
  const place = partition === null ? [topic] : [`${topic}/${partition}`]
  if (table !== null) place.push(table)
  if (offsets) place.push(`offsets ${rangeText(offsets)}`)
  else if (partition !== null) place.push(...files.map((file) => file.slice(topic.length + 1)))
  return place.join(' ')
}
