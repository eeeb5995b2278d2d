/**
 * The words that name a kind of object: `TABLE`, `FILE FORMAT`, `STORAGE INTEGRATION`; in the plural after SHOW and ALL.
 */
import type { Cursor } from './cursor.ts'
import type { ObjectKind } from './statement.ts'

const objectKinds: readonly ObjectKind[] = [
  'database',
  'schema',
  'table',
  'view',
  'file format',
  'stage',
  'pipe',
  'stream',
  'task',
  'role',
  'integration',
  'warehouse',
]

/** The kind of object whose words come next. @throws SqlError where they name none */
export function objectKind(cursor: Cursor, plural: boolean): ObjectKind {
  // Snowflake lets the word stand or not, but for CREATE.
  if (cursor.isWord('STORAGE', plural ? 'INTEGRATIONS' : 'INTEGRATION')) cursor.at += 1
  for (const kind of objectKinds) {
    const words = (plural ? `${kind}s` : kind).toUpperCase().split(' ')
    if (cursor.accept(...words)) return kind
  }
  throw cursor.refuse()
}
