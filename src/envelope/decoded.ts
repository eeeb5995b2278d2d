/**
 * What a message turns out to be, in any dialect. Which code belongs to which defect is decided by the dialects.
 */
import type { Change } from '../change.ts'
import type { FailureCode, failures } from '../failure.ts'

/** The codes of the failure table whose response is a reject row. */
export type RejectCode = {
  [Code in FailureCode]: (typeof failures)[Code]['response'] extends 'reject' ? Code : never
}[FailureCode]

/** A message that cannot become a change. The reason names columns and places, never values. */
export type Reject = { readonly kind: 'reject'; readonly code: RejectCode; readonly reason: string }

/** `tombstone`: a message without a value. It is covered by its batch and leaves no row. */
export type Decoded =
  { readonly kind: 'changes'; readonly changes: readonly Change[] } | Reject | { readonly kind: 'tombstone' }

export function reject(code: RejectCode, reason: string): Reject {
  return { kind: 'reject', code, reason }
}
