/**
 * What a translation asks of the catalogue: which relations, columns and functions there are, and their text for DuckDB.
 * The translator knows the language, the engine behind this interface knows the objects.
 */
import type { Name, SqlType } from './statement.ts'

export type Column = { readonly name: string; readonly type: SqlType }

/**
 * DuckDB text of an expression, and its type; null where only the place that it goes to gives it one (NULL, an untyped
 * bind). A number has the DuckDB type DECIMAL of its precision and scale, a VARIANT is VARCHAR.
 */
export type Typed = {
  readonly sql: string
  readonly type: SqlType | null
  /** the value, where it is known before the statement runs; a bind may have one too */
  readonly constant?: string
}

/** DuckDB text that may stand after FROM (a quoted name or a parenthesised query), and the columns that `*` means, in order. */
export type Relation = { readonly sql: string; readonly columns: readonly Column[] }

/** The quoted DuckDB name of a table that a DML writes, and its visible columns, in order. */
export type Target = { readonly table: string; readonly columns: readonly Column[] }

export type TargetPrivilege = 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE'

/**
 * All methods may answer later, and throw SqlError for what is not there.
 * DuckDB column names are the Snowflake names, as they are: upper case where they were written bare.
 */
export interface Scope {
  /** a table, a view, or a stream with its METADATA$ columns */
  relation(name: Name): Relation | Promise<Relation>
  /** the table of a DML that takes these privileges on it */
  target(name: Name, needs: readonly TargetPrivilege[]): Target | Promise<Target>
  /** SYSTEM$... and CURRENT_DATABASE() and the like; the arguments are constants */
  systemFunction(name: string, args: readonly string[]): Typed | Promise<Typed>
  /** `TABLE(name(...))`: arguments by upper-case name, or by '1', '2', ... where they were written without one */
  tableFunction(name: Name, args: Readonly<Record<string, Typed>>): Relation | Promise<Relation>
  /** `?` is '1', '2', ... in order of the text; `:1` and `:name` are '1' and 'NAME' */
  bind(name: string): Typed
}
