/**
 * What somebody asks a backfill for, in words that are kept: whether the same is asked again is decided here. What it comes
 * to in offsets is selection.ts's.
 */
import { type OffsetRange, rangeText } from '../change.ts'

export const sourceKinds = ['log', 'stage', 'rejects', 'file'] as const

export type SourceKind = (typeof sourceKinds)[number]

/** Null means that nothing was said. */
export type Request = {
  readonly topic: string
  readonly from: SourceKind
  readonly partitions: readonly number[] | null
  readonly offsets: OffsetRange | null
  /** ISO 8601 */
  readonly since: string | null
  readonly until: string | null
  /** of rejects and of files on the stage */
  readonly epoch: number | null
  /** of rejects: a failure code */
  readonly code: string | null
  readonly revision: number
  /** of a file of messages */
  readonly file: FileIdentity | null
}

export type FileIdentity = { readonly sha256: string; readonly bytes: number }

/** A request as JSON has it; two requests are the same where these are. */
export type RequestRecord = Omit<Request, 'offsets'> & { readonly offsets: string | null }

export function recordOf(request: Request): RequestRecord {
  return { ...request, offsets: request.offsets && rangeText(request.offsets) }
}

/** The members in which two requests differ, as people name them. */
export function differences(then: RequestRecord, now: RequestRecord): readonly string[] {
  const names = Object.keys(now) as (keyof RequestRecord)[]
  return names.flatMap((name) => {
    const [a, b] = [then[name], now[name]].map((value) => JSON.stringify(value ?? null))
    if (a === b) return []
    if (name !== 'file') return [`${name} ${a}, not ${b}`]
    const [was, is] = [then.file, now.file].map((file) =>
      file ? `${file.bytes} bytes, SHA-256 ${file.sha256.slice(0, 12)}...` : 'none',
    )
    return [`another file (${is}), not the one that it began with (${was})`]
  })
}
