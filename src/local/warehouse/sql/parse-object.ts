/**
 * Statements about objects that are there: ALTER, COMMENT, USE, DROP, SHOW and DESCRIBE.
 */
import { type Cursor, nameInText } from './cursor.ts'
import { parseColumn } from './parse-create.ts'
import { showGrants } from './parse-grant.ts'
import { objectKind } from './parse-kind.ts'
import { choice, parseOptions } from './parse-options.ts'
import type { AddedColumn, MadeKind, Name, Statement } from './statement.ts'

/** @throws SqlError where the kind is one that no statement makes */
function madeKind(cursor: Cursor, plural: boolean): MadeKind {
  const token = cursor.peek()
  const kind = objectKind(cursor, plural)
  if (kind === 'warehouse') throw cursor.refuse(token)
  return kind
}

export function parseAlter(cursor: Cursor): Statement {
  if (cursor.accept('SESSION', 'SET')) return alterSession(cursor)
  if (cursor.accept('TABLE')) return alterTable(cursor)
  if (cursor.accept('TASK')) {
    const ifExists = cursor.accept('IF', 'EXISTS')
    const name = cursor.name()
    const resume = cursor.accept('RESUME')
    if (!resume) cursor.expect('SUSPEND')
    return { kind: 'alter task', name, ifExists, action: resume ? 'resume' : 'suspend' }
  }
  cursor.expect('PIPE')
  return alterPipe(cursor)
}

function alterPipe(cursor: Cursor): Statement {
  const ifExists = cursor.accept('IF', 'EXISTS')
  const name = cursor.name()
  if (cursor.accept('REFRESH')) {
    const given = parseOptions(cursor, { PREFIX: () => cursor.string(), MODIFIED_AFTER: () => time(cursor) })
    const { PREFIX: prefix = null, MODIFIED_AFTER: modifiedAfterMs = null } = given
    return { kind: 'alter pipe refresh', name, ifExists, prefix, modifiedAfterMs }
  }
  cursor.expect('SET', 'PIPE_EXECUTION_PAUSED')
  cursor.expectOperator('=')
  return { kind: 'alter pipe set', name, ifExists, paused: cursor.boolean() }
}

/** ISO 8601; without a zone it is UTC here, as the session's TIMEZONE always is. */
function time(cursor: Cursor): number {
  const token = cursor.peek()
  const text = cursor.string()
  const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(text)
  const [, date = '', clock = '00:00', zone = 'Z'] = iso ?? []
  const ms = Date.parse(`${date}T${clock}${zone}`)
  if (Number.isNaN(ms)) throw cursor.refuse(token, 'MODIFIED_AFTER is a time in ISO 8601.')
  return ms
}

function alterTable(cursor: Cursor): Statement {
  const ifExists = cursor.accept('IF', 'EXISTS')
  const name = cursor.name()
  cursor.expect('ADD')
  cursor.accept('COLUMN')
  return { kind: 'alter table add', name, ifExists, columns: cursor.list(() => addedColumn(cursor)) }
}

function addedColumn(cursor: Cursor): AddedColumn {
  const at = cursor.peek()
  const keep = cursor.accept('IF', 'NOT', 'EXISTS')
  const column = parseColumn(cursor)
  if (keep && column.defaultTo) throw cursor.refuse(at, 'IF NOT EXISTS and DEFAULT exclude each other.')
  return { column, keep }
}

/**
 * Parameters with an effect, or whose only value is what the development warehouse does anyway. Two are read by the driver
 * alone.
 */
function parameter(cursor: Cursor): readonly [string, string | number | boolean] {
  const token = cursor.peek()
  const name = cursor.identifier()
  cursor.expectOperator('=')
  switch (name) {
    case 'QUERY_TAG':
      return [name, cursor.string()]
    case 'TIMEZONE':
      return [name, choice(cursor, 'UTC')]
    case 'MULTI_STATEMENT_COUNT':
      return [name, cursor.integer()]
    case 'ERROR_ON_NONDETERMINISTIC_MERGE':
      cursor.expect('TRUE')
      return [name, true]
    case 'AUTOCOMMIT':
    case 'CLIENT_SESSION_KEEP_ALIVE':
    case 'JS_TREAT_INTEGER_AS_BIGINT':
      return [name, cursor.boolean()]
    default:
      throw cursor.refuse(token)
  }
}

function alterSession(cursor: Cursor): Statement {
  const parameters: Record<string, string | number | boolean> = {}
  do {
    const [name, value] = parameter(cursor)
    parameters[name] = value
    cursor.acceptOperator(',')
  } while (cursor.peek()?.kind === 'word')
  return { kind: 'alter session', parameters }
}

export function parseUse(cursor: Cursor): Statement {
  if (cursor.accept('SECONDARY', 'ROLES')) {
    cursor.expect('NONE')
    return { kind: 'use secondary roles', roles: 'none' }
  }
  for (const what of ['role', 'warehouse', 'database'] as const) {
    if (cursor.accept(what.toUpperCase())) return { kind: 'use', what, name: usedName(cursor, 1) }
  }
  if (cursor.accept('SCHEMA')) return { kind: 'use', what: 'schema', name: usedName(cursor, 2) }
  const name = cursor.name(2)
  return { kind: 'use', what: name.length === 1 ? 'database' : 'schema', name }
}

/** A name, or IDENTIFIER('name'); of the latter the development warehouse knows strings only, and only in USE. */
function usedName(cursor: Cursor, partsMax: 1 | 2): Name {
  if (!cursor.isWord('IDENTIFIER') || !cursor.isOperator('(', 1)) return cursor.name(partsMax)
  cursor.at += 2
  const token = cursor.peek()
  const name = nameInText(cursor.string())
  if (name.length > partsMax) throw cursor.refuse(token)
  cursor.expectOperator(')')
  return name
}

export function parseDrop(cursor: Cursor): Statement {
  const what = madeKind(cursor, false)
  const ifExists = cursor.accept('IF', 'EXISTS')
  return { kind: 'drop', what, name: cursor.name(), ifExists }
}

/** Of a column it is refused: none of Firn's scripts has one. */
export function parseComment(cursor: Cursor): Statement {
  const ifExists = cursor.accept('IF', 'EXISTS')
  cursor.expect('ON')
  const what = madeKind(cursor, false)
  const name = cursor.name()
  cursor.expect('IS')
  return { kind: 'comment', what, name, ifExists, comment: cursor.string() }
}

type Within = Extract<Statement, { kind: 'show' }>['within']

function within(cursor: Cursor): Within {
  if (!cursor.accept('IN')) return null
  if (cursor.accept('ACCOUNT')) return 'account'
  if (cursor.accept('DATABASE')) return { what: 'database', name: cursor.name(1) }
  cursor.expect('SCHEMA')
  return { what: 'schema', name: cursor.name(2) }
}

export function parseShow(cursor: Cursor): Statement {
  if (cursor.accept('GRANTS')) return showGrants(cursor)
  const what = madeKind(cursor, true)
  const like = cursor.accept('LIKE') ? cursor.string() : null
  if (what === 'role' || what === 'integration') return { kind: 'show', what, like, within: 'account' }
  return { kind: 'show', what, like, within: within(cursor) }
}

export function parseDescribe(cursor: Cursor): Statement {
  const token = cursor.peek()
  const what = madeKind(cursor, false)
  if (what === 'database' || what === 'schema' || what === 'role') throw cursor.refuse(token)
  return { kind: 'describe', what, name: cursor.name() }
}
