import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { problemsBetween } from '../../src/config-rules.ts'
import { pathText } from '../../src/settings.ts'
import { exampleConfig } from '../support/config.ts'

function problems(sections: Readonly<Record<string, unknown>>): string[] {
  return problemsBetween(exampleConfig(sections)).map(({ path, text }) => `${pathText(path)}: ${text}`)
}

const tables = (...pairs: readonly (readonly [topic: string, table: string])[]): string[] =>
  problems({ tables: pairs.map(([topic, table]) => ({ topic, table, key: ['id'] })) })

describe('tables', () => {
  test('those of one topic agree on how it is read; where it goes may differ', () => {
    assert.deepEqual(tables(['a', 'S.A'], ['b', 'S.B'], ['a', 'S.C']), [])
    const [one, other] = [
      { topic: 'a', table: 'S.A', key: ['id'] },
      { topic: 'a', table: 'S.B', key: ['id'] },
    ]
    assert.deepEqual(problems({ tables: [one, { ...other, deletes: 'soft', data: 'row' }] }), [])
    for (const difference of [{ key: ['n'] }, { order: 'kafka-timestamp' }, { start: 'latest' }, { epoch: 2 }]) {
      assert.deepEqual(problems({ tables: [one, { ...other, ...difference }] }), [
        'tables[1].topic: is the topic of tables[0] too: dialect, key, order, start, epoch must be the same for both',
      ])
    }
  })

  test('none has the name of a view of another', () => {
    for (const [at, pairs] of [
      [
        1,
        [
          ['a', 'S.A'],
          ['b', 'S.A_LIVE'],
        ],
      ],
      [
        0,
        [
          ['a', 'S.A_HISTORY'],
          ['b', 'S.A'],
        ],
      ],
    ] as const) {
      assert.deepEqual(tables(...pairs), [`tables[${at}].table: is the name of a view of tables[${1 - at}]`])
    }
  })

  test('no two write to one target', () => {
    assert.deepEqual(tables(['a', 'S.A'], ['b', 'S.A']), ['tables[1].table: is the table of tables[0] too'])
  })

  test('no two share the name of an object in Snowflake', () => {
    assert.deepEqual(tables(['shop.a', 'S.A'], ['shop-a', 'S.B']), [
      'tables[1].topic: its landing table would have the name of that of tables[0]: SHOP_A_LANDING',
    ])
    assert.deepEqual(tables(['a', 'A_B.C'], ['b', 'A.B_C']), [
      'tables[1].table: its stream would have the name of that of tables[0]: A_B_C_STREAM',
    ])
    assert.deepEqual(tables(['a', 'S.Mixed'], ['b', 'S.MIXED']), [
      'tables[1].table: its stream would have the name of that of tables[0]: S_MIXED_STREAM',
    ])
  })

  test("none lies in Firn's own schema", () => {
    assert.deepEqual(tables(['a', 'FIRN.MERGED_FILES']), ['tables[0].table: the schema FIRN is taken'])
  })

  test('a name that Snowflake could not take with its ending is refused', () => {
    assert.deepEqual(tables(['t'.repeat(244), 'S.A']), [])
    assert.match(tables(['t'.repeat(245), 'S.A'])[0] ?? '', /^tables\[0\].topic: is longer than 244 characters/)
  })
})

describe('logins', () => {
  const login = { account: 'a', user: 'u' }
  test('Snowflake takes a password or a key, not both and not none', () => {
    assert.deepEqual(problems({ warehouse: { ...login, password: 'p' } }), [])
    assert.deepEqual(problems({ warehouse: { ...login, privateKeyFile: '/k' } }), [])
    assert.equal(problems({ warehouse: login }).length, 1)
    assert.equal(problems({ warehouse: { ...login, password: 'p', privateKeyFile: '/k' } }).length, 1)
  })

  test('halves of a pair are refused', () => {
    assert.deepEqual(problems({ stage: { bucket: 'cdc', accessKeyId: 'a' } }), [
      'stage.secretAccessKey: missing: stage.accessKeyId is of no use without it',
    ])
    assert.deepEqual(problems({ kafka: { brokers: ['a:1'], key: 'pem' } }), [
      'kafka.cert: missing: kafka.key is of no use without it',
    ])
    for (const encryption of [undefined, 'AES256']) {
      assert.deepEqual(problems({ stage: { bucket: 'cdc', encryption, kmsKeyId: 'k' } }), [
        'stage.kmsKeyId: goes with stage.encryption aws:kms alone',
      ])
    }
  })
})

test('a file must fit into the memory', () => {
  assert.equal(problems({ ingest: { fileBytes: '512MiB' } }).length, 1)
})
