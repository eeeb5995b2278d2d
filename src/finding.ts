/**
 * One line of a check: something that was looked at, whether it is as it must be, and what to do where it is not.
 */
import { toFailure } from './failure.ts'

export type Finding = {
  readonly part: 'kafka' | 'stage' | 'warehouse'
  /** what was looked at */
  readonly what: string
  readonly ok: boolean
  /** what was seen */
  readonly detail: string
  /** null where all is well */
  readonly hint: string | null
}

type Look = { readonly part: Finding['part']; readonly what: string }

export function well(look: Look, detail: string): Finding {
  return { ...look, ok: true, detail, hint: null }
}

export function wrong(look: Look, detail: string, hint: string): Finding {
  return { ...look, ok: false, detail, hint }
}

/** What could not be looked at is a finding too; its failure's hint says what to do. */
export function unreadable(look: Look, error: unknown): Finding {
  const failure = toFailure(error)
  return wrong(look, `${failure.code}: ${failure.message}`, failure.hint)
}
