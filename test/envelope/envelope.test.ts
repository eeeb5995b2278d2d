/**
 * Decoding, by folder: each case in fixtures/envelopes is a message, a table's settings, perhaps a key, and what must come
 * of them. A defect becomes a case before it becomes a fix.
 */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type Message, positionOf } from '../../src/change.ts'
import type { TableConfig } from '../../src/config.ts'
import { type Decoded, decode } from '../../src/envelope/envelope.ts'
import { exampleTable } from '../support/config.ts'

const folder = new URL('../fixtures/envelopes/', import.meta.url)
const base = exampleTable({ topic: 'shop.customers', table: 'SHOP.CUSTOMERS' })

const message = (value: Buffer | string | null, rest: Partial<Message> = {}): Message => ({
  topic: 'shop.customers',
  partition: 3,
  offset: 42n,
  timestamp: 1_700_000_000_123n,
  key: null,
  value: value === null ? null : Buffer.from(value),
  headers: [],
  ...rest,
})

/** As expected.json writes it: text members as text, what the plain dialect never tells left out. */
function readable(decoded: Decoded): unknown {
  if (decoded.kind !== 'changes') return decoded
  const changes = decoded.changes.map(({ rowIndex, op, id, position, before, after, meta }) => {
    const [b, a, m] = [before, after, meta].map((bytes) => bytes?.toString() ?? null)
    return { rowIndex, op, id, position: positionOf(position), before: b, after: a, meta: m }
  })
  return { kind: 'changes', changes }
}

describe('the plain dialect', () => {
  for (const name of readdirSync(folder)) {
    test(name.replaceAll('-', ' '), () => {
      const files = readdirSync(new URL(`${name}/`, folder))
      const file = (path: string): Buffer => readFileSync(new URL(`${name}/${path}`, folder))
      const value = file(files.includes('message.bin') ? 'message.bin' : 'message.json')
      const key = files.includes('key') ? file('key') : null
      const table = { ...base, ...(JSON.parse(file('table.json').toString()) as Partial<TableConfig>) }
      const expected: unknown = JSON.parse(file('expected.json').toString())
      assert.deepEqual(readable(decode(message(value, { key }), table)), expected)
    })
  }
})

test('a message without a value is a tombstone', () => {
  assert.deepEqual(decode(message(null), base), { kind: 'tombstone' })
})

test('a message without a timestamp cannot be ordered by it', () => {
  const decoded = decode(message('{"operation":"INSERT","after":{"id":1}}', { timestamp: -1n }), {
    ...base,
    order: 'kafka-timestamp',
  })
  assert.deepEqual(decoded, { kind: 'reject', code: 'ORDER_INVALID', reason: 'the message has no timestamp' })
})

test('nesting 100,000 levels deep is sliced like anything else', () => {
  const deep = `${'[{"a":'.repeat(50_000)}null${'}]'.repeat(50_000)}`
  const decoded = decode(message(`{"operation":"INSERT","x":${deep},"after":{"id":1,"deep":${deep}}}`), base)
  assert.equal(decoded.kind, 'changes')
  assert.equal(decoded.changes[0]?.after?.toString(), `{"id":1,"deep":${deep}}`)
  assert.equal(decoded.changes[0].meta?.toString(), `{"x":${deep}}`)
})

test('nesting that is never closed is a reject at any depth', () => {
  const decoded = decode(message(`{"operation":"INSERT","after":{"id":${'['.repeat(100_000)}`), base)
  assert.equal(decoded.kind === 'reject' && decoded.code, 'NOT_JSON')
})

test('the slices are views of the message: nothing is copied', () => {
  const given = message('{"operation":"INSERT","after":{"id":1}}')
  const decoded = decode(given, base)
  assert.equal(decoded.kind, 'changes')
  assert.equal(decoded.changes[0]?.after?.buffer, given.value?.buffer)
})
