/** A DML to DuckDB. */
import type { Scope } from './scope.ts'
import type { Dml } from './statement.ts'

export type TranslatedDml = {
  readonly sql: string
  /** a query that returns a row where the MERGE would touch a target row twice; run it first; null where there is nothing to check */
  readonly check: string | null
}

export function translateDml(dml: Dml, scope: Scope): Promise<TranslatedDml> {
  throw new Error(`not yet: ${dml.kind} ${String(scope)}`)
}
