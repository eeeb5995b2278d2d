import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSource } from '../../src/local/workload.ts'

test('one seed gives the same messages again, and another one others', () => {
  const play = (seed: number): string[] => {
    const source = openSource({ table: 'customers', keys: 10, seed })
    return Array.from({ length: 200 }, () => source.next().value)
  }
  assert.deepEqual(play(1), play(1))
  assert.notDeepEqual(play(1), play(2))
})

for (const table of ['customers', 'orders'] as const) {
  test(`${table}: each message continues the row where the one before left it, and rows() is what is left`, () => {
    const source = openSource({ table, keys: 20, seed: 7 })
    const rows = new Map<string, { readonly after: string; readonly value: string }>()
    const seen = new Set<string>()
    for (let played = 0; played < 2000; played += 1) {
      const { key, value } = source.next()
      const { operation, before, after } = JSON.parse(value) as { operation: string; before: unknown; after: unknown }
      assert.equal(before === null ? undefined : JSON.stringify(before), rows.get(key)?.after)
      seen.add(operation)
      if (after === null) rows.delete(key)
      else rows.set(key, { after: JSON.stringify(after), value })
    }
    assert.deepEqual([...seen].sort(), ['DELETE', 'INSERT', 'UPDATE'])
    assert.deepEqual(source.rows(), new Map([...rows].map(([key, row]) => [key, row.value])))
  })
}

test('a change that the table cannot make is refused', () => {
  const source = openSource({ table: 'orders', keys: 1, seed: 1 })
  assert.throws(() => source.change('DELETE', 1), /not there/)
  source.change('INSERT', 1)
  assert.throws(() => source.change('INSERT', 1), /already there/)
})
