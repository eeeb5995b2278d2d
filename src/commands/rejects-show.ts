/**
 * `firn rejects show`: one place, with all that is known of what was rejected there. How it is told is reject-report.ts's.
 */
import { rejectValueKey } from '../backfill/origin.ts'
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { Failure } from '../failure.ts'
import type { Session } from '../snowflake/session.ts'
import { openStage } from '../stage/s3.ts'
import { type OpenReject, readMergeRejects, readOpenRejects, type RejectFilter } from '../warehouse/reject-rows.ts'
import { warehouseOf } from '../warehouse/values.ts'
import type { ExitCode, Io } from './command.ts'
import { required, tablesOfTopic, wholeNumber } from './named-option.ts'
import { parseOptions } from './options.ts'
import { jsonOf, type Shown, textOf } from './rejects-report.ts'
import { withWarehouse } from './warehouse-session.ts'

const options = {
  config: { type: 'string' },
  topic: { type: 'string' },
  partition: { type: 'string' },
  offset: { type: 'string' },
  epoch: { type: 'string' },
  bytes: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

const example = 'firn rejects show --topic shop.orders --partition 3 --offset 4711'

export async function showReject(args: readonly string[], io: Io): Promise<ExitCode> {
  const values = parseOptions(args, options, example)
  if (values.bytes === true && values.json === true) {
    throw new Failure('USAGE', `--bytes and --json exclude each other; for example: ${example} --bytes`)
  }
  const config = loadConfig({ file: values.config, env: io.env })
  const topic = required(values.topic, 'topic', example)
  const partition = Number(wholeNumber(required(values.partition, 'partition', example), 'partition', 5, example))
  const offset = wholeNumber(required(values.offset, 'offset', example), 'offset', 19, example)
  const epoch = values.epoch === undefined ? null : Number(wholeNumber(values.epoch, 'epoch', 5, example))
  const tables = tablesOfTopic(config, topic).map(({ table }) => table)
  const filter = { partition, offsets: { first: offset, last: offset }, ...(epoch !== null && { epoch }) }
  const shown = await withWarehouse(config, (session) => read(session, config, { topic, tables, filter }))
  if (shown.landed.length + shown.refused.length === 0) {
    throw new Failure('USAGE', `nothing is open at ${topic}/${partition} offset ${offset}; see: firn rejects list`)
  }
  if (values.bytes === true) await written(io, await bytesOf(config, topic, shown.landed))
  else io.stdout.write(values.json === true ? jsonOf(shown) : textOf(shown))
  return 0
}

type Asked = { readonly topic: string; readonly tables: readonly string[]; readonly filter: RejectFilter }

async function read(session: Session, config: Config, { topic, tables, filter }: Asked): Promise<Shown> {
  const warehouse = warehouseOf(config)
  const landed: Shown['landed'][number][] = []
  for await (const page of readOpenRejects(session, warehouse, topic, filter)) {
    landed.push(...page.map((reject) => ({ ...reject, object: objectOf(config, topic, reject) })))
  }
  const refused: Shown['refused'][number][] = []
  for (const table of tables) {
    for await (const page of readMergeRejects(session, warehouse, { topic, table }, filter)) {
      refused.push(...page.map((reject) => ({ ...reject, table })))
    }
  }
  return { topic, landed, refused }
}

function objectOf(config: Config, topic: string, reject: OpenReject): string | null {
  return reject.raw === null
    ? `s3://${config.stage.bucket}/${rejectValueKey(config.stage.prefix, topic, reject)}`
    : null
}

/** @throws Failure USAGE where there is not one message, STAGE_FAILED where the object is gone */
async function bytesOf(config: Config, topic: string, landed: readonly OpenReject[]): Promise<Uint8Array> {
  const [reject, ...others] = landed
  if (!reject)
    throw new Failure('USAGE', 'the merge has refused a change here; its message was no reject and has no bytes')
  if (others.length > 0) {
    const epochs = landed.map(({ epoch }) => epoch).join(', ')
    throw new Failure('USAGE', `rejected in the epochs ${epochs}: choose one with --epoch`)
  }
  if (reject.raw) return reject.raw
  const stage = openStage(config.stage)
  try {
    const bytes = await stage.get(rejectValueKey(config.stage.prefix, topic, reject))
    if (bytes) return bytes
    throw new Failure('STAGE_FAILED', `there is no object ${objectOf(config, topic, reject) ?? ''}`)
  } finally {
    stage.close()
  }
}

/** Resolves when all of it is on its way: the process ends after the command. */
function written({ stdout }: Io, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout.write(bytes, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}
