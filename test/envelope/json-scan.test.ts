/** What is shipped is what the source of the scan gives, and the scan reads at any length what it reads at one. */
import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { JsonScan } from '../../src/envelope/json-scan.ts'
import { JsonError, JsonText } from '../../src/envelope/json-value.ts'

const [compiler, source, compiled] = [
  '../../node_modules/assemblyscript/bin/asc.js',
  '../../src/envelope/json-scan.as.ts',
  '../../src/envelope/json-scan.wasm.ts',
].map((path) => fileURLToPath(new URL(path, import.meta.url))) as [string, string, string]
const options = ['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--initialMemory', '1']

const json = new JsonText()
const scans = (bytes: Buffer): boolean => {
  try {
    json.scan(bytes)
    return true
  } catch (error) {
    assert.ok(error instanceof JsonError)
    return false
  }
}

test('the compiled scan is that of its source', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'firn-scan-'))
  try {
    const binary = join(dir, 'scan.wasm')
    await promisify(execFile)(process.execPath, [compiler, source, '--outFile', binary, ...options])
    const expected = `/**
 * What json-scan.as.ts comes to as WebAssembly, in base64. Its test writes this file where UPDATE_GOLDEN=1.
 */
export const compiledScan =
  '${(await readFile(binary)).toString('base64')}'
`
    if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(compiled, expected)
    assert.equal(await readFile(compiled, 'utf8'), expected, 'where that is right, run this test with UPDATE_GOLDEN=1')
  } finally {
    await rm(dir, { recursive: true })
  }
})

test('takes what is UTF-8, and nothing else, wherever it stands in a string', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(
      ...[
        'c080',
        'c1bf',
        'e09fbf',
        'e0a080',
        'ed9fbf',
        'eda080',
        'ee8080',
        'f08fbfbf',
        'f0908080',
        'f48fbfbf',
        'f4908080',
      ].map((hex) => Buffer.from(hex, 'hex')),
      ...['f5808080', 'c2', 'e0a0', 'f09080', '80', 'bf', 'ff'].map((hex) => Buffer.from(hex, 'hex')),
    ),
  )
  let refused = 0
  fc.assert(
    fc.property(fc.nat(40), fc.array(part, { maxLength: 3 }), fc.nat(20), (before, parts, behind) => {
      const inner = Buffer.concat([Buffer.alloc(before, 'a'), ...parts, Buffer.alloc(behind, 'b')])
      const bytes = Buffer.from([
        0x22,
        ...inner.map((byte) => (byte < 0x20 || byte === 0x22 || byte === 0x5c ? 0x61 : byte)),
        0x22,
      ])
      if (!isUtf8(bytes)) refused++
      assert.equal(scans(bytes), isUtf8(bytes), bytes.toString('hex'))
    }),
    { numRuns: 20_000 },
  )
  assert.ok(refused > 2_000, `only ${refused} of the texts were not UTF-8`)
})

test('a text that is cut off is refused, however long it is and whatever was scanned before it', () => {
  for (const length of [0, 1, 14, 15, 16, 17, 31, 32, 33, 65_500, 65_520, 65_536, 131_072, 40_000_000]) {
    const whole = Buffer.from(`["${'x'.repeat(length)}"]`)
    assert.ok(scans(whole))
    for (const end of [1, 2, 3, 16, 17]) assert.equal(scans(whole.subarray(0, -end)), false)
    json.release()
    assert.ok(scans(Buffer.from('"x"')))
  }
})

test('large texts, small ones between them, are scanned in one memory; after a thousand small ones it is let go of', () => {
  const scan = new JsonScan()
  const large = Buffer.from(`"${'x'.repeat(40_000_000)}"`)
  const small = Buffer.from('"x"')
  scan.scan(large)
  const { buffer: memory } = scan.places
  assert.ok(memory.byteLength > large.length)
  for (let round = 0; round < 3; round++) {
    for (let text = 0; text < 999; text++) scan.scan(small)
    assert.equal(scan.places.buffer, memory)
    scan.scan(large)
    assert.equal(scan.places.buffer, memory)
  }
  for (let text = 0; text < 1_000; text++) scan.scan(small)
  assert.ok(scan.places.buffer.byteLength < 2 ** 20)
  scan.scan(large)
})

test('nesting as deep as the text is long', () => {
  const depth = 1_000_000
  const deep = Buffer.from('['.repeat(depth) + ']'.repeat(depth))
  assert.ok(scans(deep))
  assert.equal(scans(deep.subarray(0, -1)), false)
  assert.equal(scans(Buffer.from('{"a":'.repeat(depth) + '1' + '}'.repeat(depth - 1) + ']')), false)
  json.release()
})

test('says where the text ceases to be JSON', () => {
  for (const [text, at] of [
    ['', 0],
    [' ', 1],
    ['{"a":1,}', 7],
    ['{"a":tru}', 8],
    ['{"a":"\u0001"}', 6],
    ['{"a":"\\x"}', 7],
    ['{"a":"\\u12g4"}', 10],
    ['[1,2', 4],
    ['{"a":-}', 6],
    ['1 2', 2],
    ['{"a" 1}', 5],
    ['"abc', 4],
  ] as const) {
    assert.throws(
      () => {
        json.scan(Buffer.from(text))
      },
      { name: 'JsonError', message: `no JSON from byte ${at} on` },
      text,
    )
  }
})
