/**
 * CREATE PIPE and the COPY in it. A pipe's query may reorder, leave out and cast; anything more is refused, and so are the
 * options that Snowflake refuses in a pipe.
 */
import type { Cursor } from './cursor.ts'
import { nameInText } from './cursor.ts'
import type { Expression } from './expression.ts'
import { formatName } from './parse-create.ts'
import type { Head } from './parse-create.ts'
import { checkCount } from './parse-dml.ts'
import { parseExpression } from './parse-expression.ts'
import { choice, parseOptions } from './parse-options.ts'
import type { CopyInto, Fragment, Name, Statement } from './statement.ts'

const metadataColumns: ReadonlySet<string> = new Set([
  'METADATA$FILENAME',
  'METADATA$FILE_ROW_NUMBER',
  'METADATA$FILE_LAST_MODIFIED',
  'METADATA$FILE_CONTENT_KEY',
  'METADATA$START_SCAN_TIME',
])

export function parsePipe(cursor: Cursor, head: Head): Statement {
  const given = parseOptions(cursor, { AUTO_INGEST: () => cursor.boolean(), COMMENT: () => cursor.string() })
  cursor.expect('AS')
  const start = cursor.peek()?.start
  const copy = copyInto(cursor)
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

function copyInto(cursor: Cursor): CopyInto {
  cursor.expect('COPY', 'INTO')
  const table = cursor.name()
  const columns = cursor.listInParentheses(() => cursor.identifier())
  cursor.expect('FROM')
  cursor.expectOperator('(')
  cursor.expect('SELECT')
  const expressions = cursor.list(() => copied(cursor))
  cursor.expect('FROM')
  const { stage, path } = location(cursor)
  cursor.expectOperator(')')
  checkCount(columns.length, expressions.length)
  const { FILE_FORMAT: fileFormat } = parseOptions(cursor, {
    FILE_FORMAT: () => formatName(cursor),
    // What a pipe does anyway. ABORT_STATEMENT is refused by Snowflake too, the others by the development warehouse.
    ON_ERROR: () => choice(cursor, 'SKIP_FILE'),
  })
  if (fileFormat === undefined) {
    throw cursor.refuse(undefined, "The development warehouse needs FILE_FORMAT = (FORMAT_NAME = '...').")
  }
  return { table, columns, expressions, stage, path, fileFormat }
}

function onlyCasts(expression: Expression): boolean {
  if (expression.kind === 'cast') return !expression.attempt && onlyCasts(expression.operand)
  if (expression.kind === 'column')
    return expression.parts.length === 1 && metadataColumns.has(expression.parts[0] ?? '')
  return (
    expression.kind === 'path' &&
    expression.operand.kind === 'positional' &&
    expression.operand.name === '1' &&
    expression.steps.length === 1 &&
    typeof expression.steps[0] === 'string'
  )
}

function copied(cursor: Cursor): Fragment {
  const start = cursor.peek()
  const fragment = cursor.fragment(() => {
    if (!onlyCasts(parseExpression(cursor))) {
      throw cursor.refuse(
        start,
        'In a COPY the development warehouse knows $1:column, METADATA$ columns, and casts of them.',
      )
    }
  })
  if (cursor.accept('AS')) cursor.identifier()
  return fragment
}

/** `@db.schema.stage/path/`, bare or in quotes. */
function location(cursor: Cursor): { readonly stage: Name; readonly path: string } {
  const token = cursor.next()
  const isLocation =
    token.kind === 'operator' ? token.text.startsWith('@') : token.kind === 'string' && token.value.startsWith('@')
  if (!isLocation) throw cursor.refuse(token)
  const text = token.kind === 'operator' ? token.value : token.value.slice(1)
  const end = /^(?:"(?:[^"]|"")*"|[^"/])*/.exec(text)?.[0].length ?? 0
  return { stage: nameInText(text.slice(0, end)), path: text.slice(end + 1) }
}
