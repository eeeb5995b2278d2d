/**
 * Where the changes of a part come from, as far as their positions tell, and where its large values lie. Positions are those
 * of the original changes, so that a replay can never set a row back.
 */
import type { Message, Origin } from '../change.ts'
import type { TableConfig } from '../config.ts'
import type { MessageRules } from '../ingest/message-rules.ts'
import { firstRunOf, parseLandingName, runValueKey, valueKey } from '../landing.ts'
import type { Part } from './run-record.ts'

/** The epoch in the names of files whose messages are of no log. Epochs of logs begin at 1. */
export const noEpoch = 0

/**
 * Messages of a file compete by the table's order with those of its current epoch; where it names none, they lie below all
 * that any log says.
 */
export function originOf(
  { epoch }: Pick<Part, 'epoch'>,
  table: Pick<TableConfig, 'order' | 'epoch'>,
  revision: number,
): Origin {
  if (epoch !== noEpoch) return { epoch, revision, isLogged: true }
  return { epoch: table.order === undefined ? noEpoch : table.epoch, revision, isLogged: false }
}

export type RulesSetting = Pick<MessageRules, 'table' | 'limits' | 'prefix' | 'stage'> & {
  readonly run: string
  readonly revision: number
}

export function rulesOf(part: Part, { run, revision, ...rules }: RulesSetting): MessageRules {
  const { table, prefix } = rules
  const key = ({ offset }: Pick<Message, 'offset'>) => largeValueKey(prefix, table.topic, run, part, offset)
  return { ...rules, replay: { origin: originOf(part, table, revision), valueKey: key } }
}

/** A message of a log has one place for its value, whoever reads it; lines of two files may have the same number. */
export function largeValueKey(
  prefix: string,
  topic: string,
  run: string,
  { epoch, partition }: Pick<Part, 'epoch' | 'partition'>,
  offset: bigint,
): string {
  if (epoch === noEpoch) return runValueKey(prefix, topic, run, offset)
  return valueKey(prefix, topic, epoch, partition, offset)
}

/** Where the value of a reject lies that was too large for its row; `fileName` is the landing file of the reject. */
export function rejectValueKey(
  prefix: string,
  topic: string,
  { fileName, ...place }: Pick<Part, 'epoch' | 'partition'> & { readonly offset: bigint; readonly fileName: string },
): string {
  const run = parseLandingName(topic, fileName)?.run ?? ''
  return largeValueKey(prefix, topic, firstRunOf(run), place, place.offset)
}
