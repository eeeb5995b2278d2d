/** A planted bug: one text in one file becomes another, and a named test must fail. */
export type Mutant = {
  readonly name: string
  readonly file: string
  /** stands in the file exactly once */
  readonly find: string
  readonly replace: string
  readonly caughtBy: { readonly file: string; readonly test: string }
}
