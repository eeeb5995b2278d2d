/**
 * A landing file as a backfill stores it, made by the ingester's own batch and encoder.
 */
import type { Message } from '../../src/change.ts'
import { decode, type Decoded } from '../../src/envelope/envelope.ts'
import type { TableConfig } from '../../src/config.ts'
import { Batch } from '../../src/ingest/batch.ts'
import { startEncoder } from '../../src/ingest/encoder.ts'
import { runFileKey } from '../../src/landing.ts'
import type { Stage } from '../../src/stage/stage.ts'

export type RunMessage = Partial<Message> & {
  readonly offset: bigint
  /** in place of what the message decodes to */
  readonly decoded?: Decoded
  /** of its changes, so that they beat their former selves */
  readonly revision?: number
}

export type RunFile = {
  readonly run: string
  readonly table: TableConfig
  readonly epoch?: number
  readonly partition: number
}

/** Puts one file that holds these messages, in the order of their offsets. @returns its key */
export async function putRunFile(
  stage: Stage,
  prefix: string,
  { run, table, epoch = table.epoch, partition }: RunFile,
  messages: readonly RunMessage[],
): Promise<string> {
  const { topic } = table
  const batch = new Batch({ topic, epoch, partition, first: messages[0]?.offset ?? 0n, openedAtMs: 0 })
  for (const { decoded, revision = 0, ...parts } of messages) {
    const message = { topic, partition, timestamp: 1_700_000_000_000n, key: null, value: null, headers: [], ...parts }
    batch.add(message, decoded ?? decode(message, table, { epoch, revision, isLogged: true }))
  }
  const sealed = batch.seal()
  const { range } = sealed
  const encoder = startEncoder({ compression: 'zstd' })
  const { file, rows } = await encoder.encode(sealed)
  await encoder.close()
  const key = runFileKey(prefix, run, { topic, epoch, partition, range })
  await stage.put(key, file, { rows: String(rows) })
  return key
}
