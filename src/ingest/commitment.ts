/**
 * What a commit says beside its offset: the metadata string by which Firn knows its own commits again.
 * When one is made is decided in partition.ts, what it is worth in resume.ts.
 */
import { type Anchor, encodeAnchor, parseAnchor } from '../landing.ts'

export type Commitment = {
  readonly epoch: number
  /** the committed offset once more: tools that copy groups between clusters copy this string beside another one */
  readonly next: bigint
  /** first offset of the batch that ends at `next` */
  readonly first: bigint
  /** the last message below `next`; null where the batch covered none */
  readonly anchor: Anchor | null
}

export function encodeCommitment({ epoch, next, first, anchor }: Commitment): string {
  return JSON.stringify({
    epoch,
    next: next.toString(),
    first: first.toString(),
    anchor: anchor && encodeAnchor(anchor),
  })
}

/** Null where Firn did not write the text. */
export function parseCommitment(text: string | null): Commitment | null {
  const members = text === null ? null : objectOf(text)
  if (!members) return null
  const { epoch, next, first, anchor } = members
  if (typeof epoch !== 'number' || !isOffset(next) || !isOffset(first)) return null
  const parsed = typeof anchor === 'string' ? parseAnchor(anchor) : null
  if (anchor !== null && !parsed) return null
  return { epoch, next: BigInt(next), first: BigInt(first), anchor: parsed }
}

function objectOf(text: string): Record<string, unknown> | null {
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
