/** A statement's text to its node. */
import type { Statement } from './statement.ts'

export function parseStatement(sql: string): Statement {
  throw new Error(`not yet: ${sql}`)
}

export function splitStatements(sql: string): readonly string[] {
  throw new Error(`not yet: ${sql}`)
}
