/**
 * Queries: WITH, SELECT and its clauses, VALUES, set operations, joins, table functions. Clauses outside the set are refused.
 */
import type { Cursor } from './cursor.ts'
import type { Body, Item, Join, Query, Select, Source } from './expression.ts'
import { parseOrder } from './parse-call.ts'
import { parseExpression } from './parse-expression.ts'
import { mayBeAlias } from './reserved-words.ts'

export function parseQuery(cursor: Cursor): Query {
  return cursor.nested(() => {
    const ctes = cursor.accept('WITH') ? cursor.list(() => commonTable(cursor)) : []
    const body = setOperations(cursor)
    const orderBy = cursor.accept('ORDER', 'BY') ? cursor.list(() => parseOrder(cursor)) : []
    const limit = cursor.accept('LIMIT') ? parseExpression(cursor) : null
    const offset = limit !== null && cursor.accept('OFFSET') ? parseExpression(cursor) : null
    return { with: ctes, body, orderBy, limit, offset }
  })
}

function commonTable(cursor: Cursor): Query['with'][number] {
  if (cursor.isWord('RECURSIVE')) throw cursor.refuse()
  const name = cursor.identifier()
  const columns = cursor.isOperator('(') ? cursor.listInParentheses(() => cursor.identifier()) : null
  cursor.expect('AS')
  return { name, columns, query: queryInParentheses(cursor) }
}

function queryInParentheses(cursor: Cursor): Query {
  cursor.expectOperator('(')
  const query = parseQuery(cursor)
  cursor.expectOperator(')')
  return query
}

/** INTERSECT binds tighter than the others, which go from left to right. */
function setOperations(cursor: Cursor): Body {
  let left = intersections(cursor)
  for (;;) {
    const operator = cursor.accept('UNION', 'ALL')
      ? 'UNION ALL'
      : cursor.accept('UNION')
        ? 'UNION'
        : cursor.accept('EXCEPT') || cursor.accept('MINUS')
          ? 'EXCEPT'
          : null
    if (operator === null) return left
    left = { kind: 'set', operator, left, right: intersections(cursor) }
  }
}

function intersections(cursor: Cursor): Body {
  let left = single(cursor)
  while (cursor.accept('INTERSECT')) left = { kind: 'set', operator: 'INTERSECT', left, right: single(cursor) }
  return left
}

function single(cursor: Cursor): Body {
  if (cursor.isOperator('(')) return { kind: 'nested', query: queryInParentheses(cursor) }
  if (cursor.accept('VALUES')) {
    const row = () => cursor.listInParentheses(() => parseExpression(cursor))
    return { kind: 'values', rows: cursor.list(row) }
  }
  return select(cursor)
}

function select(cursor: Cursor): Select {
  cursor.expect('SELECT')
  const distinct = cursor.accept('DISTINCT')
  if (!distinct) cursor.accept('ALL')
  const items = cursor.list(() => item(cursor))
  const from = cursor.accept('FROM') ? { first: source(cursor), joins: joins(cursor) } : null
  const where = cursor.accept('WHERE') ? parseExpression(cursor) : null
  const groupBy = cursor.accept('GROUP', 'BY') ? groups(cursor) : null
  const having = cursor.accept('HAVING') ? parseExpression(cursor) : null
  const qualify = cursor.accept('QUALIFY') ? parseExpression(cursor) : null
  return { kind: 'select', distinct, items, from, where, groupBy, having, qualify }
}

function groups(cursor: Cursor): Select['groupBy'] {
  return cursor.accept('ALL') ? 'all' : cursor.list(() => parseExpression(cursor))
}

function alias(cursor: Cursor): string | null {
  if (cursor.accept('AS')) return cursor.identifier()
  const token = cursor.peek()
  const free = token?.kind === 'quoted' || (token?.kind === 'word' && mayBeAlias(token.value))
  return free ? cursor.identifier() : null
}

function item(cursor: Cursor): Item {
  const token = cursor.peek()
  if (cursor.acceptOperator('*')) return { kind: 'star', qualifier: null }
  if ((token?.kind === 'word' || token?.kind === 'quoted') && cursor.isOperator('.', 1) && cursor.isOperator('*', 2)) {
    cursor.at += 3
    return { kind: 'star', qualifier: token.value }
  }
  const start = cursor.at
  const value = parseExpression(cursor)
  return { kind: 'value', value, text: cursor.textOf(start, cursor.at), alias: alias(cursor) }
}

function source(cursor: Cursor): Source {
  const what = sourceItself(cursor)
  const name = alias(cursor)
  const named = name !== null && cursor.isOperator('(')
  return { what, alias: name, columns: named ? cursor.listInParentheses(() => cursor.identifier()) : null }
}

function sourceItself(cursor: Cursor): Source['what'] {
  if (cursor.isOperator('(')) return { kind: 'query', query: queryInParentheses(cursor) }
  if (cursor.isWord('TABLE') && cursor.isOperator('(', 1)) {
    cursor.at += 2
    const name = cursor.name()
    cursor.expectOperator('(')
    const args = cursor.isOperator(')') ? [] : cursor.list(() => tableArgument(cursor))
    cursor.expectOperator(')')
    cursor.expectOperator(')')
    return { kind: 'function', name, args }
  }
  const token = cursor.peek()
  if (token?.kind === 'word' && !mayBeAlias(token.value)) throw cursor.refuse()
  return { kind: 'name', name: cursor.name() }
}

function tableArgument(cursor: Cursor) {
  const named = cursor.peek()?.kind === 'word' && cursor.isOperator('=>', 1)
  const name = named ? cursor.identifier() : null
  if (named) cursor.expectOperator('=>')
  return { name, value: parseExpression(cursor) }
}

function joinKind(cursor: Cursor): Join['kind'] | null {
  if (cursor.acceptOperator(',')) return 'CROSS'
  for (const kind of ['CROSS', 'INNER', 'LEFT', 'RIGHT', 'FULL'] as const) {
    if (!cursor.accept(kind)) continue
    if (kind !== 'CROSS' && kind !== 'INNER') cursor.accept('OUTER')
    cursor.expect('JOIN')
    return kind
  }
  return cursor.accept('JOIN') ? 'INNER' : null
}

function joins(cursor: Cursor): readonly Join[] {
  const found: Join[] = []
  for (;;) {
    const kind = joinKind(cursor)
    if (kind === null) return found
    const joined = source(cursor)
    if (kind !== 'CROSS') cursor.expect('ON')
    found.push({ kind, source: joined, on: kind === 'CROSS' ? null : parseExpression(cursor) })
  }
}
