import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalJson } from '../../src/local/exact-json.ts'

test('member order, white space and spelling do not count', () => {
  assert.equal(canonicalJson('{"b":1.10,"a":"\\u0041"}'), canonicalJson('{ "a": "A", "b": 1.1 }'))
})

test('every digit of a number of up to 38 digits counts', () => {
  assert.notEqual(canonicalJson('9007199254740993'), canonicalJson('9007199254740992'))
  const long = '1234567890123456789012345678901234.5678'
  assert.notEqual(canonicalJson(long), canonicalJson(long.replace(/8$/, '7')))
})

test('a number with an exponent is a double', () => {
  assert.equal(canonicalJson('1.000000000000000e+02'), canonicalJson('1e2'))
})

test('a string is never equal to a number, nor null to a missing member', () => {
  assert.notEqual(canonicalJson('"1"'), canonicalJson('1'))
  assert.notEqual(canonicalJson('"n1"'), canonicalJson('1'))
  assert.notEqual(canonicalJson('{"a":null}'), canonicalJson('{}'))
})
