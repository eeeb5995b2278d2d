import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Failure } from '../../src/failure.ts'
import { splitStatements } from '../../src/warehouse/statements.ts'

test('a semicolon ends a statement, except in quotes, comments and $$', () => {
  const script = `-- head; of it
CREATE TABLE a (b VARCHAR COMMENT 'x;''y\\';', "c;""d" INT); -- after;
/* ; */ SELECT 1 -- inside; it
, 2 // and; here
;
EXECUTE IMMEDIATE $$
BEGIN; COMMIT; -- 'never closed here
$$;;
SELECT $1:a::VARCHAR`
  assert.deepEqual(splitStatements(script, 'x.sql'), [
    `CREATE TABLE a (b VARCHAR COMMENT 'x;''y\\';', "c;""d" INT)`,
    'SELECT 1 -- inside; it\n, 2 // and; here',
    "EXECUTE IMMEDIATE $$\nBEGIN; COMMIT; -- 'never closed here\n$$",
    'SELECT $1:a::VARCHAR',
  ])
})

test('what is never closed is named with its line', () => {
  for (const open of ["'abc", '"abc', '$$ abc', '/* abc']) {
    assert.throws(
      () => splitStatements(`SELECT 1;\nSELECT ${open}; SELECT 2`, 'x.sql'),
      (error: Failure) =>
        error.code === 'SCRIPT_INVALID' && error.message.startsWith('x.sql: ') && error.message.includes(' in line 2 '),
    )
  }
})

test('statements that are joined come apart again', () => {
  const piece = fc.constantFrom(
    "'a;b'",
    "'it''s'",
    '"q;"',
    '$$ ; $$',
    'WORD',
    ' ',
    '\n',
    '-',
    '/',
    '$1',
    '(',
    '1.5',
    '/* ; */',
  )
  const statement = fc
    .array(piece, { minLength: 1 })
    .map((pieces) => `S ${pieces.join(' ')} E`)
    .filter((text) => !/--|\/\//.test(text))
  fc.assert(
    fc.property(fc.array(statement), (statements) => {
      assert.deepEqual(splitStatements(statements.map((one) => `${one};\n`).join(''), 'x.sql'), statements)
    }),
  )
})
