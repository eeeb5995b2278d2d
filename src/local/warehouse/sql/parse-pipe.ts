/**
 * CREATE PIPE. What its COPY may have is parse-copy.ts's.
 */
import type { Cursor } from './cursor.ts'
import { parsePipeCopy } from './parse-copy.ts'
import type { Head } from './parse-create.ts'
import { parseOptions } from './parse-options.ts'
import type { Statement } from './statement.ts'

export function parsePipe(cursor: Cursor, head: Head): Statement {
  const given = parseOptions(cursor, { AUTO_INGEST: () => cursor.boolean(), COMMENT: () => cursor.string() })
  cursor.expect('AS')
  const start = cursor.peek()?.start
  const copy = parsePipeCopy(cursor)
  const definition = cursor.text.slice(start, cursor.peek(-1)?.end)
  return {
    kind: 'create pipe',
    ...head,
    autoIngest: given.AUTO_INGEST ?? false,
    copy,
    definition,
    comment: given.COMMENT ?? null,
  }
}
