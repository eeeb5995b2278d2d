import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Config } from '../../src/config.ts'
import { type Env, loadConfig } from '../../src/config-source.ts'
import { Failure } from '../../src/failure.ts'
import { exampleTable } from '../support/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'firn-config-'))
after(() => {
  rmSync(folder, { recursive: true })
})

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const base = `
kafka:
  brokers: [localhost:9092]
stage:
  bucket: cdc
tables:
  - { topic: shop.customers, table: SHOP.CUSTOMERS, key: [id] }
`

function load(yaml: string, env: Env = {}): Config {
  return loadConfig({ file: write('firn.yaml', yaml), env })
}

/** The lines of the refusal, without its heading. */
function refusal(yaml: string, env: Env = {}): string[] {
  try {
    load(yaml, env)
  } catch (error) {
    assert.ok(error instanceof Failure)
    assert.equal(error.code, 'CONFIG_INVALID')
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replaceAll(folder, ''))
  }
  assert.fail('was accepted')
}

const withSection = (section: string): string => `${base}${section}`

describe('reading', () => {
  test('what is not written has its default, in ms and bytes', () => {
    const config = load(base)
    assert.equal(config.kafka.group, 'firn')
    assert.equal(config.stage.prefix, 'firn/')
    assert.equal(config.ingest.freshness, 60_000)
    assert.equal(config.ingest.fileBytes, 67_108_864)
    assert.equal(config.tables[0]?.epoch, 1)
    assert.equal(config.warehouse, undefined)
  })

  test('a section whose settings are all commented out counts as not written', () => {
    assert.equal(load(withSection('ingest:\n  # freshness: 5s\nwarehouse:\n')).ingest.freshness, 60_000)
  })

  test('the environment wins over the file, for text, numbers, booleans, lists and tables', () => {
    const config = load(base, {
      FIRN_KAFKA_BROKERS: 'a:1, b:2',
      FIRN_KAFKA_GROUP: '7',
      FIRN_KAFKA_CLIENT_ID: 'one',
      FIRN_KAFKA_SSL: 'true',
      FIRN_INGEST_FILE_BYTES: '16MiB',
      FIRN_INGEST_FILE_ROWS: '10',
      FIRN_TABLES: '[{"topic": "t", "table": "A.B", "key": ["x", "y"], "epoch": 3}]',
    })
    assert.deepEqual(config.kafka.brokers, ['a:1', 'b:2'])
    assert.equal(config.kafka.group, '7')
    assert.equal(config.kafka.clientId, 'one')
    assert.equal(config.kafka.ssl, true)
    assert.equal(config.ingest.fileBytes, 16_777_216)
    assert.equal(config.ingest.fileRows, 10)
    assert.deepEqual(config.tables, [exampleTable({ topic: 't', table: 'A.B', key: ['x', 'y'], epoch: 3 })])
  })

  test('an empty variable counts as not set', () => {
    assert.equal(load(base, { FIRN_KAFKA_GROUP: '' }).kafka.group, 'firn')
  })

  test('the environment alone is enough', () => {
    const env = {
      FIRN_KAFKA_BROKERS: 'a:1',
      FIRN_STAGE_BUCKET: 'cdc',
      FIRN_TABLES: '[{topic: t, table: A.B, key: [x]}]',
    }
    assert.equal(loadConfig({ file: write('empty.yaml', ''), env }).stage.bucket, 'cdc')
  })

  test('FIRN_CONFIG names the file where the command line does not', () => {
    const FIRN_CONFIG = write('other.yaml', base.replace('bucket: cdc', 'bucket: other'))
    assert.equal(loadConfig({ env: { FIRN_CONFIG } }).stage.bucket, 'other')
    assert.equal(loadConfig({ file: write('firn.yaml', base), env: { FIRN_CONFIG } }).stage.bucket, 'cdc')
  })

  test('a certificate authority turns TLS on', () => {
    assert.equal(load(base, { FIRN_KAFKA_CA: 'pem' }).kafka.ssl, true)
  })
})

describe('references', () => {
  test('a variable stands for its value, inside other text too, and is never looked into', () => {
    const yaml = base.replace('bucket: cdc', 'bucket: ${NAME}-${STAGE}')
    assert.equal(load(yaml, { NAME: 'cdc', STAGE: 'test' }).stage.bucket, 'cdc-test')
    const literal = load(
      withSection('log: {}').replace('brokers:', () => 'group: $${NAME}${TEXT}\n  brokers:'),
      {
        TEXT: '${NAME}',
      },
    )
    assert.equal(literal.kafka.group, '${NAME}${NAME}')
  })

  test('a variable may stand where a number or a boolean is wanted', () => {
    const yaml = withSection('ingest:\n  fileRows: ${ROWS}\n').replace('brokers:', 'ssl: ${TLS}\n  brokers:')
    const config = load(yaml, { ROWS: '12', TLS: 'true' })
    assert.equal(config.ingest.fileRows, 12)
    assert.equal(config.kafka.ssl, true)
  })

  test('a variable that the file refers to may begin with FIRN_ without being a setting', () => {
    assert.equal(load(base.replace('bucket: cdc', 'bucket: ${FIRN_MY}'), { FIRN_MY: 'mine' }).stage.bucket, 'mine')
  })

  test('file: stands for the text of the file, in the file and in the environment', () => {
    const secret = write('secret', 's3cret\n')
    const sasl = `kafka:\n  sasl: { mechanism: plain, username: u, password: "file:\${DIR}/secret" }`
    const config = load(base.replace('kafka:', sasl), { DIR: folder, FIRN_KAFKA_CA: `file:${secret}` })
    assert.deepEqual(config.kafka.sasl, { mechanism: 'plain', username: 'u', password: 's3cret' })
    assert.equal(config.kafka.ca, 's3cret')
  })

  test('what leads nowhere is named, and told once', () => {
    const yaml = base.replace('bucket: cdc', 'bucket: ${NOPE}').replace('brokers:', 'ca: file:/nowhere/ca\n  brokers:')
    assert.deepEqual(refusal(yaml), [
      'kafka.ca: the file /nowhere/ca cannot be read',
      'stage.bucket: the environment variable NOPE is not set',
    ])
    assert.deepEqual(refusal(base.replace('bucket: cdc', 'bucket: file:ca')), [
      'stage.bucket: a file reference needs the whole path, as in file:/run/secrets/name',
    ])
    assert.match(
      refusal(base.replace('bucket: cdc', 'bucket: a${A:-b}'))[0] ?? '',
      /^stage.bucket: a reference is written/,
    )
  })
})

describe('refusals', () => {
  const cases: readonly [name: string, yaml: string, env: Env, lines: readonly (string | RegExp)[]][] = [
    [
      'everything wrong is told at once, each with its path',
      `kafka: { brokers: [a:9092, localhost, b:65536], grop: x }
stage: { bucket: cdc, prefix: /firn }
ingest: { freshnes: 3s }
tables:
  - { topic: a.b, table: A, key: id, order: { column: x, widht: 3 } }
`,
      {},
      [
        'kafka.brokers[1]: expected host:port',
        'kafka.brokers[2]: expected a port up to 65535',
        'kafka.grop: unknown key; did you mean group?',
        /^stage.prefix: expected a prefix such as firn\//,
        'ingest.freshnes: unknown key; did you mean freshness?',
        /^tables\[0\].table: expected SCHEMA.TABLE/,
        'tables[0].key: expected a list, found other text',
        'tables[0].order.width: missing (the longest that its values get, in characters)',
        'tables[0].order.widht: unknown key; did you mean width?',
      ],
    ],
    [
      'nothing at all names each thing that is needed, and its variable',
      '',
      {},
      [
        'kafka.brokers: missing (bootstrap servers; in the environment FIRN_KAFKA_BROKERS)',
        'stage.bucket: missing (bucket of the stage; in the environment FIRN_STAGE_BUCKET)',
        'tables: missing (what is copied to where; in the environment FIRN_TABLES)',
      ],
    ],
    [
      'a number or a boolean where text is wanted',
      withSection('warehouse: { account: 12345, user: yes, password: true }'),
      {},
      [
        'warehouse.account: expected text, found a number; put it in quotes',
        'warehouse.password: expected text, found a boolean; put it in quotes',
      ],
    ],
    [
      'a duration without its unit',
      withSection('ingest: { freshness: 60, memory: 1e9 }'),
      {},
      [
        'ingest.freshness: expected a duration such as 500ms, 60s, 5m or 1h',
        'ingest.memory: expected a size such as 64KiB, 128MiB or 1GiB',
      ],
    ],
    [
      'a duration that no timer can wait for',
      withSection('ingest: { freshness: 597h }'),
      {},
      ['ingest.freshness: expected at most 596h'],
    ],
    [
      'a schedule that Snowflake would refuse',
      withSection('warehouse: { account: a, user: u, password: p, schedule: 5 SECONDS }'),
      {},
      ['warehouse.schedule: expected at least 10 SECONDS'],
    ],
    ['YAML that is none', 'kafka: [a\nstage: {', {}, [/^\/firn.yaml:2:1: Flow sequence /]],
    ['the same key twice', `${base}log: {}\nlog: {}`, {}, ['/firn.yaml:9:1: Map keys must be unique']],
    ['a list where sections are wanted', '- a', {}, ['/firn.yaml: expected sections such as kafka, stage and tables']],
    [
      'a variable that no setting has',
      base,
      { FIRN_INGEST_FILE_BITES: '1', FIRN_XQJZW: '' },
      [
        'FIRN_INGEST_FILE_BITES: no setting has this variable; did you mean FIRN_INGEST_FILE_BYTES?',
        'FIRN_XQJZW: no setting has this variable',
      ],
    ],
    [
      'a wrong value in the environment names the variable',
      base,
      { FIRN_INGEST_FILE_ROWS: 'many', FIRN_TABLES: '[{topic: t, table: A.B}]' },
      [
        'ingest.fileRows (FIRN_INGEST_FILE_ROWS): expected a whole number, found other text',
        'tables[0].key (FIRN_TABLES): missing (primary key columns, in order)',
      ],
    ],
    [
      'a key that only looks like part of every object',
      base.replace('bucket: cdc', 'bucket: cdc\n  __proto__: { region: x }\n  constructor: 1'),
      {},
      ['stage.constructor: unknown key', 'stage.__proto__: unknown key'],
    ],
    [
      'an order that is neither of the two',
      base.replace('key: [id]', 'key: [id], order: kafka'),
      {},
      ['tables[0].order: expected kafka-timestamp, or column and width; found other text'],
    ],
    [
      'a start that is neither a word nor a time',
      base.replace('key: [id]', 'key: [id], start: soon'),
      {},
      ['tables[0].start: expected earliest, latest or a time such as 2026-01-31T00:00:00Z'],
    ],
    [
      'values so large that no column holds them as base64',
      base.concat('ingest: { maxValueBytes: 97MiB }'),
      {},
      ['ingest.maxValueBytes: expected at most 96MiB'],
    ],
    [
      'names that would end a literal or a body in the SQL',
      base
        .replace('SHOP.CUSTOMERS', `"SHOP.A'B"`)
        .concat('warehouse: { account: a, user: u, password: p, database: A$$B }'),
      {},
      [
        /^warehouse.database: expected a name without quotes/,
        /^tables\[0\].table: expected SCHEMA.TABLE, without quotes/,
      ],
    ],
  ]
  for (const [name, yaml, env, lines] of cases) {
    test(name, () => {
      const found = refusal(yaml, env)
      assert.equal(found.length, lines.length, found.join('\n'))
      for (const line of lines) {
        assert.ok(
          found.some((one) => (typeof line === 'string' ? one === line : line.test(one))),
          `${String(line)} is not among\n${found.join('\n')}`,
        )
      }
    })
  }

  test('a value is never shown: it may be a secret', () => {
    const yaml = withSection('warehouse: { account: [s3cret], user: 5, password: { s3cret: 1 } }')
    assert.doesNotMatch(
      refusal(yaml, { FIRN_KAFKA_SSL: 's3cret' })
        .join('\n')
        .replace(/password\.s3cret/g, ''),
      /s3cret/,
    )
  })

  test('a file that cannot be read is named', () => {
    assert.throws(
      () => loadConfig({ file: '/nowhere/firn.yaml', env: {} }),
      (error: Failure) => error.message.includes('/nowhere/firn.yaml: the configuration file cannot be read'),
    )
  })

  test('variables that other things than settings use are let be', () => {
    const env = {
      FIRN_TEST_STACK: '{}',
      FIRN_LOCAL_DIR: 'x',
      FIRN_CONTRACT_USER: 'x',
      FIRN_SERVICE_HOST: '10.0.0.1',
      FIRN_METRICS_SERVICE_PORT_HTTP: '1',
      FIRN_PORT: 'tcp://10.0.0.1:9464',
      FIRN_PORT_9464_TCP_ADDR: '10.0.0.1',
    }
    assert.equal(load(base, env).stage.bucket, 'cdc')
  })
})
