/**
 * One statement's text to its node. The set is closed: a statement or clause outside it is refused by name and position.
 */
import { Cursor } from './cursor.ts'
import { parseCopy } from './parse-copy.ts'
import { parseCreate } from './parse-create.ts'
import { isDml, parseDml } from './parse-dml.ts'
import { parseGrant, parseRevoke } from './parse-grant.ts'
import { parseQuery } from './parse-query.ts'
import { parseBlock, parseImmediate, parseTransaction } from './parse-script.ts'
import { parseAlter, parseComment, parseDescribe, parseDrop, parseShow, parseUse } from './parse-object.ts'
import { SqlError } from './statement.ts'
import type { Statement } from './statement.ts'

export { splitStatements } from './parse-script.ts'

/** @throws SqlError 001003 for what is outside the set, 000900 for an empty text, 000008 for more than one statement */
export function parseStatement(sql: string): Statement {
  const cursor = Cursor.of(sql)
  if (cursor.peek() === undefined) {
    throw new SqlError('000900', '42601', 'SQL compilation error:\nEmpty SQL statement.')
  }
  const statement = parseStatementAt(cursor)
  if (cursor.acceptOperator(';') && cursor.peek() !== undefined) {
    throw new SqlError(
      '000008',
      '0A000',
      'Actual statement count 2 or more did not match the desired statement count 1.',
    )
  }
  cursor.finish()
  return statement
}

/** The statement at the cursor, without a semicolon. */
export function parseStatementAt(cursor: Cursor): Statement {
  const transaction = parseTransaction(cursor)
  if (transaction !== null) return transaction
  if (isDml(cursor)) return parseDml(cursor)
  if (cursor.isWord('COPY')) return parseCopy(cursor)
  if (cursor.isWord('SELECT') || cursor.isWord('WITH') || cursor.isOperator('(')) {
    return { kind: 'select', query: cursor.fragment(() => parseQuery(cursor)) }
  }
  if (cursor.isWord('BEGIN')) return parseBlock(cursor)
  if (cursor.isWord('CREATE')) return parseCreate(cursor)
  if (cursor.accept('EXECUTE', 'IMMEDIATE')) return parseImmediate(cursor)
  if (cursor.accept('EXECUTE', 'TASK')) return { kind: 'execute task', name: cursor.name() }
  if (cursor.accept('ALTER')) return parseAlter(cursor)
  if (cursor.accept('COMMENT')) return parseComment(cursor)
  if (cursor.accept('USE')) return parseUse(cursor)
  if (cursor.accept('DROP')) return parseDrop(cursor)
  if (cursor.accept('GRANT')) return parseGrant(cursor)
  if (cursor.accept('REVOKE')) return parseRevoke(cursor)
  if (cursor.accept('SHOW')) return parseShow(cursor)
  if (cursor.accept('DESCRIBE') || cursor.accept('DESC')) return parseDescribe(cursor)
  throw cursor.refuse()
}
