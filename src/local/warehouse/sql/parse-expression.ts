/**
 * Expressions, by precedence: OR, AND, NOT, comparison, sum, product, sign, cast and path. Calls are read by parse-call.ts.
 */
import type { Cursor } from './cursor.ts'
import type { BinaryOperator, Expression } from './expression.ts'
import { isCallWithoutParentheses, parseCall } from './parse-call.ts'
import { parseQuery } from './parse-query.ts'
import { parseType } from './parse-type.ts'

type Parse = (cursor: Cursor) => Expression

export const parseExpression: Parse = (cursor) => cursor.nested(() => either(cursor))

function binaryChain(cursor: Cursor, operators: readonly BinaryOperator[], operand: Parse): Expression {
  let left = operand(cursor)
  for (;;) {
    const operator = operators.find((text) => cursor.isOperator(text) || cursor.isWord(text))
    if (operator === undefined) return left
    cursor.at += 1
    left = { kind: 'binary', operator, left, right: operand(cursor) }
  }
}

const either: Parse = (cursor) => binaryChain(cursor, ['OR'], both)
const both: Parse = (cursor) => binaryChain(cursor, ['AND'], negation)
const sum: Parse = (cursor) => binaryChain(cursor, ['+', '-', '||'], product)
const product: Parse = (cursor) => binaryChain(cursor, ['*', '/', '%'], signed)

const negation: Parse = (cursor) =>
  cursor.accept('NOT') ? { kind: 'not', operand: cursor.nested(() => negation(cursor)) } : comparison(cursor)

const comparisons: Readonly<Record<string, BinaryOperator>> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<=': '<=',
  '>=': '>=',
  '<': '<',
  '>': '>',
}

function comparison(cursor: Cursor): Expression {
  let left = sum(cursor)
  for (;;) {
    const token = cursor.peek()
    const operator = token?.kind === 'operator' ? comparisons[token.text] : undefined
    if (operator !== undefined) {
      cursor.at += 1
      left = { kind: 'binary', operator, left, right: sum(cursor) }
      continue
    }
    const found = predicate(cursor, left)
    if (found === null) return left
    left = found
  }
}

function predicate(cursor: Cursor, operand: Expression): Expression | null {
  if (cursor.accept('IS')) {
    const negated = cursor.accept('NOT')
    if (cursor.accept('DISTINCT', 'FROM')) return { kind: 'is distinct', left: operand, right: sum(cursor), negated }
    cursor.expect('NULL')
    return { kind: 'is null', operand, negated }
  }
  const negated =
    (cursor.isWord('NOT', 'IN') ||
      cursor.isWord('NOT', 'LIKE') ||
      cursor.isWord('NOT', 'ILIKE') ||
      cursor.isWord('NOT', 'BETWEEN')) &&
    cursor.accept('NOT')
  if (cursor.accept('BETWEEN')) {
    const low = sum(cursor)
    cursor.expect('AND')
    return { kind: 'between', operand, low, high: sum(cursor), negated }
  }
  if (cursor.accept('IN')) return membership(cursor, operand, negated)
  const ignoreCase = cursor.isWord('ILIKE')
  if (!ignoreCase && !cursor.isWord('LIKE')) return null
  cursor.at += 1
  const pattern = sum(cursor)
  const escape = cursor.accept('ESCAPE') ? sum(cursor) : null
  return { kind: 'like', operand, pattern, escape, ignoreCase, negated }
}

function startsQuery(cursor: Cursor): boolean {
  return cursor.isWord('SELECT') || cursor.isWord('WITH')
}

function membership(cursor: Cursor, operand: Expression, negated: boolean): Expression {
  cursor.expectOperator('(')
  const among = startsQuery(cursor) ? parseQuery(cursor) : cursor.list(() => parseExpression(cursor))
  cursor.expectOperator(')')
  return { kind: 'in', operand, among, negated }
}

function signed(cursor: Cursor): Expression {
  if (cursor.acceptOperator('-')) return { kind: 'minus', operand: cursor.nested(() => signed(cursor)) }
  if (cursor.acceptOperator('+')) return cursor.nested(() => signed(cursor))
  return postfix(cursor)
}

function postfix(cursor: Cursor): Expression {
  let operand = primary(cursor)
  for (;;) {
    if (cursor.acceptOperator('::')) operand = { kind: 'cast', operand, type: parseType(cursor), attempt: false }
    else if (cursor.isOperator(':') || cursor.isOperator('[')) operand = path(cursor, operand)
    else return operand
  }
}

/** `:after:id`, `:after.id`, `['after'][0]`: member names are case-sensitive, so bare ones count as written. */
function path(cursor: Cursor, operand: Expression): Expression {
  const steps: (string | number)[] = []
  for (;;) {
    if (cursor.acceptOperator('[')) {
      const token = cursor.next()
      if (token.kind !== 'string' && !(token.kind === 'number' && /^\d+$/.test(token.text))) throw cursor.refuse(token)
      steps.push(token.kind === 'string' ? token.value : Number(token.text))
      cursor.expectOperator(']')
    } else if (cursor.isOperator(':') || (steps.length > 0 && cursor.isOperator('.'))) {
      cursor.at += 1
      const token = cursor.peek()
      cursor.identifier()
      steps.push(token?.kind === 'word' ? token.text : (token?.value ?? ''))
    } else return { kind: 'path', operand, steps }
  }
}

function parenthesised(cursor: Cursor): Expression {
  cursor.expectOperator('(')
  const inner: Expression = startsQuery(cursor)
    ? { kind: 'subquery', query: parseQuery(cursor) }
    : parseExpression(cursor)
  cursor.expectOperator(')')
  return inner
}

function caseOf(cursor: Cursor): Expression {
  const operand = cursor.isWord('WHEN') ? null : parseExpression(cursor)
  const branches: { when: Expression; then: Expression }[] = []
  while (cursor.accept('WHEN')) {
    const when = parseExpression(cursor)
    cursor.expect('THEN')
    branches.push({ when, then: parseExpression(cursor) })
  }
  if (branches.length === 0) throw cursor.refuse()
  const otherwise = cursor.accept('ELSE') ? parseExpression(cursor) : null
  cursor.expect('END')
  return { kind: 'case', operand, branches, otherwise }
}

function castOf(cursor: Cursor, attempt: boolean): Expression {
  cursor.expectOperator('(')
  const operand = parseExpression(cursor)
  cursor.expect('AS')
  const type = parseType(cursor)
  cursor.expectOperator(')')
  return { kind: 'cast', operand, type, attempt }
}

function keyword(cursor: Cursor): Expression | null {
  if (cursor.accept('NULL')) return { kind: 'null' }
  if (cursor.accept('TRUE')) return { kind: 'boolean', value: true }
  if (cursor.accept('FALSE')) return { kind: 'boolean', value: false }
  if (cursor.accept('CASE')) return caseOf(cursor)
  if (cursor.isWord('CAST') || cursor.isWord('TRY_CAST')) return castOf(cursor, cursor.next().value === 'TRY_CAST')
  if (cursor.isWord('EXISTS') && cursor.isOperator('(', 1)) {
    cursor.at += 2
    const query = parseQuery(cursor)
    cursor.expectOperator(')')
    return { kind: 'exists', query }
  }
  return null
}

function primary(cursor: Cursor): Expression {
  const token = cursor.peek()
  if (token === undefined) throw cursor.refuse()
  if (cursor.isOperator('(')) return cursor.nested(() => parenthesised(cursor))
  if (token.kind === 'string' || token.kind === 'number') {
    cursor.at += 1
    return { kind: token.kind, value: token.value }
  }
  if (token.kind === 'positional' || token.kind === 'bind') {
    cursor.at += 1
    return { kind: token.kind, name: token.value }
  }
  const special = keyword(cursor)
  if (special !== null) return special
  if (token.kind === 'word' && (cursor.isOperator('(', 1) || isCallWithoutParentheses(token))) {
    return cursor.nested(() => parseCall(cursor))
  }
  return { kind: 'column', parts: cursor.name(4) }
}
