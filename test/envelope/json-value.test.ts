/** The scan is as strict as JSON.parse, which is the judge here, and its slices are the bytes of the text. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { decode } from '../../src/envelope/envelope.ts'
import { JsonError, JsonText, root } from '../../src/envelope/json-value.ts'
import { exampleTable } from '../support/config.ts'

const json = new JsonText()

const space = fc.stringMatching(/^[ \t\n\r]{0,2}$/)
const noBytes = fc.constantFrom(
  '',
  '\u0000',
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  'e',
  '.',
  '-',
  '0',
  'u',
  'x',
  ' ',
)

/** Writes a value as JSON with random white space, escapes and number forms, so that slices differ from printed text. */
function written(value: unknown, random: () => number): string {
  const gap = (): string => [' ', '\n', '\t', '\r', '', '', ''][Math.floor(random() * 7)] ?? ''
  const escaped = (text: string): string =>
    JSON.stringify(text).replace(/[a-z]/g, (letter, at: number, whole: string) =>
      random() < 0.1 && whole[at - 1] !== '\\' && !/\\u.{0,3}$/.test(whole.slice(0, at))
        ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
        : letter,
    )
  const write = (part: unknown): string => {
    if (typeof part === 'string') return escaped(part)
    if (Array.isArray(part)) return `[${gap()}${part.map((item) => write(item) + gap()).join(`,${gap()}`)}]`
    if (typeof part !== 'object' || part === null) return JSON.stringify(part)
    const members = Object.entries(part).map(
      ([name, item]) => `${escaped(name)}${gap()}:${gap()}${write(item)}${gap()}`,
    )
    return `{${gap()}${members.join(`,${gap()}`)}}`
  }
  return write(value)
}

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const scans = (text: string): boolean => {
  try {
    json.scan(Buffer.from(text))
    return true
  } catch (error) {
    assert.ok(error instanceof JsonError)
    return false
  }
}

const random = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }))
const draw = (stream: Iterator<number, unknown>) => (): number => stream.next().value as number

test('accepts what JSON.parse accepts', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), random, space, space, (value, stream, before, after) => {
      const text = before + written(value, draw(stream)) + after
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
      assert.ok(scans(text), text)
    }),
    { numRuns: 500 },
  )
})

test('refuses what JSON.parse refuses: a valid text with one part cut out or put in', () => {
  let refused = 0
  fc.assert(
    fc.property(fc.jsonValue(), random, fc.nat(), fc.nat(3), noBytes, (value, stream, at, cut, put) => {
      const text = written(value, draw(stream))
      const start = at % (text.length + 1)
      const broken = text.slice(0, start) + put + text.slice(start + cut)
      if (!broken.isWellFormed()) return
      if (!parses(broken)) refused++
      assert.equal(scans(broken), parses(broken), broken)
    }),
    { numRuns: 3000 },
  )
  assert.ok(refused > 500, `only ${refused} of the texts were broken`)
})

test('refuses and accepts short texts over the alphabet of JSON like JSON.parse', () => {
  const piece = fc.constantFrom(
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'a',
      'u00e9',
      'n',
      't',
      'true',
      'false',
      'null',
      '0',
      '1',
      '9',
      '-',
      '+',
    ],
    ...['.', 'e', 'E', ' ', '\n', '\t', '\f', '\u00a0', '\u2028', '"a"', '"a":', '\ufeff', '1e5', '/', 'b'],
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
      const text = pieces.join('')
      assert.equal(scans(text), parses(text), text)
    }),
    { numRuns: 20_000 },
  )
})

test('the members of an object and of the objects in it are sliced byte for byte, the last of a name winning', () => {
  const object = fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), {
    maxKeys: 5,
  })
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 3 }), object, { maxKeys: 4 }), random, (outer, stream) => {
      const bytes = Buffer.from(written(outer, draw(stream)))
      json.scan(bytes)
      for (const [name, inner] of Object.entries(outer)) {
        const member = json.memberOf(root, name)
        assert.ok(member !== null)
        const slice = json.slice(member).toString()
        assert.equal(json.textOf(member), slice)
        assert.equal(slice, slice.trim())
        assert.deepEqual(JSON.parse(slice), JSON.parse(JSON.stringify(inner)))
        for (const [column, item] of Object.entries(inner)) {
          const found = json.memberOf(member, column)
          assert.ok(found !== null)
          assert.deepEqual(JSON.parse(json.textOf(found)), JSON.parse(JSON.stringify(item)))
        }
      }
      assert.equal(json.memberOf(root, 'longer than any name'), null)
    }),
    { numRuns: 500 },
  )
})

test('a decoded message says what JSON.parse says of it, and its rows are parts of its bytes', () => {
  const table = exampleTable({})
  const row = fc.record({
    id: fc.oneof(fc.integer(), fc.string({ unit: 'binary' }), fc.boolean()),
    rest: fc.jsonValue(),
  })
  const envelope = fc.record({ operation: fc.constantFrom('INSERT', 'UPDATE'), after: row, x: fc.jsonValue() })
  fc.assert(
    fc.property(envelope, random, (value, stream) => {
      const text = written(value, draw(stream))
      const bytes = Buffer.from(text)
      const origin = { topic: 't', partition: 0, offset: 0n, timestamp: 0n, key: null, headers: [] }
      const decoded = decode({ ...origin, value: bytes }, table)
      const id = value.after.id
      if (typeof id === 'string' && !id.isWellFormed()) {
        assert.equal(decoded.kind === 'reject' && decoded.code, 'KEY_MISSING')
        return
      }
      assert.equal(decoded.kind, 'changes')
      const [change] = decoded.changes
      assert.ok(change)
      const { after, meta } = change
      const expected = JSON.parse(text) as typeof value
      assert.equal(change.id, String(expected.after.id))
      assert.equal(change.op, value.operation === 'INSERT' ? 'c' : 'u')
      assert.ok(after && text.includes(after.toString()))
      assert.deepEqual(JSON.parse(after.toString()), expected.after)
      assert.deepEqual(JSON.parse(meta?.toString() ?? ''), { x: expected.x })
    }),
    { numRuns: 500 },
  )
})

test('keeps the places of as many members as there are, on both levels, one text after the other', () => {
  const names = Array.from({ length: 2_000 }, (_, at) => `c${at}`)
  for (const count of [3, 2_000, 70, 2_000]) {
    const row = Object.fromEntries(names.slice(0, count).map((name, at) => [name, at]))
    json.scan(Buffer.from(JSON.stringify({ before: row, ...row, after: row })))
    for (const name of names.slice(0, count)) {
      const inner = json.memberOf(json.memberOf(root, 'after') ?? root, name)
      assert.deepEqual(
        [json.memberOf(root, name), inner].map((found) => found !== null && json.textOf(found)),
        [String(row[name]), String(row[name])],
      )
    }
    assert.equal(json.membersOf(root).length, count + 2)
    json.release()
  }
})

test('a message of millions of members beside its own becomes a change in a small heap', async () => {
  const code = `
    const { parentPort } = await import('node:worker_threads')
    const { decode } = await import(${JSON.stringify(new URL('../../src/envelope/envelope.ts', import.meta.url).href)})
    const members = ',"":0'.repeat(3_300_000)
    const value = Buffer.from('{"operation":"INSERT","after":{"id":1}' + members + '}')
    const message = { topic: 't', partition: 0, offset: 1n, timestamp: 1n, key: null, value, headers: [] }
    const { kind, changes } = decode(message, ${JSON.stringify(exampleTable({}))})
    parentPort.postMessage({ kind, isWhole: changes[0].meta.equals(Buffer.from('{' + members.slice(1) + '}')) })`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    resourceLimits: { maxOldGenerationSizeMb: 192 },
  })
  const [answer] = (await once(worker, 'message')) as [unknown]
  assert.deepEqual(answer, { kind: 'changes', isWhole: true })
  await worker.terminate()
})
