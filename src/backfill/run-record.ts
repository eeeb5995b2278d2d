/**
 * A run as it is kept on the stage from its beginning: what was asked for, and what it came to in offsets. It never changes,
 * so that a run that goes on elsewhere or later reads the same. Storing it is run-store.ts's.
 */
import type { OffsetRange } from '../change.ts'
import type { TableConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import type { RequestRecord } from './request.ts'

/** One partition's share of a run: messages of one epoch and partition, in the order of their offsets. */
export type Part = { readonly epoch: number; readonly partition: number; readonly range: OffsetRange }

/** Of a run from the stage: what was there when it began. */
export type StageShare = { readonly files: number; readonly bytes: number; readonly storedBefore: string }

/** What the configuration said of the messages when the run began: positions and ids are made by it. */
export type Meaning = Pick<TableConfig, 'epoch' | 'dialect' | 'key'> & { readonly order: TableConfig['order'] | null }

export function meaningOf({ epoch, dialect, key, order }: TableConfig): Meaning {
  return { epoch, dialect, key, order: order ?? null }
}

export type RunRecord = {
  readonly name: string
  readonly meaning: Meaning
  readonly request: RequestRecord
  readonly begunAt: string
  /** none for a run from the stage */
  readonly parts: readonly Part[]
  /** messages of single offsets, with others between them that the run does not take */
  readonly isSparse: boolean
  readonly stage: StageShare | null
}

export const runNameRule = /^[a-z0-9][a-z0-9-]{0,62}$/

export function encodeRunRecord(record: RunRecord): Uint8Array {
  const parts = record.parts.map(({ range, ...part }) => {
    return { ...part, first: range.first.toString(), last: range.last.toString() }
  })
  return Buffer.from(`${JSON.stringify({ ...record, parts }, null, 2)}\n`)
}

/** @throws Failure RUN_RECORD_INVALID */
export function parseRunRecord(bytes: Uint8Array, key: string): RunRecord {
  try {
    const { parts, ...rest } = JSON.parse(Buffer.from(bytes).toString()) as Omit<RunRecord, 'parts'> & {
      readonly parts: readonly (Omit<Part, 'range'> & { readonly first: string; readonly last: string })[]
    }
    if (typeof rest.name !== 'string' || typeof rest.request !== 'object') throw new TypeError('members are missing')
    return {
      ...rest,
      parts: parts.map(({ first, last, ...part }) => ({
        ...part,
        range: { first: BigInt(first), last: BigInt(last) },
      })),
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Failure('RUN_RECORD_INVALID', `${key} is no record of a run: ${reason}`, { cause: error })
  }
}

/** A run that goes on under other settings would mix two meanings. @throws Failure SETTINGS_CHANGED */
export function refuseOtherMeaning({ name, request, meaning }: RunRecord, table: TableConfig): void {
  // Copies are not decoded.
  if (request.from === 'stage') return
  const now = meaningOf(table)
  for (const setting of ['epoch', 'dialect', 'key', 'order'] as const) {
    const [then, is] = [meaning[setting], now[setting]].map((value) => JSON.stringify(value))
    if (then === is) continue
    throw new Failure('SETTINGS_CHANGED', `the run ${name} began with ${setting} ${then}, and the config says ${is}`)
  }
}

/** The command that goes on with it: without a source, so that nothing has to be said again as it was said then. */
export function resumeCommand({ name, request }: Pick<RunRecord, 'name' | 'request'>): string {
  const file = request.from === 'file' ? ' --file PATH' : ''
  return `firn backfill --topic ${request.topic} --name ${name}${file}`
}

/** `file` runs number their messages by the second of their beginning and the line, so that no two share a place. */
export const linesMax = 1_000_000_000n

/** The number of the message on line 0 of a file whose run began then. */
export function firstLineNumber(begunAt: Date): bigint {
  return BigInt(Math.floor(begunAt.getTime() / 1000)) * linesMax
}

/** Offsets or lines of all parts. */
export function lengthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { range }) => sum + Number(range.last - range.first + 1n), 0)
}
