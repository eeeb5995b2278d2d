/** Functions that translated statements call and DuckDB does not have. */

/** `run` gets and gives text, null for SQL NULL; all DuckDB types are VARCHAR. An error that it throws fails the statement. */
export type VariantFunction = {
  readonly name: string
  readonly parameterCount: number
  readonly run: (...args: (string | null)[]) => string | null
}

export const variantFunctions: readonly VariantFunction[] = []
