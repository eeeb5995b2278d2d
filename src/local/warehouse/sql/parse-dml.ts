/**
 * INSERT, UPDATE, DELETE, TRUNCATE and MERGE. Their expressions are read to find where they end, and kept as tokens.
 */
import type { Cursor } from './cursor.ts'
import { parseExpression } from './parse-expression.ts'
import { parseQuery } from './parse-query.ts'
import { mayBeAlias } from './reserved-words.ts'
import { SqlError } from './statement.ts'
import type { Dml, Fragment, MergeClause, Name } from './statement.ts'

export const isDml = (cursor: Cursor): boolean =>
  ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'MERGE'].some((word) => cursor.isWord(word))

export function parseDml(cursor: Cursor): Dml {
  if (cursor.accept('INSERT')) return insert(cursor)
  if (cursor.accept('UPDATE')) return update(cursor)
  if (cursor.accept('DELETE', 'FROM')) return { kind: 'delete', target: cursor.name(), where: where(cursor) }
  if (cursor.accept('TRUNCATE')) {
    cursor.accept('TABLE')
    return { kind: 'truncate', target: cursor.name() }
  }
  cursor.expect('MERGE', 'INTO')
  return merge(cursor)
}

const expression = (cursor: Cursor): Fragment => cursor.fragment(() => parseExpression(cursor))

const where = (cursor: Cursor): Fragment | null => (cursor.accept('WHERE') ? expression(cursor) : null)

const columnList = (cursor: Cursor): readonly string[] => cursor.listInParentheses(() => cursor.identifier())

function insert(cursor: Cursor): Dml {
  cursor.expect('INTO')
  const target = cursor.name()
  const named = cursor.isOperator('(') && !['SELECT', 'WITH'].includes(cursor.peek(1)?.value ?? '')
  const columns = named ? columnList(cursor) : null
  return { kind: 'insert', target, columns, query: cursor.fragment(() => parseQuery(cursor)) }
}

/** `column = expression`; the column may carry the table's alias. */
function assignments(cursor: Cursor): readonly { readonly column: string; readonly to: Fragment }[] {
  return cursor.list(() => {
    const column = cursor.name(4).at(-1) ?? ''
    cursor.expectOperator('=')
    return { column, to: expression(cursor) }
  })
}

function update(cursor: Cursor): Dml {
  const target = cursor.name()
  cursor.expect('SET')
  const set = assignments(cursor)
  return { kind: 'update', target, set, where: where(cursor) }
}

function alias(cursor: Cursor): string | null {
  const token = cursor.peek()
  if (cursor.accept('AS')) return cursor.identifier()
  const free = token?.kind === 'quoted' || (token?.kind === 'word' && mayBeAlias(token.value))
  return free ? cursor.identifier() : null
}

function mergeSource(cursor: Cursor): Name | Fragment {
  if (!cursor.acceptOperator('(')) return cursor.name()
  const query = cursor.fragment(() => parseQuery(cursor))
  cursor.expectOperator(')')
  return query
}

function merge(cursor: Cursor): Dml {
  const target = cursor.name()
  const targetAlias = alias(cursor)
  cursor.expect('USING')
  const source = mergeSource(cursor)
  const sourceAlias = alias(cursor)
  cursor.expect('ON')
  const on = expression(cursor)
  const clauses: MergeClause[] = []
  while (cursor.isWord('WHEN')) {
    const at = cursor.peek()
    const clause = mergeClause(cursor)
    if (clauses.some((earlier) => earlier.matched === clause.matched && earlier.condition === null)) {
      throw cursor.refuse(at, 'A WHEN clause without a condition must be the last of its kind.')
    }
    clauses.push(clause)
  }
  if (clauses.length === 0) throw cursor.refuse()
  return { kind: 'merge', target, targetAlias, source, sourceAlias, on, clauses }
}

function mergeClause(cursor: Cursor): MergeClause {
  cursor.expect('WHEN')
  const matched = !cursor.accept('NOT')
  cursor.expect('MATCHED')
  const condition = cursor.accept('AND') ? expression(cursor) : null
  cursor.expect('THEN')
  if (!matched) return { matched, condition, action: mergeInsert(cursor) }
  if (cursor.accept('DELETE')) return { matched, condition, action: { kind: 'delete' } }
  cursor.expect('UPDATE', 'SET')
  return { matched, condition, action: { kind: 'update', set: assignments(cursor) } }
}

function mergeInsert(cursor: Cursor): MergeClause['action'] {
  cursor.expect('INSERT')
  const columns = columnList(cursor)
  cursor.expect('VALUES')
  const values = cursor.listInParentheses(() => expression(cursor))
  checkCount(columns.length, values.length)
  return { kind: 'insert', columns, values }
}

export function checkCount(columns: number, values: number): void {
  if (columns === values) return
  const text = `Insert value list does not match column list expecting ${columns} but got ${values}`
  throw new SqlError('002020', '21S01', `SQL compilation error:\n${text}`)
}
