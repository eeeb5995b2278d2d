/**
 * One line of a check: something that was looked at, whether it is as it must be, and what to do where it is not.
 */
import { toFailure } from './failure.ts'

/** `warning`: all works, and something is not as it should be, or could not be seen. */
export type Level = 'ok' | 'warning' | 'failure'

export type Finding = {
  readonly part: 'kafka' | 'stage' | 'warehouse'
  /** what was looked at */
  readonly what: string
  readonly level: Level
  /** what was seen */
  readonly detail: string
  /** null where all is well */
  readonly hint: string | null
}

export type Look = { readonly part: Finding['part']; readonly what: string }

export function well(look: Look, detail: string): Finding {
  return { ...look, level: 'ok', detail, hint: null }
}

export function doubtful(look: Look, detail: string, hint: string): Finding {
  return { ...look, level: 'warning', detail, hint }
}

export function wrong(look: Look, detail: string, hint: string): Finding {
  return { ...look, level: 'failure', detail, hint }
}

/** What could not be looked at is a finding too; its failure's hint says what to do, unless the caller knows better. */
export function unreadable(look: Look, error: unknown, hint?: string): Finding {
  const failure = toFailure(error)
  return wrong(look, `${failure.code}: ${failure.message}`, hint ?? failure.hint)
}
