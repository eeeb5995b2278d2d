import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { fill, renderAccountScript, renderScripts, select } from '../../src/warehouse/render.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { exampleConfig } from '../support/config.ts'
import { matchesGolden } from '../support/golden.ts'

const templates = await readTemplates()

/** Each kind of table, and two on one topic. */
const variants = exampleConfig({
  warehouse: {
    account: 'xy12345.eu-west-1',
    user: 'FIRN_OWNER',
    password: 'p',
    storageIntegration: 'FIRN_S3',
    awsRoleArn: 'arn:aws:iam::123456789012:role/firn-snowflake',
    warehouse: 'FIRN_WH',
  },
  tables: [
    { topic: 'shop.customers', table: 'SHOP.CUSTOMERS', key: ['id'] },
    { topic: 'shop.orders', table: 'Shop.order', key: ['id', 'line'], deletes: 'soft', data: 'row' },
    { topic: 'shop.orders', table: 'Shop.Mixed Case', key: ['id', 'line'] },
  ],
})

function isFailure(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof Failure && error.code === code && message.test(error.message)
}

describe('the scripts', () => {
  test('a reviewer sees every statement of an example', async () => {
    const scripts = [renderAccountScript(templates, variants), ...renderScripts(templates, variants)]
    await matchesGolden('rendered.sql', scripts.map(({ name, text }) => `-- ${name}\n\n${text}\n`).join(''))
  })

  test('run in an order in which no file can be loaded before its stream exists', () => {
    const order = renderScripts(templates, variants).map(({ name }) => name)
    assert.deepEqual(order.slice(0, 4), ['V000__ledger.sql', 'V001__stage.sql', 'V002__control.sql', 'V003__audit.sql'])
    assert.equal(order[4], 'R__000_grants.sql')
    for (const [topic, tables] of Object.entries({ SHOP_CUSTOMERS: 1, SHOP_ORDERS: 2 })) {
      const own = order.filter((name) => name.startsWith(`R__${topic}__`)).map((name) => name.split('__')[2] ?? '')
      const ofTables = ['20_stream', '30_target', '40_tombstones', '50_merge', '60_rejects', '61_history', '62_live']
      const all = [...ofTables, '65_retention'].flatMap((name) => Array.from({ length: tables }, () => name))
      assert.deepEqual(own, ['10_landing.sql', ...all, '70_pipe.sql'])
    }
  })

  test('sorted by name, as schemachange and Flyway apply them, they keep the order within each topic', () => {
    const names = renderScripts(templates, variants).map(({ name }) => name)
    for (const name of names) assert.match(name, /^(V\d{3}|R)__[A-Za-z0-9_$]+\.sql$/)
    const place = (name: string) => name.replace(/^(R__[A-Z_]+__\d+).*/, '$1')
    for (const start of ['V', 'R__000', 'R__SHOP_CUSTOMERS__', 'R__SHOP_ORDERS__']) {
      const own = names.filter((name) => name.startsWith(start)).map(place)
      assert.deepEqual([...own].sort(), own)
    }
  })

  test('those named R may change after they were applied, and are applied again', () => {
    for (const { name, isRepeatable } of renderScripts(templates, variants)) {
      assert.equal(isRepeatable, name.startsWith('R__'), name)
    }
  })

  test('never replace a pipe, a stream or a table: that would lose load history, offset or rows', () => {
    for (const { name, text } of renderScripts(templates, variants)) {
      assert.doesNotMatch(text, /OR\s+REPLACE\s+(PIPE|STREAM|TABLE|SCHEMA|DATABASE|STAGE)/i, name)
      // A pipe goes once its successor is there.
      const dropped = [...text.matchAll(/\bDROP\s+.*/gi)].map(([statement]) => statement)
      const former = /^DROP PIPE IF EXISTS CDC\.FIRN\.SHOP_\w+_PIPE;$/
      assert.ok(
        dropped.every((statement) => name.includes('__70_pipe') && former.test(statement)),
        name,
      )
    }
  })

  test('a stage whose name has quotes stands in single quotes in the COPY: with a space in it there is no other way', () => {
    const locationIn = (database: string) => {
      const { warehouse, tables } = variants
      const config = exampleConfig({ warehouse: { ...warehouse, database }, tables })
      const pipe = renderScripts(templates, config).find(({ name }) => name === 'R__SHOP_ORDERS__70_pipe.sql')
      return /FROM (.*@.*)/.exec(pipe?.text ?? '')?.[1]
    }
    assert.equal(locationIn('CDC'), '@CDC.FIRN.STAGE/shop.orders/')
    assert.equal(locationIn('Mixed Case'), `'@"Mixed Case".FIRN.STAGE/shop.orders/'`)
  })

  test("a pipe whose COPY changes gets its successor's name", () => {
    const [pipe] = renderScripts(templates, variants).filter(({ name }) => name.includes('__70_pipe'))
    const text = pipe?.text.replace(/^--.*\n/gm, '') ?? ''
    const copy = text.slice(text.indexOf('COPY INTO'), text.indexOf(';', text.indexOf('COPY INTO')))
    const checksum = createHash('sha256').update(copy).digest('hex').slice(0, 8)
    // Both change together: topicNames() in src/warehouse/names.ts.
    assert.deepEqual(
      [/PIPE IF NOT EXISTS (\S+)/.exec(text)?.[1], checksum],
      ['CDC.FIRN.SHOP_CUSTOMERS_PIPE_2', 'cb567a9a'],
    )
  })

  test('every object has a comment, but for those that cannot have one', () => {
    for (const { name, statements } of [
      renderAccountScript(templates, variants),
      ...renderScripts(templates, variants),
    ]) {
      for (const statement of statements)
        if (statement.startsWith('CREATE ')) assert.match(statement, /\bCOMMENT = '[^']/, name)
    }
  })

  test('say at their head whether they are compatible', () => {
    for (const { file, text } of templates) assert.match(text, /^-- compatible: /, file)
  })

  test('the merge alone names the stream in a DML', () => {
    for (const { name, text } of renderScripts(templates, variants)) {
      if (name.includes('__50_merge') || name.includes('__20_stream')) continue
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
    assert.equal(both.size, one.size + 10)
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
    assert.doesNotMatch(text, /\{\{|\}\}|undefined|--\[/)
  })

  test('a triggered task has no schedule, and one without a warehouse says in what time it should be done', () => {
    const login = { account: 'a', user: 'u', password: 'p', storageIntegration: 'I', schedule: 'triggered' }
    const mergeOf = (more: object) => {
      const scripts = renderScripts(templates, exampleConfig({ warehouse: { ...login, ...more } }))
      return scripts.find(({ name }) => name.includes('__50_merge'))?.text ?? ''
    }
    const serverless = mergeOf({})
    assert.doesNotMatch(serverless, /SCHEDULE|WAREHOUSE =/)
    assert.match(serverless, /TARGET_COMPLETION_INTERVAL = '1 MINUTES'\n {2}USER_TASK_MINIMUM_TRIGGER/)
    const own = mergeOf({ warehouse: 'WH' })
    assert.doesNotMatch(own, /SCHEDULE|TARGET_COMPLETION/)
    assert.match(own, /WAREHOUSE = WH\n {2}USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS = 10/)
  })

  test('retention asks every table of the topic', () => {
    const [retention] = renderScripts(templates, variants).filter(({ name }) => name.includes('SHOP_ORDERS__65_'))
    assert.match(retention?.text ?? '', /IN \('Shop.order', 'Shop.Mixed Case'\)[^]*COUNT\(DISTINCT target_table\) = 2/)
  })

  test('the storage integration is made where the IAM role is known, and taken to be there otherwise', () => {
    assert.match(renderAccountScript(templates, variants).text, /CREATE STORAGE INTEGRATION IF NOT EXISTS FIRN_S3\n/)
    const { text } = renderAccountScript(templates, exampleConfig())
    assert.doesNotMatch(text, /CREATE STORAGE INTEGRATION|DESC INTEGRATION/)
    assert.match(text, /GRANT USAGE ON INTEGRATION FIRN_S3 TO ROLE FIRN_OWNER;/)
  })
})

describe('marks', () => {
  const flags = { a: true, b: true, c: false }
  test('a line stays where all of its marks are chosen', () => {
    const text = 'x --[a]\ny --[c]\n  z --[a, b]\nw --[a, c]\n-- [a] no mark'
    assert.equal(select(text, flags, 'x.sql'), 'x\n  z\n-- [a] no mark')
  })

  test('one that no setting chooses between is an error', () => {
    for (const mark of ['d', 'a,b', '', 'toString']) {
      assert.throws(
        () => select(`x --[${mark}]`, flags, 'x.sql'),
        isFailure('SCRIPT_INVALID', /^x\.sql: nothing is known/),
      )
    }
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
