/**
 * Scripting blocks, transactions, and where one statement of a text ends.
 */
import { Cursor } from './cursor.ts'
import { tokenize } from './lexer.ts'
import { parseStatementAt } from './parse-statement.ts'
import type { Block, Statement, Token } from './statement.ts'

/** BEGIN starts a transaction where TRANSACTION, WORK or the end follows, else a block. */
function isTransactionStart(next: Token | undefined): boolean {
  if (next === undefined || next.text === ';') return true
  return next.kind === 'word' && (next.value === 'TRANSACTION' || next.value === 'WORK')
}

export function parseTransaction(cursor: Cursor): Statement | null {
  if (cursor.accept('START', 'TRANSACTION')) return { kind: 'begin' }
  if (cursor.isWord('BEGIN') && isTransactionStart(cursor.peek(1))) {
    cursor.at += 1
    if (!cursor.accept('TRANSACTION')) cursor.accept('WORK')
    return { kind: 'begin' }
  }
  for (const kind of ['commit', 'rollback'] as const) {
    if (!cursor.accept(kind.toUpperCase())) continue
    cursor.accept('WORK')
    return { kind }
  }
  return null
}

export function parseBlock(cursor: Cursor): Block {
  return cursor.nested(() => {
    cursor.expect('BEGIN')
    const statements: Statement[] = []
    while (!cursor.isWord('END') && !cursor.isWord('EXCEPTION')) {
      statements.push(parseStatementAt(cursor))
      cursor.expectOperator(';')
    }
    if (statements.length === 0) throw cursor.refuse()
    const caught = cursor.accept('EXCEPTION') ? handler(cursor) : null
    cursor.expect('END')
    return { kind: 'block', statements, handler: caught }
  })
}

function handler(cursor: Cursor): NonNullable<Block['handler']> {
  cursor.expect('WHEN', 'OTHER', 'THEN')
  const statements: (Statement | { readonly kind: 'raise' })[] = []
  while (!cursor.isWord('END')) {
    statements.push(cursor.accept('RAISE') ? { kind: 'raise' } : parseStatementAt(cursor))
    cursor.expectOperator(';')
  }
  if (statements.length === 0) throw cursor.refuse()
  return statements
}

/** The block of EXECUTE IMMEDIATE stands in a string of its own. */
export function parseImmediate(cursor: Cursor): Statement {
  const inner = Cursor.of(cursor.string())
  const block = parseBlock(inner)
  inner.finish()
  return { kind: 'execute immediate', block }
}

/** The statements of a text, without their semicolons; those inside a block belong to it. */
export function splitStatements(sql: string): readonly string[] {
  const tokens = tokenize(sql)
  const statements: string[] = []
  let first: number | null = null
  let depth = 0
  for (const [i, token] of tokens.entries()) {
    first ??= i
    if (token.kind === 'operator' && token.text === ';' && depth === 0) {
      if (first < i) statements.push(sql.slice(tokens[first]?.start, tokens[i - 1]?.end))
      first = null
      continue
    }
    if (token.kind !== 'word') continue
    const opens = i === first || (tokens[i - 1]?.kind === 'word' && tokens[i - 1]?.value === 'AS') || depth > 0
    if (token.value === 'BEGIN' && opens && !isTransactionStart(tokens[i + 1])) depth += 1
    else if (token.value === 'CASE' && depth > 0) depth += 1
    else if (token.value === 'END' && depth > 0) depth -= 1
  }
  if (first !== null) statements.push(sql.slice(tokens[first]?.start, tokens.at(-1)?.end))
  return statements
}
