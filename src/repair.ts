/**
 * What a repair may do. Deciding what is done is in audit/repair-plan.ts, doing it in warehouse/repairs.ts. Every step may be
 * taken again, and while everything runs: rows that come again change nothing.
 */

export type RepairStep =
  | { readonly kind: 'resume pipe'; readonly topic: string }
  /** Lets the pipe take files that it has never taken. `prefix` lies below the pipe's own path. */
  | {
      readonly kind: 'refresh pipe'
      readonly topic: string
      readonly prefix: string
      readonly files: readonly string[]
    }
  /** Loads files as the pipe would, whether they were loaded before or not. */
  | { readonly kind: 'copy files'; readonly topic: string; readonly files: readonly string[] }
  /** The load history of the pipe as it is now counts as whole. */
  | { readonly kind: 'note pipe'; readonly topic: string }
  | { readonly kind: 'resume task'; readonly table: string; readonly task: 'merge' | 'retention' }
  | { readonly kind: 'run task'; readonly table: string; readonly task: 'merge' | 'retention' }

/** What came of a step. */
export type StepOutcome = {
  readonly step: RepairStep
  readonly done: string
  /** files of the step that it could not see to, and why */
  readonly left: ReadonlyMap<string, string>
  /** null where the step was taken */
  readonly error: string | null
}
