/**
 * What a commit says beside its offset: the metadata string by which Firn knows its own commits again, and which tells why a
 * partition halted to whoever asks Kafka. When one is made is decided in partition.ts, what it is worth in resume.ts.
 */
import { type FailureCode, failures } from '../failure.ts'
import { type Anchor, encodeAnchor, parseAnchor } from '../landing.ts'

export type Commitment = {
  readonly epoch: number
  /** the committed offset once more: tools that copy groups between clusters copy this string beside another one */
  readonly next: bigint
  /** first offset of the batch that ends at `next` */
  readonly first: bigint
  /** that batch has no row and no file yet: the next file covers it too, so that files join without a hole */
  readonly open: boolean
  /** the last message below `next`; null where none is known */
  readonly anchor: Anchor | null
}

/** Why a partition stands still, as it is kept beside its offset. */
export type HaltNote = { readonly code: FailureCode; readonly message: string; readonly command: string | null }

/** A broker takes 4096 bytes (offset.metadata.max.bytes); all the rest needs less than 400. */
const messageCharsMax = 800

/** `commitment` is null where the offset is another's, which must not vouch for anything. */
export function encodeMetadata(commitment: Commitment | null, halt: HaltNote | null = null): string {
  const kept = commitment && {
    epoch: commitment.epoch,
    next: commitment.next.toString(),
    first: commitment.first.toString(),
    ...(commitment.open ? { open: true } : {}),
    anchor: commitment.anchor && encodeAnchor(commitment.anchor),
  }
  const note = halt && {
    halt: { code: halt.code, message: halt.message.slice(0, messageCharsMax), command: halt.command },
  }
  return JSON.stringify({ ...kept, ...note })
}

/** Null where Firn did not write the text, or wrote it beside another's offset. */
export function parseCommitment(text: string | null): Commitment | null {
  const members = objectOf(text)
  if (!members) return null
  const { epoch, next, first, open, anchor } = members
  if (typeof epoch !== 'number' || !isOffset(next) || !isOffset(first)) return null
  const parsed = typeof anchor === 'string' ? parseAnchor(anchor) : null
  if (anchor !== null && !parsed) return null
  return { epoch, next: BigInt(next), first: BigInt(first), open: open === true, anchor: parsed }
}

/** Null where the partition did not halt. */
export function parseHaltNote(text: string | null): HaltNote | null {
  const { halt } = objectOf(text) ?? {}
  if (typeof halt !== 'object' || halt === null) return null
  const { code, message, command } = halt as Record<string, unknown>
  if (typeof code !== 'string' || !Object.hasOwn(failures, code) || typeof message !== 'string') return null
  return { code: code as FailureCode, message, command: typeof command === 'string' ? command : null }
}

function objectOf(text: string | null): Record<string, unknown> | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function isOffset(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,19}$/.test(value)
}
