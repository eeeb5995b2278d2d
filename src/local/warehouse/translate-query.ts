/** A query to DuckDB. */
import type { Relation, Scope } from './scope.ts'
import type { Fragment } from './statement.ts'

/** `sql` is a whole DuckDB query without parentheses; `columns` are its result columns, named and typed as Snowflake does. */
export function translateQuery(query: Fragment, scope: Scope): Promise<Relation> {
  throw new Error(`not yet: ${String(query)} ${String(scope)}`)
}
