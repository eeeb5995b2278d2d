import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { fill, renderScripts } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { exampleConfig } from '../support/config.ts'
import { matchesGolden } from '../support/golden.ts'

const templates = await readTemplates()

function isFailure(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof Failure && error.code === code && message.test(error.message)
}

describe('the scripts', () => {
  test('a reviewer sees every statement of an example', async () => {
    const scripts = renderScripts(templates, exampleConfig())
    await matchesGolden('rendered.sql', scripts.map(({ name, text }) => `-- ${name}\n\n${text}\n`).join(''))
  })

  test('run in an order in which no file can be loaded before its stream exists', () => {
    const order = renderScripts(templates, exampleConfig()).map(({ name }) => name)
    assert.deepEqual(order.slice(0, 3), ['V000__ledger.sql', 'V001__stage.sql', 'V002__control.sql'])
    for (const subject of ['customers', 'orders']) {
      const own = order.filter((name) => name.toLowerCase().endsWith(subject)).map((name) => name.split('.')[0])
      const all = ['10_landing', '20_stream', '30_target', '40_tombstones', '50_merge', '60_rejects', '70_pipe']
      assert.deepEqual(own, all)
    }
  })

  test('say whether they are applied again when they change', () => {
    const repeatable = renderScripts(templates, exampleConfig()).filter((script) => script.isRepeatable)
    assert.deepEqual([...new Set(repeatable.map(({ name }) => name.split(' ')[0]))], ['50_merge.sql', '60_rejects.sql'])
  })

  test('never replace a pipe, a stream or a table: that would lose load history, offset or rows', () => {
    for (const { name, text } of renderScripts(templates, exampleConfig())) {
      assert.doesNotMatch(text, /OR\s+REPLACE\s+(PIPE|STREAM|TABLE|SCHEMA|DATABASE|STAGE)|\bDROP\b/i, name)
    }
  })

  test('say at their head whether they are compatible', () => {
    for (const { file, text } of templates) assert.match(text, /^-- compatible: /, file)
  })

  test('the merge alone names the stream in a DML', () => {
    for (const { name, text } of renderScripts(templates, exampleConfig())) {
      if (name.startsWith('50_merge') || name.startsWith('20_stream')) continue
      assert.doesNotMatch(text, /_STREAM/, name)
    }
  })

  test('the same settings give the same checksums, line ends aside, and another table only its own', () => {
    const checksums = (scripts: ReturnType<typeof renderScripts>): Map<string, string> =>
      new Map(scripts.map(({ name, checksum }) => [name, checksum]))
    const config = exampleConfig()
    const [first = { file: '', text: '' }] = templates
    const windows = [{ ...first, text: first.text.replaceAll('\n', '\r\n') }, ...templates.slice(1)]
    assert.deepEqual(checksums(renderScripts(windows, config)), checksums(renderScripts(templates, config)))

    const [customers] = config.tables
    const one = checksums(renderScripts(templates, exampleConfig({ tables: [customers] })))
    const both = checksums(renderScripts(templates, config))
    for (const [name, checksum] of one) assert.equal(both.get(name), checksum, name)
    assert.equal(both.size, one.size + 7)
  })

  test('quoted names and serverless tasks render as well', () => {
    const config = exampleConfig({
      warehouse: { account: 'a', user: 'u', password: 'p', database: 'cdc', storageIntegration: 'int' },
      tables: [{ topic: 'shop.items', table: 'Shop.order items', key: ['id'] }],
    })
    const text = renderScripts(templates, config)
      .map((script) => script.text)
      .join('')
    assert.match(text, /CREATE TABLE IF NOT EXISTS "cdc"\."Shop"\."order items" \(/)
    assert.match(text, /STORAGE_INTEGRATION = "int"/)
    assert.match(text, /USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE = 'XSMALL'/)
    assert.doesNotMatch(text, /\{\{|\}\}|undefined/)
  })
})

describe('placeholders', () => {
  test('one that nothing is known for is an error, as is one that is misspelt', () => {
    assert.equal(fill('a {{x}} b {{x}}', { x: '{{y}}' }, 'x.sql'), 'a {{y}} b {{y}}')
    for (const text of ['{{y}}', '{{ x }}', '{{x', '{{x}', '{{}}', '{{toString}}']) {
      assert.throws(
        () => fill(text, { x: '1' }, 'x.sql'),
        isFailure('SCRIPT_INVALID', /^x\.sql: nothing is known for \{\{/),
      )
    }
  })

  test('a value that would end a literal or a body is refused', () => {
    for (const x of ["a'b", 'a\\b', 'a$$b', 'a\nb']) {
      assert.throws(() => fill('{{x}}', { x }, 'x.sql'), isFailure('SCRIPT_INVALID', /quote/))
    }
  })

  test('a setting that the scripts need is named', () => {
    const login = { account: 'a', user: 'u', password: 'p' }
    assert.throws(
      () => renderScripts(templates, exampleConfig({ warehouse: login })),
      isFailure('CONFIG_INVALID', /^warehouse\.storageIntegration: missing/),
    )
    assert.throws(
      () => renderScripts(templates, exampleConfig({ warehouse: undefined })),
      isFailure('CONFIG_INVALID', /^warehouse: missing/),
    )
  })
})
