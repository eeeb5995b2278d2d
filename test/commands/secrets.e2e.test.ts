/**
 * Whatever Firn says, it tells no secret: every command in every form, at the most talkative log level, with logins that work and
 * with one that fails for each secret of the schema.
 */
import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stringify } from 'yaml'
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { connectSnowflake } from '../../src/snowflake/session.ts'
import { createLogger } from '../../src/telemetry.ts'
import { firn, startFirn } from '../support/firn.ts'
import { leaksIn, plantedSecret, type Secret, secretSettings } from '../support/secrets.ts'
import { testStack } from '../support/stack.ts'
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts'
import { until } from '../support/until.ts'

const stack = testStack()
const id = randomBytes(4).toString('hex')
const topic = `secrets-${id}`
const database = `SECRETS_${id.toUpperCase()}`
const passphrase = plantedSecret({ name: 'passphrase' })
const loud = { FIRN_LOG_LEVEL: 'trace' }

let folder: string
let endpoint: TokenEndpoint
let working: Sections
let secrets: readonly Secret[]

type Sections = Readonly<Record<string, unknown>> & {
  readonly kafka: Readonly<Record<string, unknown>>
  readonly stage: Readonly<Record<string, unknown>>
  readonly warehouse: Readonly<Record<string, unknown>>
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-secrets-'))
  endpoint = await startTokenEndpoint({ id: 'firn', secret: 'right' })
  const { kafka, s3, warehouse } = stack
  const key = createPrivateKey(await readFile(warehouse.privateKeyFile))
  const cipher = { cipher: 'aes-256-cbc', passphrase: passphrase.value }
  const privateKeyFile = join(folder, 'key.p8')
  await writeFile(privateKeyFile, key.export({ format: 'pem', type: 'pkcs8', ...cipher }))
  const { accessUrl, account, user, warehouse: compute, storageIntegration } = warehouse
  const { bucket, region, endpoint: store, accessKeyId, secretAccessKey } = s3
  working = {
    kafka: {
      brokers: kafka.saslSslBrokers,
      group: topic,
      ca: await readFile(kafka.caFile, 'utf8'),
      sasl: { mechanism: 'scram-sha-512', username: kafka.username, password: kafka.password },
    },
    stage: { bucket, region, endpoint: store, accessKeyId, secretAccessKey, prefix: `${topic}/` },
    warehouse: {
      ...{ accessUrl, account, user, warehouse: compute, storageIntegration, database },
      ...{ privateKeyFile, privateKeyPassphrase: passphrase.value },
    },
    ingest: { freshness: '300ms' },
    audit: { every: '1s' },
    status: { listen: '127.0.0.1:0' },
    tables: [{ topic, table: 'SHOP.T', key: ['id'] }],
  }
  secrets = [
    { name: "Kafka's password", value: kafka.password },
    { name: "the store's key", value: secretAccessKey },
    { name: "Snowflake's password", value: warehouse.password },
    passphrase,
    // In the middle of it, where lines of one format are lines of another.
    { name: 'the private key', value: key.export({ format: 'der', type: 'pkcs8' }).subarray(300, 420).toString('hex') },
    {
      name: 'the private key, PEM',
      value: key.export({ format: 'pem', type: 'pkcs8' }).toString().split('\n')[8] ?? '',
    },
  ]
  for (const { name, value } of secrets) assert.ok(value.length >= 12, `${name} could be found by chance`)
  const client = { brokers: [...kafka.brokers], group: 'x', clientId: 'test', ssl: false }
  const plain = kafkaClient(client, createLogger({ level: 'silent' }))
  const [admin, producer] = [plain.admin(), plain.producer({ createPartitioner: Partitioners.DefaultPartitioner })]
  await Promise.all([admin.connect(), producer.connect()])
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false })
  const change = JSON.stringify({ operation: 'INSERT', before: null, after: { id: 1 } })
  await until(
    'messages sent',
    () =>
      producer.send({ topic, messages: [change, 'no JSON'].map((value) => ({ key: '1', value })) }).then(
        () => true,
        () => false,
      ),
    Boolean,
  )
  await Promise.all([admin.disconnect(), producer.disconnect()])
})

after(async () => {
  const owner = await connectSnowflake({ ...stack.warehouse, database })
  await owner.execute(`DROP DATABASE IF EXISTS ${database}`)
  await owner.close()
  await endpoint.close()
  await rm(folder, { recursive: true })
})

async function fileOf(name: string, sections: Sections): Promise<string> {
  const file = join(folder, `${name}.yaml`)
  await writeFile(file, stringify(sections))
  return file
}

/** Runs an ingester until its log says so; all that it says, and all that it answers. */
async function said(file: string, enough: RegExp): Promise<string> {
  const running = startFirn(['run', '--config', file], loud)
  const ended = running.finished.then(() => true)
  await until(
    `${String(enough)} of ${running.log()}`,
    () => Promise.race([ended, Promise.resolve(enough.test(running.log()))]),
    Boolean,
  )
  const port = /"status":"port (\d+)"/.exec(running.log())?.[1] ?? ''
  const answers = await Promise.all(
    ['/', '/metrics', '/readyz', '/healthz', '/nothing'].map((path) =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        (answer) => answer.text(),
        () => '',
      ),
    ),
  )
  running.process.kill('SIGTERM')
  const { stdout, stderr } = await running.finished
  return [stdout, stderr, ...answers].join('\n')
}

const range = ['--topic', topic, '--partition', '0', '--offsets', '0-1']
/** Each command in order, as far as it reads the configuration; `local` and `demo` have none. */
const commands: readonly (readonly string[])[] = [
  ['check'],
  ['check', '--json'],
  ['migrate', '--plan'],
  ['migrate'],
  ['check', '--json'],
  ['status'],
  ['status', '--json'],
  ['audit', '--deep', '--json'],
  ['audit', '--repair', '--dry-run'],
  ['trace', '--table', 'SHOP.T', '--id', '1', '--json'],
  ['rejects', 'list', '--json'],
  ['backfill', ...range, '--from', 'log', '--plan', '--json'],
  ['backfill', 'list', '--json'],
  ['ack-gap', ...range, '--dry-run', '--discard', '--json'],
]

test('with logins that work, no command and no answer tells a secret', async () => {
  const file = await fileOf('working', working)
  const names = new Set(commands.map(([name]) => name))
  const { stdout: help } = await firn(['--help'])
  const all = [...help.matchAll(/^ {2}(\S+) +\S/gm)].map(([, name]) => name)
  assert.deepEqual(all.filter((name) => !names.has(name ?? '')).toSorted(), ['demo', 'local', 'run'])

  const rendered = join(folder, 'rendered')
  const texts = new Map<string, string>()
  const note = (name: string, text: string): void => void texts.set(`${texts.size} ${name}`, text)
  note('run', await said(file, /"code":"MIGRATION_MISSING"/))
  for (const args of [...commands, ['migrate', '--render', rendered]]) {
    const { stdout, stderr } = await firn([...args, '--config', file], loud)
    assert.ok((stdout + stderr).length > 1, args.join(' '))
    note(args.join(' '), `${stdout}\n${stderr}`)
  }
  for (const name of await readdir(rendered, { recursive: true })) {
    note(name, await readFile(join(rendered, name), 'utf8').catch(() => ''))
  }
  note('run again', await said(file, /"msg":"assigned"|assigned/))
  for (const [name, text] of texts) assert.deepEqual(leaksIn(text, secrets), [], name)
  assert.ok(texts.size > 30, 'with the scripts')
})

/** Of each secret setting: what must stand beside it so that it is used, and what the ingester says when it is refused. */
const refused: Readonly<Record<string, (value: string) => readonly [change: object, said: RegExp]>> = {
  'kafka.key': (value) => [
    { kafka: { ...working.kafka, cert: '-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----', key: value } },
    /KAFKA|UNKNOWN/,
  ],
  'kafka.sasl.password': (value) => [
    { kafka: { ...working.kafka, sasl: { mechanism: 'plain', username: 'firn', password: value } } },
    /KAFKA_DENIED/,
  ],
  'kafka.sasl.clientSecret': (value) => [
    {
      kafka: {
        ...working.kafka,
        sasl: { mechanism: 'oauthbearer', tokenUrl: endpoint.url, clientId: 'firn', clientSecret: value },
      },
    },
    // These brokers know no tokens; what an endpoint that refuses makes Firn say is looked at where Kafka's logins are.
    /KAFKA_DENIED/,
  ],
  'stage.secretAccessKey': (value) => [{ stage: { ...working.stage, secretAccessKey: value } }, /STAGE_DENIED/],
  'warehouse.password': (value) => [
    {
      warehouse: {
        ...working.warehouse,
        password: value,
        privateKeyFile: undefined,
        privateKeyPassphrase: undefined,
      },
    },
    /WAREHOUSE_DENIED/,
  ],
  'warehouse.privateKeyPassphrase': (value) => [
    { warehouse: { ...working.warehouse, privateKeyPassphrase: value } },
    /CONFIG_INVALID/,
  ],
}

test('each secret of the schema has its refusal here', () => {
  assert.deepEqual(Object.keys(refused).toSorted(), secretSettings.map(({ name }) => name).toSorted())
})

for (const setting of secretSettings) {
  test(`a login that fails for ${setting.name} does not tell it, nor the others`, async () => {
    const planted = plantedSecret(setting)
    const [change, enough] = refused[setting.name]?.(planted.value) ?? [{}, /never/]
    const file = await fileOf(setting.name, { ...working, ...change })
    const texts = [await said(file, enough)]
    for (const args of [['check'], ['check', '--json'], ['status', '--json'], ['migrate', '--plan']]) {
      const { stdout, stderr } = await firn([...args, '--config', file], loud)
      texts.push(stdout, stderr)
    }
    const text = texts.join('\n')
    assert.match(text, enough)
    assert.deepEqual(leaksIn(text, [planted, ...secrets]), [])
  })
}
