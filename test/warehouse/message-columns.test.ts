import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { headersText } from '../../src/ingest/message-text.ts'
import { headersOf, keyOf, rawOf, rejectionOf } from '../../src/warehouse/message-columns.ts'

const bytes = fc
  .oneof(
    fc.uint8Array(),
    fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
    fc.constant('\ufeffbom'),
  )
  .map((value) => Buffer.from(value))

test('any headers come back from the column as they were received', () => {
  const headers = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.option(bytes)))
  fc.assert(
    fc.property(headers, (list) => {
      assert.deepEqual(headersOf(headersText(list)), list)
    }),
  )
})

test('a message without headers has none, and neither has a column that says so', () => {
  assert.deepEqual(headersOf(null), [])
  assert.deepEqual(headersOf('[]'), [])
})

test('a text that Firn does not write is told, and not guessed at', () => {
  for (const text of ['', '{}', '[1]', '[["a"]]', '[["a",1]]', '[[1,"a"]]', '[["a",{"base64":1}]]', '[["a",{}]]']) {
    assert.throws(() => headersOf(text), { code: 'UNKNOWN' }, text)
  }
})

test('a key is the bytes of its text, a value those of its base64, and none is none', () => {
  assert.deepEqual([keyOf(null), rawOf(null)], [null, null])
  assert.deepEqual([keyOf('ключ'), keyOf('')], [Buffer.from('ключ'), Buffer.alloc(0)])
  fc.assert(
    fc.property(bytes, (value) => {
      assert.deepEqual(rawOf(value.toString('base64')), value)
    }),
  )
})

test('an error is a code and a reason', () => {
  assert.deepEqual(rejectionOf('NOT_JSON: line 1: no'), { code: 'NOT_JSON', reason: 'line 1: no' })
  assert.deepEqual(rejectionOf('NOT_JSON: two\nlines'), { code: 'NOT_JSON', reason: 'two\nlines' })
  assert.deepEqual(rejectionOf('by hand'), { code: 'UNKNOWN', reason: 'by hand' })
  assert.deepEqual(rejectionOf(null), { code: 'UNKNOWN', reason: '' })
})
