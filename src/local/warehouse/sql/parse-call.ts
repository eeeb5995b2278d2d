/**
 * Function calls: arguments, DISTINCT, WITHIN GROUP, IGNORE NULLS and OVER. Which functions there are is not decided here.
 */
import type { Cursor } from './cursor.ts'
import type { Call, Expression, Order, Window } from './expression.ts'
import { parseExpression } from './parse-expression.ts'
import type { Token } from './statement.ts'

/** Snowflake lets these stand without parentheses. */
const bare = new Set(['CURRENT_TIMESTAMP', 'CURRENT_DATE', 'CURRENT_USER', 'LOCALTIMESTAMP'])

export function isCallWithoutParentheses(token: Token): boolean {
  return bare.has(token.value)
}

export function parseOrder(cursor: Cursor): Order {
  const expression = parseExpression(cursor)
  const descending = cursor.accept('DESC')
  if (!descending) cursor.accept('ASC')
  const nulls = cursor.accept('NULLS', 'FIRST') ? 'first' : cursor.accept('NULLS', 'LAST') ? 'last' : null
  return { expression, descending, nulls }
}

function frameEnd(cursor: Cursor): string {
  if (cursor.accept('CURRENT', 'ROW')) return 'CURRENT ROW'
  const amount = cursor.accept('UNBOUNDED') ? 'UNBOUNDED' : String(cursor.integer())
  const side = cursor.isWord('PRECEDING') || cursor.isWord('FOLLOWING') ? cursor.next().value : null
  if (side === null) throw cursor.refuse()
  return `${amount} ${side}`
}

function frame(cursor: Cursor): string | null {
  const unit = cursor.isWord('ROWS') || cursor.isWord('RANGE') ? cursor.next().value : null
  if (unit === null) return null
  cursor.expect('BETWEEN')
  const low = frameEnd(cursor)
  cursor.expect('AND')
  return `${unit} BETWEEN ${low} AND ${frameEnd(cursor)}`
}

function window(cursor: Cursor): Window {
  cursor.expectOperator('(')
  const partitionBy = cursor.accept('PARTITION', 'BY') ? cursor.list(() => parseExpression(cursor)) : []
  const orderBy = cursor.accept('ORDER', 'BY') ? cursor.list(() => parseOrder(cursor)) : []
  const result = { partitionBy, orderBy, frame: frame(cursor) }
  cursor.expectOperator(')')
  return result
}

function within(cursor: Cursor): readonly Order[] | null {
  if (!cursor.accept('WITHIN', 'GROUP')) return null
  cursor.expectOperator('(')
  cursor.expect('ORDER', 'BY')
  const orders = cursor.list(() => parseOrder(cursor))
  cursor.expectOperator(')')
  return orders
}

type Arguments = Pick<Call, 'star' | 'distinct' | 'args'>

function callArguments(cursor: Cursor): Arguments {
  const none: readonly Expression[] = []
  if (!cursor.acceptOperator('(')) return { star: false, distinct: false, args: none }
  if (cursor.acceptOperator(')')) return { star: false, distinct: false, args: none }
  const star = cursor.acceptOperator('*')
  const distinct = !star && cursor.accept('DISTINCT')
  const args = star ? none : cursor.list(() => parseExpression(cursor))
  cursor.expectOperator(')')
  return { star, distinct, args }
}

export function parseCall(cursor: Cursor): Call {
  const name = cursor.identifier()
  const given = callArguments(cursor)
  const ordered = within(cursor)
  const ignoreNulls = cursor.accept('IGNORE', 'NULLS')
  const over = cursor.accept('OVER') ? window(cursor) : null
  return { kind: 'call', name, ...given, within: ordered, ignoreNulls, over }
}
