import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tokenize } from '../../../../src/local/warehouse/sql/lexer.ts'
import { SqlError } from '../../../../src/local/warehouse/sql/statement.ts'

const texts = (sql: string) => tokenize(sql).map((token) => token.text)
const values = (sql: string) => tokenize(sql).map((token) => [token.kind, token.value])

test('comments in all three forms are no tokens', () => {
  assert.deepEqual(texts('a -- b\n// c\n/* d\n e */ f /**/'), ['a', 'f'])
})

test('bare words are upper case, quoted names stay as written', () => {
  assert.deepEqual(values('shop "Mixed ""x"""'), [
    ['word', 'SHOP'],
    ['quoted', 'Mixed "x"'],
  ])
})

test('a string knows doubled quotes and backslash escapes', () => {
  const sql = String.raw`'it''s' 'a\'b' '\n\t\\' '\x41\u00e9\101' '\q'`
  assert.deepEqual(
    tokenize(sql).map((token) => token.value),
    ["it's", "a'b", '\n\t\\', 'AéA', 'q'],
  )
})

test('a $$ string is taken as it is', () => {
  assert.deepEqual(values("$$ it's \\n -- no comment $$"), [['string', " it's \\n -- no comment "]])
})

test('words may hold a dollar sign, and a dollar with digits is a column of the stage', () => {
  assert.deepEqual(values('METADATA$FILENAME $1'), [
    ['word', 'METADATA$FILENAME'],
    ['positional', '1'],
  ])
})

test('a colon after an operand begins a path, any other one a bind; question marks are counted', () => {
  assert.deepEqual(texts("data:after['x']:id"), ['data', ':', 'after', '[', "'x'", ']', ':', 'id'])
  assert.deepEqual(texts('$1:topic::VARCHAR'), ['$1', ':', 'topic', '::', 'VARCHAR'])
  assert.deepEqual(values('= :1 (:name ? ?').slice(1), [
    ['bind', '1'],
    ['operator', '('],
    ['bind', 'NAME'],
    ['bind', '1'],
    ['bind', '2'],
  ])
})

test('a stage with its path is one token, also where the path holds what would be a comment', () => {
  assert.deepEqual(texts('FROM @CDC."My stage".S/shop--x//y.z/)'), ['FROM', '@CDC."My stage".S/shop--x//y.z/', ')'])
})

test('operators of two characters are one token', () => {
  assert.deepEqual(texts('a::b=>c<>d!=e||f<=g>=h'), 'a :: b => c <> d != e || f <= g >= h'.split(' '))
})

test('numbers have a point or an exponent', () => {
  assert.deepEqual(texts('1 1.5 .5 1e-3 12.50'), ['1', '1.5', '.5', '1e-3', '12.50'])
})

test('positions point into the text', () => {
  const sql = 'SELECT  "a"'
  assert.deepEqual(
    tokenize(sql).map((token) => sql.slice(token.start, token.end)),
    ['SELECT', '"a"'],
  )
})

for (const [what, sql, place] of [
  ['a string', "SELECT\n 'abc", 'line 2 at position 1'],
  ['a quoted name', 'SELECT "abc', 'line 1 at position 7'],
  ['a $$ string', 'x $$ abc', 'line 1 at position 2'],
  ['a comment', 'x /* abc', 'line 1 at position 2'],
] as const) {
  test(`${what} without an end is refused with its place`, () => {
    assert.throws(
      () => tokenize(sql),
      (error) => {
        assert(error instanceof SqlError)
        assert.equal(error.code, '001003')
        assert(error.message.includes(place) && error.message.includes(what), error.message)
        return true
      },
    )
  })
}

test('a character that is no SQL is refused', () => {
  assert.throws(() => tokenize('SELECT ^'), { code: '001003', sqlState: '42000' })
})
