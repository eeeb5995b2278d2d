import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flywayOrder, flywayProblems, orderProblems, templateProblems } from './names.ts'

const landing = {
  name: 'R__T__10_landing.sql',
  text: 'CREATE TABLE IF NOT EXISTS CDC.FIRN.T_LANDING (\n  id VARCHAR\n);',
}
const stream = {
  name: 'R__T__20_stream__S_T.sql',
  text: 'CREATE STREAM IF NOT EXISTS CDC.FIRN.S ON TABLE CDC.FIRN.T_LANDING\n  APPEND_ONLY = TRUE;',
}
const pipe = {
  name: 'R__T__70_pipe.sql',
  text: 'CREATE PIPE IF NOT EXISTS P\nAS\nCOPY INTO CDC.FIRN.T_LANDING (\n  id\n)',
}
const files = [landing, stream, pipe]

test('a name that Flyway would not read is told, and one that it takes for another', () => {
  assert.deepEqual(flywayProblems(['V000__a.sql', 'V001__b.sql', 'R__a.sql', '0_account.sql']), [])
  for (const name of ['V__a.sql', 'Vx__a.sql', 'V1_a.sql', 'R_a.sql', 'R1__a.sql', 'x.sql', 'R__a.b.sql']) {
    assert.deepEqual(flywayProblems([name]), [`${name} is no name that Flyway reads`])
  }
  assert.deepEqual(flywayProblems(['V001__a.sql', 'V1__b.sql']), ['V1__b.sql is to Flyway what V001__a.sql is'])
  assert.equal(flywayProblems(['R__a_b.sql', 'R__a b.sql']).length, 1)
})

test('Flyway applies versions by their numbers, then the repeatable ones by their names', () => {
  const names = ['R__b__10_x.sql', 'V10__d.sql', 'V9__c.sql', 'R__000_a.sql', 'V2.1__b.sql', 'V2__a.sql']
  const order = ['V2__a.sql', 'V2.1__b.sql', 'V9__c.sql', 'V10__d.sql', 'R__000_a.sql', 'R__b__10_x.sql']
  assert.deepEqual(flywayOrder(names), order)
})

test('a pipe before a stream of its landing table is told, and one before the table', () => {
  const of = (...order: readonly { readonly name: string }[]) =>
    orderProblems(
      order.map(({ name }) => name),
      files,
    )
  assert.deepEqual(of(landing, stream, pipe), [])
  assert.deepEqual(of(landing, pipe, stream), ['R__T__70_pipe.sql comes before the stream of R__T__20_stream__S_T.sql'])
  assert.deepEqual(of(stream, pipe, landing), ['R__T__70_pipe.sql comes before its landing table'])
  assert.deepEqual(of(landing, stream), ['there is no pipe among them'])
})

test('what a tool would take for a placeholder of its own is told', () => {
  for (const text of ['{{ x }}', '{% if x %}', '{# x #}', '${x}']) {
    assert.equal(templateProblems([{ name: 'x.sql', text: `SELECT '${text}'` }]).length, 1, text)
  }
  assert.deepEqual(templateProblems(files), [])
})
