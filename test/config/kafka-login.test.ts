/** What is said of a login at Kafka that cannot work: each mechanism has settings of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Env, loadConfig } from '../../src/config-source.ts'
import { Failure } from '../../src/failure.ts'

const base = { FIRN_KAFKA_BROKERS: 'a:1', FIRN_STAGE_BUCKET: 'cdc', FIRN_TABLES: '[{topic: t, table: A.B, key: [x]}]' }

/** Settings of kafka.sasl by their variables, as in `{ MECHANISM: 'plain' }`. */
function load(sasl: Env, more: Env = {}) {
  const env = Object.entries(sasl).map(([name, value]) => [`FIRN_KAFKA_SASL_${name}`, value])
  return loadConfig({ file: '/dev/null', env: { ...base, ...more, ...(Object.fromEntries(env) as Env) } }).kafka.sasl
}

function refusal(sasl: Env): readonly string[] {
  try {
    load(sasl)
  } catch (error) {
    assert.ok(error instanceof Failure)
    assert.doesNotMatch(error.message, /s3cret/)
    return error.message.split('\n  ').slice(1)
  }
  assert.fail('was accepted')
}

const tokenUrl = 'https://login.example.com/token'

test('each mechanism takes its settings, from the environment too', () => {
  const plain = { mechanism: 'plain', username: 'u', password: 'p' }
  assert.deepEqual(load({ MECHANISM: 'plain', USERNAME: 'u', PASSWORD: 'p' }), plain)
  const endpoint = { mechanism: 'oauthbearer', tokenUrl, clientId: 'i', clientSecret: 's', scope: 'x' }
  const given = { TOKEN_URL: tokenUrl, CLIENT_ID: 'i', CLIENT_SECRET: 's', SCOPE: 'x' }
  assert.deepEqual(load({ MECHANISM: 'oauthbearer', ...given }), endpoint)
  const file = { mechanism: 'oauthbearer', tokenFile: '/token' }
  assert.deepEqual(load({ MECHANISM: 'oauthbearer', TOKEN_FILE: '/token' }), file)
  assert.deepEqual(load({ MECHANISM: 'aws-msk-iam', REGION: 'r' }, { FIRN_KAFKA_SSL: 'true' }), {
    mechanism: 'aws-msk-iam',
    region: 'r',
  })
})

const cases: readonly [name: string, sasl: Env, lines: readonly (string | RegExp)[]][] = [
  [
    'a mechanism that there is not',
    { MECHANISM: 'gssapi', PASSWORD: 's3cret' },
    [/^kafka.sasl.mechanism .*: expected one of plain, scram-sha-256, scram-sha-512, oauthbearer, aws-msk-iam$/],
  ],
  [
    'no mechanism',
    { USERNAME: 'u' },
    [
      /^kafka.sasl.mechanism.*: missing \(how to log in: plain, .* or aws-msk-iam; in the environment FIRN_KAFKA_SASL_MECH/,
    ],
  ],
  [
    'settings of one mechanism with another',
    { MECHANISM: 'aws-msk-iam', PASSWORD: 's3cret' },
    [
      /^kafka.sasl.region.*: missing \(with aws-msk-iam: region of the cluster/,
      /^kafka.sasl.password.*: does not go with the other settings of kafka.sasl/,
    ],
  ],
  [
    'tokens of AWS without TLS',
    { MECHANISM: 'aws-msk-iam', REGION: 'r' },
    [/^kafka.ssl.*: aws-msk-iam is spoken over TLS alone: write true$/],
  ],
  [
    'a token from nowhere',
    { MECHANISM: 'oauthbearer', SCOPE: 'x' },
    ['kafka.sasl.tokenUrl: missing: write either it, with clientId and clientSecret, or kafka.sasl.tokenFile'],
  ],
  [
    'a token endpoint without what it asks for',
    { MECHANISM: 'oauthbearer', TOKEN_URL: tokenUrl, CLIENT_ID: 'i' },
    ['kafka.sasl.clientSecret: missing: kafka.sasl.tokenUrl is of no use without it'],
  ],
  [
    'a token from two places',
    { MECHANISM: 'oauthbearer', TOKEN_URL: tokenUrl, TOKEN_FILE: '/token' },
    [/^kafka.sasl.tokenUrl .*: write either it or kafka.sasl.tokenFile, not both$/],
  ],
  [
    'what an endpoint would be told, where there is none',
    { MECHANISM: 'oauthbearer', TOKEN_FILE: '/token', SCOPE: 'x' },
    [/^kafka.sasl.scope .*: goes with kafka.sasl.tokenUrl, not with tokenFile$/],
  ],
  [
    'a URL with a password in it, which would be told',
    { MECHANISM: 'oauthbearer', TOKEN_URL: 'https://user:s3cret@login/token', CLIENT_ID: 'i', CLIENT_SECRET: 's' },
    [/^kafka.sasl.tokenUrl .*: expected a URL without user and password$/],
  ],
]
for (const [name, sasl, lines] of cases) {
  test(`refused: ${name}`, () => {
    const found = refusal(sasl).filter((line) => !line.startsWith('(read from'))
    assert.equal(found.length, lines.length, found.join('\n'))
    lines.forEach((line, at) => {
      if (typeof line === 'string') assert.equal(found[at], line)
      else assert.match(found[at] ?? '', line)
    })
  })
}
