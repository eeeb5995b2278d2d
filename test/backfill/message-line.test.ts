import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { fileSource, inspectFile } from '../../src/backfill/file-source.ts'
import { parseMessageLine } from '../../src/backfill/message-line.ts'

const folder = await mkdtemp(join(tmpdir(), 'firn-lines-'))
after(() => rm(folder, { recursive: true }))

function parsed(text: string) {
  const line = parseMessageLine(Buffer.from(text))
  return typeof line === 'string'
    ? line
    : { ...line, key: line.key?.toString() ?? null, value: line.value?.toString() ?? null }
}

describe('a line of a file of messages', () => {
  test('has its value byte for byte where that is an object, and as its text where it is one', () => {
    const value = '{"operation": "INSERT","after":{"n":12345678901234567890.10}}'
    const line = { key: 'k', value, timestamp: null, headers: [] }
    assert.deepEqual(parsed(`{"key":"k", "value": ${value} }`), line)
    assert.deepEqual(parsed(JSON.stringify({ key: 'k', value })), line)
    assert.deepEqual(parsed(`{"key":{"id": 1},"value":null}`), { ...line, key: '{"id": 1}', value: null })
    assert.deepEqual(parsed(`{"value":null,"key":null}`), { ...line, key: null, value: null })
  })

  test('may have a time and headers', () => {
    const line = parseMessageLine(
      Buffer.from('{"value":{},"timestamp":"1970-01-01T00:00:01Z","headers":{"a":"x","b":null}}'),
    )
    assert.ok(typeof line !== 'string')
    assert.equal(line.timestamp, 1_000n)
    assert.deepEqual(line.headers, [
      ['a', Buffer.from('x')],
      ['b', null],
    ])
  })

  for (const [text, why] of [
    ['', /is no JSON/],
    ['{"key":1', /is no JSON/],
    ['[]', /is no JSON object/],
    ['{"key":"x"}', /has no member "value"/],
    ['{"value":{},"payload":1}', /has a member "payload"; known are key, value, timestamp, headers/],
    ['{"value":{},"timestamp":"noon"}', /"timestamp" that is neither/],
    ['{"value":{},"timestamp":-1}', /"timestamp" that is neither/],
    ['{"value":{},"headers":[]}', /"headers" that are no object of texts/],
    ['{"value":"\\ud800"}', /"value" with half of a surrogate pair/],
  ] as const) {
    test(`is refused: ${text}`, () => {
      const line = parsed(text)
      assert.ok(typeof line === 'string')
      assert.match(line, why)
    })
  }

  test('is refused where it is not UTF-8', () => {
    assert.equal(parseMessageLine(Buffer.from([0x7b, 0xff, 0x7d])), 'is not UTF-8')
  })
})

describe('a file of messages', () => {
  const lines = Array.from({ length: 1_300 }, (_, at) =>
    at % 100 === 50 ? ' \t' : `{"key":"${at}","value":{"n":${at}}}`,
  )
  const text = lines.join('\r\n')

  async function read(path: string, from: bigint) {
    const found: string[] = []
    let next = from
    const setting = { path, topic: 't', firstLine: 1_000n, timestamp: 5n }
    for await (const stretch of fileSource(setting).read(
      { epoch: 0, partition: 0, range: { first: 1_001n, last: 2_300n } },
      from,
      new AbortController().signal,
    )) {
      for (const { offset, key, timestamp } of stretch.messages) {
        assert.ok(offset >= from && offset < stretch.next)
        assert.equal(timestamp, 5n)
        found.push(`${offset} ${key?.toString() ?? 'null'}`)
      }
      next = stretch.next
    }
    return { found, next }
  }

  for (const [name, bytes] of [
    ['plain', Buffer.from(text)],
    ['gzip', gzipSync(text)],
  ] as const) {
    test(`${name}, is read line by line, from any line on; empty lines hold nothing`, async () => {
      const path = join(folder, name)
      await writeFile(path, bytes)
      const { lines: count, messages, identity } = await inspectFile(path)
      assert.deepEqual(
        { count, messages, bytes: identity.bytes },
        { count: 1_300n, messages: 1_287, bytes: bytes.length },
      )
      const whole = await read(path, 1_001n)
      assert.equal(whole.found.length, 1_287)
      assert.deepEqual([whole.found[0], whole.found.at(-1), whole.next], ['1001 0', '2300 1299', 2_301n])
      const rest = await read(path, 1_999n)
      assert.deepEqual(rest.found, whole.found.slice(-rest.found.length))
      assert.equal(rest.found[0], '1999 998')
    })
  }

  test('that is cut off in its compression is refused', async () => {
    const path = join(folder, 'cut')
    await writeFile(path, gzipSync(text).subarray(0, 500))
    await assert.rejects(inspectFile(path), /cut cannot be read: unexpected end of file/)
  })

  test('that holds nothing is refused', async () => {
    const path = join(folder, 'empty')
    await writeFile(path, '\n\n')
    await assert.rejects(inspectFile(path), /empty holds no message/)
  })
})
