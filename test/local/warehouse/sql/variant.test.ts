import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { arithmetic, normalNumber } from '../../../../src/local/warehouse/sql/number-text.ts'
import { arraySize, kindOf, normalise, NotJson, valueAt } from '../../../../src/local/warehouse/sql/variant.ts'
import { variantFunctions } from '../../../../src/local/warehouse/sql/variant-functions.ts'

const call = (name: string, ...args: (string | null)[]) => {
  const found = variantFunctions.find((one) => one.name === name)
  assert(found, name)
  assert.equal(found.parameterCount, args.length)
  return found.run(...args)
}

describe('numbers', () => {
  for (const [written, kept] of [
    ['12345678901234567890123456789012345678', '12345678901234567890123456789012345678'],
    ['-1234567890123456789012345678.9012345678', '-1234567890123456789012345678.9012345678'],
    ['0.1234567890123456789012345678901234567', '0.1234567890123456789012345678901234567'],
    ['9007199254740993', '9007199254740993'],
    ['1.50', '1.5'],
    ['1.00', '1'],
    ['-0', '0'],
    ['-0.0', '0'],
    ['-0.5', '-0.5'],
    ['100', '100'],
  ] as const) {
    test(`${written} is exact`, () => {
      assert.equal(normalNumber(written), kept)
    })
  }

  for (const [written, kept] of [
    ['1e2', '1.000000000000000e+02'],
    ['1.2345E+02', '1.234500000000000e+02'],
    ['5e-324', '4.940656458412465e-324'],
    ['0e5', '0.000000000000000e+00'],
    ['0.1e0', '1.000000000000000e-01'],
    ['123456789012345678901234567890123456789', '1.2345678901234568e+38'],
    ['0.00000000000000000000000000000000000001', '1.000000000000000e-38'],
  ] as const) {
    test(`${written} becomes a double`, () => {
      assert.equal(normalNumber(written), kept)
      assert.equal(Number(normalNumber(written)), Number(written))
    })
  }

  test('a number beyond all doubles is refused', () => {
    assert.equal(normalNumber('1e309'), null)
    assert.throws(() => normalise('[1e309]', true), NotJson)
  })

  test('every double keeps its value', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = value.toExponential()
        assert(Number(normalNumber(text)) === value)
      }),
    )
  })

  test('products and quotients are exact and round half away from zero', () => {
    assert.equal(arithmetic('/', '1', '3', 6), '0.333333')
    assert.equal(arithmetic('/', '-2.5', '0.01', 2), '-250.00')
    assert.equal(arithmetic('*', '1.5', '-1.5', 1), '-2.3')
    assert.equal(arithmetic('*', '9999999999999999999', '3', 0), '29999999999999999997')
    assert.throws(() => arithmetic('/', '1', '0.0', 6), /100051/)
  })
})

describe('documents', () => {
  test('members are sorted by name, white space goes, the last of two members wins', () => {
    const text = ' { "b" : 1 , "a" : [ 1 , { } , [ ] ] , "b" : { "d" : null , "c" : true } } '
    assert.equal(normalise(text, true), '{"a":[1,{},[]],"b":{"c":true,"d":null}}')
  })

  test('without the parameter d a member that comes twice is refused, however it is escaped', () => {
    assert.throws(() => normalise('{"a":1,"a":2}', false), NotJson)
    assert.throws(() => normalise(String.raw`{"a":1,"\u0061":2}`, false), NotJson)
    assert.equal(normalise(String.raw`{"a":1,"\u0061":2}`, true), '{"a":2}')
  })

  test('names are ordered by their UTF-8 bytes', () => {
    assert.equal(normalise('{"\u{1f600}":1,"\ufb01":2,"z":3,"":4}', true), '{"":4,"z":3,"\ufb01":2,"\u{1f600}":1}')
  })

  test('strings keep their characters and only the escapes that they need', () => {
    assert.equal(normalise(String.raw`"\u00e9\ud83d\ude00\/\u000a\u0001\"\\"`, true), String.raw`"é😀/\n\u0001\"\\"`)
  })

  test('an empty document is NULL', () => {
    assert.equal(normalise('', true), null)
    assert.equal(normalise(' \n', true), null)
  })

  const notJson = [
    '{',
    '[1,]',
    '[1 2]',
    '{"a" 1}',
    '{a:1}',
    '{1:1}',
    '{"a":}',
    '[] []',
    '01',
    '+1',
    '1.',
    '.5',
    'NaN',
    'TRUE',
    'nul',
    "'a'",
    '"a',
    '"a\nb"',
    String.raw`"\x41"`,
    String.raw`"\ud800"`,
    String.raw`"\ude00\ud83d"`,
    ']',
    '[}',
  ]
  for (const text of notJson) {
    test(`${JSON.stringify(text)} is no JSON`, () => {
      assert.throws(() => normalise(text, true), NotJson)
    })
  }

  test('nesting of 100,000 levels is read', () => {
    const arrays = '['.repeat(100_000) + ']'.repeat(100_000)
    assert.equal(normalise(arrays, true), arrays)
    const objects = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
    assert.equal(normalise(objects, true), objects)
    assert.equal(valueAt(objects, ['"a"', '"a"'])?.length, objects.length - 12)
  })

  test('a string of ten million escapes is read', () => {
    const text = `"${'\\n'.repeat(10_000_000)}"`
    assert.equal(normalise(text, true), text)
  })

  const json = fc.jsonValue({ stringUnit: 'binary' })

  test('the value is the one that JSON.parse reads, and normal text stays as it is', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        const normal = normalise(text, true)
        assert(normal !== null)
        assert.deepEqual(JSON.parse(normal), JSON.parse(text))
        assert.equal(normalise(normal, false), normal)
      }),
    )
  })

  test('a path reads what the same path in JavaScript reads', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), json),
        fc.string({ unit: 'binary' }),
        json,
        (object, name, inner) => {
          const text = normalise(
            JSON.stringify(Object.fromEntries([...Object.entries(object), [name, [0, inner]]])),
            true,
          )
          assert(text !== null)
          const found = call('firn_variant_get', text, JSON.stringify([name, 1]))
          assert.equal(found, normalise(JSON.stringify(inner), true))
        },
      ),
    )
  })
})

describe('functions', () => {
  test('NULL in, NULL out', () => {
    for (const { name, parameterCount, run } of variantFunctions) {
      assert.equal(run(...Array.from({ length: parameterCount }, () => null)), null, name)
    }
  })

  test('PARSE_JSON names what is wrong, TRY_PARSE_JSON gives NULL', () => {
    assert.throws(() => call('firn_parse_json', '{bad}', 's'), /100069\/22P02.*Error parsing JSON/)
    assert.equal(call('firn_try_parse_json', '{bad}', 'd'), null)
    assert.equal(call('firn_try_parse_json', '{"a":1,"a":2}', 's'), null)
    assert.equal(call('firn_try_parse_json', '{"a":1,"a":2}', 'd'), '{"a":2}')
  })

  test('as text a string loses its quotes, JSON null is NULL, a double is short', () => {
    assert.equal(call('firn_variant_text', '"a\\nb"'), 'a\nb')
    assert.equal(call('firn_variant_text', 'null'), null)
    assert.equal(call('firn_variant_text', '1.500000000000000e+02'), '150')
    assert.equal(call('firn_variant_text', '{"a":1}'), '{"a":1}')
    assert.equal(call('firn_variant_text', '12345678901234567890.5'), '12345678901234567890.5')
  })

  test('an object is no number', () => {
    assert.throws(() => call('firn_variant_scalar', '{"a":1}', 'FIXED'), /100071/)
    assert.equal(call('firn_variant_scalar', 'true', 'FIXED'), '1')
    assert.equal(call('firn_variant_scalar', '"12"', 'FIXED'), '12')
  })

  test('numbers become JSON numbers, doubles stay doubles', () => {
    assert.equal(call('firn_from_number', '1.500'), '1.5')
    assert.equal(call('firn_from_double', '1.5'), '1.500000000000000e+00')
  })

  test('paths count from 0 and miss quietly', () => {
    const text = '{"a":[10,{"b":"x,]}"},"y"],"c":{"d":null}}'
    assert.equal(call('firn_variant_get', text, '["a",1,"b"]'), '"x,]}"')
    assert.equal(call('firn_variant_get', text, '["a",2]'), '"y"')
    assert.equal(call('firn_variant_get', text, '["c","d"]'), 'null')
    for (const path of ['["b"]', '["a",3]', '["a","b"]', '["c",0]', '["c","d","e"]', '["A"]']) {
      assert.equal(call('firn_variant_get', text, path), null, path)
    }
  })

  test('kinds and sizes', () => {
    assert.deepEqual(['null', 'true', '"e"', '1', '1.5', '1.000000000000000e+00', '[]', '{}'].map(kindOf), [
      'NULL_VALUE',
      'BOOLEAN',
      'VARCHAR',
      'INTEGER',
      'DECIMAL',
      'DOUBLE',
      'ARRAY',
      'OBJECT',
    ])
    assert.deepEqual(['[]', '[[1,2],"a,b"]', '{}'].map(arraySize), [0, 2, null])
  })
})
