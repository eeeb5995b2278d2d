/**
 * `firn rejects list`: counts what is open, in groups, and says what to do about each.
 */
import type { Config, TableConfig } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { Failure } from '../failure.ts'
import type { Session } from '../snowflake/session.ts'
import {
  readMergeRejectGroups,
  readRejectGroups,
  type RejectGroup,
  type RejectPlace,
} from '../warehouse/reject-groups.ts'
import type { RejectFilter } from '../warehouse/reject-rows.ts'
import { warehouseOf } from '../warehouse/values.ts'
import type { ExitCode, Io } from './command.ts'
import { tableNamed, tablesOfTopic, wholeNumber } from './named-option.ts'
import { parseOptions } from './options.ts'
import { rejectCodes, rejectHint } from './rejects-hint.ts'
import { withWarehouse } from './warehouse-session.ts'

const options = {
  config: { type: 'string' },
  topic: { type: 'string' },
  table: { type: 'string' },
  code: { type: 'string' },
  partition: { type: 'string' },
  json: { type: 'boolean' },
} as const

const example = 'firn rejects list --topic shop.orders --partition 3'

export async function listRejects(args: readonly string[], io: Io): Promise<ExitCode> {
  const values = parseOptions(args, options, example)
  if (values.topic !== undefined && values.table !== undefined) {
    throw new Failure('USAGE', `--topic and --table exclude each other; for example: ${example}`)
  }
  const config = loadConfig({ file: values.config, env: io.env })
  const tables =
    values.table !== undefined
      ? [tableNamed(config, values.table)]
      : values.topic !== undefined
        ? tablesOfTopic(config, values.topic)
        : config.tables
  const { code, partition } = values
  if (code !== undefined && !rejectCodes.includes(code)) {
    throw new Failure('USAGE', `--code ${code} is none of ${rejectCodes.join(', ')}; for example: ${example}`)
  }
  const filter = {
    ...(code !== undefined && { code }),
    ...(partition !== undefined && { partition: Number(wholeNumber(partition, 'partition', 5, example)) }),
  }
  const found = await withWarehouse(config, (session) => read(session, config, tables, filter))
  io.stdout.write(values.json === true ? jsonOf(found) : textOf(found))
  return found.length > 0 ? 3 : 0
}

/** `table`: what the merge into it has refused; null for what landed as rejects, which is the topic's. */
type Found = RejectGroup & { readonly topic: string; readonly table: string | null }

async function read(
  session: Session,
  config: Config,
  tables: readonly TableConfig[],
  filter: RejectFilter,
): Promise<readonly Found[]> {
  const warehouse = warehouseOf(config)
  const found: Found[] = []
  for (const [topic, own] of Map.groupBy(tables, (table) => table.topic)) {
    const landed = await readRejectGroups(session, warehouse, topic, filter)
    found.push(...landed.map((group) => ({ ...group, topic, table: null })))
    for (const { table } of own) {
      const refused = await readMergeRejectGroups(session, warehouse, { topic, table }, filter)
      found.push(...refused.map((group) => ({ ...group, topic, table })))
    }
  }
  return found
}

function textOf(found: readonly Found[]): string {
  // What lies in a file of another name has no place that could be shown.
  const first = found.find(({ epoch }) => epoch !== null) ?? found[0]
  if (!first) return 'no open rejects\n'
  const total = found.reduce((sum, { count }) => sum + count, 0)
  const { topic } = first
  const { partition, offset } = first.first
  const show = `firn rejects show --topic ${topic} --partition ${partition} --offset ${offset}`
  return `${found.map(lineOf).join('\n')}\nopen rejects: ${total}. To look at one: ${show}\n`
}

function lineOf(group: Found): string {
  const { topic, table, epoch, code, count, first, last, example: reason, firstSeenAt } = group
  const what =
    table === null ? plural(count, 'message') : `${plural(count, 'change')} that the merge into ${table} has refused`
  const where = count === 1 ? `at ${placeText(first)}` : `from ${placeText(first)} to ${placeText(last)}`
  return [
    `${code}  ${topic}, epoch ${epoch ?? 'unknown'}: ${what}, ${where}, first seen ${firstSeenAt.toISOString()}`,
    `  for example: ${reason}`,
    `  ${rejectHint(code)}`,
    '',
  ].join('\n')
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

const placeText = ({ partition, offset }: RejectPlace): string => `${partition}/${offset}`

function jsonOf(found: readonly Found[]): string {
  const place = ({ partition, offset }: RejectPlace) => ({ partition, offset: offset.toString() })
  const groups = found.map(({ topic, table, epoch, code, count, first, last, example: reason, firstSeenAt }) => {
    const ends = { first: place(first), last: place(last) }
    return { topic, table, epoch, code, count, ...ends, example: reason, firstSeenAt, hint: rejectHint(code) }
  })
  return `${JSON.stringify({ open: found.reduce((sum, { count }) => sum + count, 0), groups })}\n`
}
