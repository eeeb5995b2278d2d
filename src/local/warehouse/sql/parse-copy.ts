/**
 * COPY INTO a table, as a statement and in a pipe. Its query may reorder, leave out and cast; anything more is refused, and
 * so are in a pipe the options that Snowflake refuses there.
 */
import type { Cursor } from './cursor.ts'
import { nameInText } from './cursor.ts'
import type { Expression } from './expression.ts'
import { formatName } from './parse-create.ts'
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

/** As COPY INTO <table> has it. */
const filesMax = 1000

/** The COPY of a pipe. */
export function parsePipeCopy(cursor: Cursor): CopyInto {
  const copy = parseInto(cursor)
  const refused = (): never => {
    throw cursor.refuse(cursor.peek(-2), "Snowflake refuses this option in a pipe's COPY.")
  }
  const given = parseOptions(cursor, {
    FILE_FORMAT: () => formatName(cursor),
    // What a pipe does anyway.
    ON_ERROR: () => choice(cursor, 'SKIP_FILE'),
    FILES: refused,
    SIZE_LIMIT: refused,
    PURGE: refused,
    FORCE: refused,
    RETURN_FAILED_ONLY: refused,
    VALIDATION_MODE: refused,
  })
  return { ...copy, fileFormat: needed(cursor, given.FILE_FORMAT) }
}

/** COPY INTO as a statement of its own. */
export function parseCopy(cursor: Cursor): Statement {
  const copy = parseInto(cursor)
  const given = parseOptions(cursor, {
    FILES: () => files(cursor),
    FILE_FORMAT: () => formatName(cursor),
    ON_ERROR: () => choice(cursor, 'ABORT_STATEMENT', 'SKIP_FILE'),
    FORCE: () => cursor.boolean(),
  })
  return {
    kind: 'copy',
    copy: { ...copy, fileFormat: needed(cursor, given.FILE_FORMAT) },
    files: given.FILES ?? null,
    skipFile: given.ON_ERROR === 'SKIP_FILE',
    force: given.FORCE ?? false,
  }
}

function files(cursor: Cursor): readonly string[] {
  const at = cursor.peek()
  const names = cursor.listInParentheses(() => cursor.string())
  if (names.length > filesMax) throw cursor.refuse(at, `FILES takes at most ${filesMax} names.`)
  return [...new Set(names)]
}

function needed(cursor: Cursor, fileFormat: Name | undefined): Name {
  if (fileFormat !== undefined) return fileFormat
  throw cursor.refuse(undefined, "The development warehouse needs FILE_FORMAT = (FORMAT_NAME = '...').")
}

function parseInto(cursor: Cursor): Omit<CopyInto, 'fileFormat'> {
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
  return { table, columns, expressions, stage, path }
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

/** `@db.schema.stage/path/`, bare or in single quotes; with a space in it Snowflake asks for these. */
function location(cursor: Cursor): { readonly stage: Name; readonly path: string } {
  const token = cursor.next()
  const isLocation =
    token.kind === 'operator' ? token.text.startsWith('@') : token.kind === 'string' && token.value.startsWith('@')
  if (!isLocation) throw cursor.refuse(token)
  if (token.kind === 'operator' && /\s/.test(token.text)) {
    throw cursor.refuse(token, 'A location with a space in it stands in single quotes.')
  }
  const text = token.kind === 'operator' ? token.value : token.value.slice(1)
  const end = /^(?:"(?:[^"]|"")*"|[^"/])*/.exec(text)?.[0].length ?? 0
  return { stage: nameInText(text.slice(0, end)), path: text.slice(end + 1) }
}
