/** Text to tokens. */
import type { Token } from './statement.ts'

export function tokenize(sql: string): readonly Token[] {
  throw new Error(`not yet: ${sql}`)
}
