/**
 * CREATE of databases, schemas, tables, views, file formats, stages and streams. Pipes and tasks have files of their own.
 */
import type { Cursor } from './cursor.ts'
import { nameInText } from './cursor.ts'
import { parseExpression } from './parse-expression.ts'
import { choice, parseOptions } from './parse-options.ts'
import { parseIntegration, parseRole } from './parse-account.ts'
import { parsePipe } from './parse-pipe.ts'
import { parseQuery } from './parse-query.ts'
import { parseTask } from './parse-task.ts'
import { parseType } from './parse-type.ts'
import type { ColumnDefinition, Existing, Name, Statement } from './statement.ts'

/** What every CREATE begins with. */
export type Head = { readonly name: Name; readonly existing: Existing }

export function parseCreate(cursor: Cursor): Statement {
  const start = cursor.peek()?.start ?? 0
  cursor.expect('CREATE')
  const replace = cursor.accept('OR', 'REPLACE')
  const head = (...words: readonly string[]): Head | null => {
    if (!cursor.accept(...words)) return null
    const at = cursor.peek()
    const keep = cursor.accept('IF', 'NOT', 'EXISTS')
    if (keep && replace) throw cursor.refuse(at, 'OR REPLACE and IF NOT EXISTS exclude each other.')
    return { name: cursor.name(), existing: replace ? 'replace' : keep ? 'keep' : 'fail' }
  }
  for (const what of ['database', 'schema'] as const) {
    const found = head(what.toUpperCase())
    if (found !== null) return { kind: `create ${what}`, ...found, comment: commentOnly(cursor) }
  }
  const parsers: readonly (readonly [readonly string[], (cursor: Cursor, head: Head, start: number) => Statement])[] = [
    [['TABLE'], table],
    [['VIEW'], view],
    [['FILE', 'FORMAT'], fileFormat],
    [['STAGE'], stage],
    [['PIPE'], parsePipe],
    [['STREAM'], stream],
    [['TASK'], parseTask],
    [['ROLE'], parseRole],
    [['STORAGE', 'INTEGRATION'], parseIntegration],
  ]
  for (const [words, parse] of parsers) {
    const found = head(...words)
    if (found !== null) return parse(cursor, found, start)
  }
  throw cursor.refuse()
}

function commentOnly(cursor: Cursor): string | null {
  return parseOptions(cursor, { COMMENT: () => cursor.string() }).COMMENT ?? null
}

function table(cursor: Cursor, head: Head): Statement {
  const columns = cursor.listInParentheses(() => parseColumn(cursor))
  return { kind: 'create table', ...head, columns, comment: commentOnly(cursor) }
}

/** `name TYPE`, and what a column may have beside that. */
export function parseColumn(cursor: Cursor): ColumnDefinition {
  const name = cursor.identifier()
  const type = parseType(cursor)
  let nullable = true
  let comment: string | null = null
  let defaultTo: ColumnDefinition['defaultTo'] = null
  for (;;) {
    if (cursor.accept('NOT', 'NULL')) nullable = false
    else if (cursor.accept('NULL')) nullable = true
    else if (cursor.accept('COMMENT')) comment = cursor.string()
    else if (cursor.accept('DEFAULT')) defaultTo = cursor.fragment(() => parseExpression(cursor)).tokens
    else return { name, type, nullable, comment, defaultTo }
  }
}

function view(cursor: Cursor, head: Head, start: number): Statement {
  const comment = commentOnly(cursor)
  cursor.expect('AS')
  const query = cursor.fragment(() => parseQuery(cursor))
  const text = cursor.text.slice(start, query.tokens.at(-1)?.end)
  return { kind: 'create view', ...head, query, comment, text }
}

function fileFormat(cursor: Cursor, head: Head): Statement {
  const flag = () => choice(cursor, 'TRUE', 'FALSE')
  const { COMMENT, ...given } = parseOptions(cursor, {
    TYPE: () => choice(cursor, 'PARQUET'),
    COMPRESSION: () => choice(cursor, 'AUTO', 'SNAPPY', 'NONE'),
    BINARY_AS_TEXT: flag,
    USE_LOGICAL_TYPE: flag,
    USE_VECTORIZED_SCANNER: flag,
    COMMENT: () => cursor.string(),
  })
  if (given.TYPE === undefined) throw cursor.refuse(undefined, 'The development warehouse needs TYPE = PARQUET.')
  return { kind: 'create file format', ...head, options: { ...given }, comment: COMMENT ?? null }
}

/** `(FORMAT_NAME = 'db.schema.name')`, the only form of FILE_FORMAT in the set. */
export function formatName(cursor: Cursor): Name {
  cursor.expectOperator('(')
  cursor.expect('FORMAT_NAME')
  cursor.expectOperator('=')
  const name = cursor.peek()?.kind === 'string' ? nameInText(cursor.string()) : cursor.name()
  cursor.expectOperator(')')
  return name
}

function s3Url(cursor: Cursor): string {
  const token = cursor.peek()
  const url = cursor.string()
  if (!url.startsWith('s3://')) throw cursor.refuse(token, 'The development warehouse knows s3:// only.')
  return url
}

function stage(cursor: Cursor, head: Head): Statement {
  const given = parseOptions(cursor, {
    URL: () => s3Url(cursor),
    STORAGE_INTEGRATION: () => cursor.identifier(),
    FILE_FORMAT: () => formatName(cursor),
    COMMENT: () => cursor.string(),
  })
  if (given.URL === undefined || given.STORAGE_INTEGRATION === undefined) {
    throw cursor.refuse(undefined, 'The development warehouse needs URL and STORAGE_INTEGRATION.')
  }
  return {
    kind: 'create stage',
    ...head,
    url: given.URL,
    storageIntegration: given.STORAGE_INTEGRATION,
    fileFormat: given.FILE_FORMAT ?? null,
    comment: given.COMMENT ?? null,
  }
}

function stream(cursor: Cursor, head: Head): Statement {
  cursor.expect('ON', 'TABLE')
  const onTable = cursor.name()
  const given = parseOptions(cursor, {
    APPEND_ONLY: () => cursor.boolean(),
    SHOW_INITIAL_ROWS: () => cursor.boolean(),
    COMMENT: () => cursor.string(),
  })
  if (given.APPEND_ONLY !== true) {
    throw cursor.refuse(undefined, 'The development warehouse knows streams with APPEND_ONLY = TRUE only.')
  }
  const showInitialRows = given.SHOW_INITIAL_ROWS ?? false
  return { kind: 'create stream', ...head, table: onTable, showInitialRows, comment: given.COMMENT ?? null }
}
