/** No secret is told by a configuration that cannot be used, and none of the schema's secrets is forgotten. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../src/config-source.ts'
import { allSettings } from '../../src/settings.ts'
import { leaksIn, plantedSecret, secretSettings } from '../support/secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'firn-secrets-'))
after(() => {
  rmSync(folder, { recursive: true })
})

/** Names in which a secret is to be expected, and what is none in spite of its name. */
const secretive = /pass(word|phrase)|secret|token|credential|(^|\.)key$|private/i
const harmless = ['kafka.sasl.tokenUrl', 'kafka.sasl.tokenFile', 'warehouse.privateKeyFile', 'tables[].key']

test('every setting whose name says so is marked as a secret in the schema', () => {
  const expected = allSettings().filter(({ name }) => secretive.test(name) && !harmless.includes(name))
  assert.deepEqual(
    secretSettings.map(({ name }) => name),
    expected.map(({ name }) => name),
  )
  assert.ok(expected.length >= 6)
})

test('the search finds a secret in every form, also among other text', () => {
  const secret = plantedSecret({ name: 'a.password' })
  for (const before of ['', 'u:', 'me:']) {
    const text = `${before}${secret.value}:after`
    for (const form of ['base64', 'base64url', 'hex'] as const) {
      assert.equal(leaksIn(Buffer.from(text).toString(form), [secret]).length > 0, true, `${form} after "${before}"`)
    }
    assert.equal(leaksIn(JSON.stringify({ text }), [secret]).length, 1)
    assert.equal(leaksIn(`?p=${encodeURIComponent(text)}`, [secret]).length, 1)
  }
  assert.deepEqual(leaksIn('nothing of it', [secret]), [])
})

/** What somebody may write beside or around a secret, as YAML; `S` stands for it. */
const slips = [
  '"S',
  "'S",
  '!S',
  '*S',
  '&S',
  '|S',
  '>S',
  '@S',
  '`S',
  '%S',
  '[S',
  '{S',
  ']S',
  '}S',
  '"a"S',
  '"\\S"',
  'S: b',
  '- S',
  '[S, S]',
  '{a: S}',
  '!!int S',
  '!!binary S',
  'file:S',
  '"S"\n  nope: 1',
  '"S"\n\tnope: 1',
  '5\n    nope: "S"',
]
/** Of letters alone, so that every slip is one for its first sign. */
const plain = { name: 'the secret', value: 'PlantedLettersAlone' }

test('a configuration that cannot be read, or is wrong beside a secret, does not tell it', () => {
  let refused = 0
  for (const { path, name, env = '' } of secretSettings) {
    const [section = '', ...rest] = path
    const indent = (depth: number) => '  '.repeat(depth)
    const above = [section, ...rest.slice(0, -1)].map((key, depth) => `${indent(depth)}${String(key)}:\n`).join('')
    for (const slip of slips) {
      const written = slip.replaceAll('S', plain.value)
      const file = join(folder, 'firn.yaml')
      writeFileSync(file, `${above}${indent(path.length - 1)}${String(path.at(-1))}: ${written}\n`)
      const message = refusalOf({ file, env: {} })
      assert.deepEqual(leaksIn(message, [plain]), [], `${name}: ${slip}`)
      refused++
    }
    const inEnv = refusalOf({ file: '/dev/null', env: { [env ?? '']: plain.value, FIRN_INGEST_FILE_ROWS: 'x' } })
    assert.deepEqual(leaksIn(inEnv, [plain]), [], `${name} in the environment`)
  }
  assert.ok(refused > 100)
})

test('nor does a list of tables in the environment', () => {
  for (const slip of slips) {
    const message = refusalOf({ file: '/dev/null', env: { FIRN_TABLES: slip.replaceAll('S', plain.value) } })
    assert.deepEqual(leaksIn(message, [plain]), [], slip)
  }
})

function refusalOf(source: Parameters<typeof loadConfig>[0]): string {
  try {
    loadConfig(source)
  } catch (error) {
    return `${(error as Error).message}\n${(error as Error).stack ?? ''}`
  }
  assert.fail('was accepted')
}
