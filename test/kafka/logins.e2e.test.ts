/**
 * Logins with tokens and with client certificates, at a real broker: it asks a token endpoint for its keys, as production does.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { startRun } from '../../src/commands/run.ts'
import { configSchema, type SaslConfig } from '../../src/config.ts'
import { kafkaClient, kafkaFailure, Partitioners } from '../../src/kafka/client.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { createLogger } from '../../src/telemetry.ts'
import { type KafkaCluster, startCluster } from '../lab/kafka-cluster.ts'
import { leaksIn } from '../support/secrets.ts'
import { testStack } from '../support/stack.ts'
import { audience, startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts'
import { until } from '../support/until.ts'

const silent = createLogger({ level: 'silent' })
const client = { id: 'firn', secret: 'a secret: 100% &c' }
/** What a broker allows until the next login; kafkajs logs in again 10 s before it is over. */
const sessionMs = 13_000
const bearer = 'org.apache.kafka.common.security.oauthbearer'

let folder: string
let endpoint: TokenEndpoint
let cluster: KafkaCluster
let port: number
/** Nobody listens there. */
let silentPort: number

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-logins-'))
  endpoint = await startTokenEndpoint(client)
  const chosen = await choosePorts(2)
  port = chosen[0] ?? 0
  silentPort = chosen[1] ?? 0
  const listener = 'listener.name.oauth'
  cluster = await startCluster(folder, 1, {
    listeners: { OAUTH: { port, protocol: 'SASL_PLAINTEXT' } },
    settings: {
      [`${listener}.sasl.enabled.mechanisms`]: 'OAUTHBEARER',
      [`${listener}.oauthbearer.sasl.server.callback.handler.class`]: `${bearer}.OAuthBearerValidatorCallbackHandler`,
      [`${listener}.oauthbearer.sasl.jaas.config`]: `${bearer}.OAuthBearerLoginModule required;`,
      [`${listener}.oauthbearer.connections.max.reauth.ms`]: String(sessionMs),
      'sasl.oauthbearer.jwks.endpoint.url': endpoint.jwksUrl,
      'sasl.oauthbearer.expected.audience': audience,
    },
    javaFlags: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${endpoint.jwksUrl}`],
  })
})

after(async () => {
  await cluster.down()
  await endpoint.close()
  await rm(folder, { recursive: true })
})

/** Logs in, asks for the topics so often, a second apart; what kafkajs said meanwhile. */
async function login(sasl: SaslConfig, { times = 1, brokers = [`127.0.0.1:${port}`] } = {}): Promise<string> {
  const lines: string[] = []
  const settings = { brokers, group: 'x', clientId: 'test', ssl: false, sasl }
  const admin = kafkaClient(settings, createLogger({ level: 'trace', stream: sink(lines) })).admin()
  try {
    await admin.connect()
    for (let time = 0; time < times; time++) {
      if (time > 0) await sleep(1_000)
      await admin.listTopics()
    }
  } catch (error) {
    const failure = kafkaFailure(error, 'log in')
    assertQuiet(`${inspect(failure, { depth: 10 })}\n${failure.hint}`, sasl)
    throw failure
  } finally {
    await admin.disconnect()
    assertQuiet(lines.join(''), sasl)
  }
  return lines.join('')
}

/** Neither the client's secret, of which the endpoint says more than it should, nor a token. */
function assertQuiet(said: string, sasl: SaslConfig): void {
  const value = sasl.mechanism === 'oauthbearer' && sasl.clientSecret !== undefined ? sasl.clientSecret : client.secret
  assert.deepEqual(leaksIn(said, [{ name: 'the secret', value }]), [])
  assert.doesNotMatch(said, /eyJ[\w-]+\.|aHR0cHM6Ly9rYWZrYS/, 'a token')
}

const fromEndpoint = (change: Partial<Extract<SaslConfig, { readonly mechanism: 'oauthbearer' }>> = {}) =>
  ({
    mechanism: 'oauthbearer',
    tokenUrl: endpoint.url,
    clientId: client.id,
    clientSecret: client.secret,
    ...change,
  }) as const

describe('a token of an endpoint', { concurrency: false }, () => {
  test('is asked for with the credentials and the scope, and logs in', async () => {
    await login(fromEndpoint({ scope: 'kafka' }))
    const [first] = endpoint.asked
    assert.equal(first?.body, 'grant_type=client_credentials&scope=kafka')
    assert.match(first.authorization, /^Basic /)
  })

  test('is renewed before it ends, on the same connection', async () => {
    const before = endpoint.asked.length
    endpoint.behave({ lifeSeconds: 13 })
    const log = await login(fromEndpoint(), { times: 20 })
    endpoint.behave({ lifeSeconds: 300 })
    // At the start, and every 3 to 4 s: the broker would have ended the connection after 13 s.
    const asked = endpoint.asked.length - before
    assert.ok(asked >= 5 && asked <= 8, `${asked} tokens in 20 s`)
    assert.equal(log, '', 'kafkajs tells of connections that break')
  })

  test('is not asked for again while it holds', async () => {
    const before = endpoint.asked.length
    await login(fromEndpoint(), { times: 6 })
    assert.equal(endpoint.asked.length - before, 1)
  })

  const refusals = [
    [
      'a wrong secret ends it',
      () => fromEndpoint({ clientSecret: 'a wrong secret' }),
      {},
      'TOKEN_DENIED',
      /401, invalid_client/,
    ],
    ['an endpoint in trouble is waited for', fromEndpoint, { status: 503 }, 'TOKEN_UNAVAILABLE', /HTTP status 503/],
    [
      'an endpoint that sends elsewhere is not followed',
      fromEndpoint,
      { status: 307 },
      'TOKEN_UNAVAILABLE',
      /tokenUrl: /,
    ],
    [
      'an endpoint that nobody hears is waited for',
      () => fromEndpoint({ tokenUrl: `http://127.0.0.1:${silentPort}/token` }),
      {},
      'TOKEN_UNAVAILABLE',
      /no answer from http:\/\/127\.0\.0\.1:\d+\/token: ECONNREFUSED/,
    ],
  ] as const
  for (const [name, sasl, behaviour, code, message] of refusals) {
    test(name, async () => {
      endpoint.behave(behaviour)
      const given = sasl()
      await assert.rejects(login(given), { code, message })
      endpoint.behave({ status: 200 })
    })
  }
})

describe('a token of a file', { concurrency: false }, () => {
  test('is read anew at each login: a renewed one serves the next', async () => {
    const tokenFile = join(folder, 'token')
    const sasl = { mechanism: 'oauthbearer', tokenFile } as const
    await assert.rejects(login(sasl), { code: 'TOKEN_UNAVAILABLE', message: /token cannot be read: ENOENT/ })
    await writeFile(tokenFile, '\n')
    await assert.rejects(login(sasl), { code: 'TOKEN_UNAVAILABLE', message: /holds no token/ })
    await writeFile(tokenFile, endpoint.token('forged'))
    await assert.rejects(login(sasl), { code: 'KAFKA_DENIED', message: /invalid_token/ })
    await writeFile(tokenFile, `${endpoint.token()}\n`)
    await login(sasl)
  })
})

test('a token for MSK reaches the broker as an OAuth token does; one that knows nothing of AWS refuses it', async (t) => {
  const sent: Buffer[] = []
  const wire = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    near.on('data', (data) => sent.push(data)).pipe(far)
    far.pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  wire.listen(0, '127.0.0.1')
  await once(wire, 'listening')
  const variables = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'of-the-environment' }
  Object.assign(process.env, variables)
  t.after(() => {
    for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name)
    wire.close()
  })
  const brokers = [`127.0.0.1:${(wire.address() as AddressInfo).port}`]
  const sasl = { mechanism: 'aws-msk-iam', region: 'eu-west-1' } as const
  await assert.rejects(login(sasl, { brokers }), { code: 'KAFKA_DENIED', message: /invalid_token/ })
  const [, token = ''] = /auth=Bearer ([A-Za-z0-9_-]+)\x01\x01/.exec(Buffer.concat(sent).toString('latin1')) ?? []
  assert.match(
    Buffer.from(token, 'base64url').toString(),
    /^https:\/\/kafka\.eu-west-1\.amazonaws\.com\/\?Action=kafka-/,
  )
})

test('an ingester goes on through many lifetimes of its tokens', async (t) => {
  const { bucket, region, endpoint: store, accessKeyId, secretAccessKey } = testStack().s3
  const kafka = kafkaClient({ brokers: [...cluster.direct], group: 'x', clientId: 'test', ssl: false }, silent)
  const [admin, producer] = [kafka.admin(), kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })]
  await Promise.all([admin.connect(), producer.connect()])
  await admin.createTopics({ topics: [{ topic: 'long', numPartitions: 1 }], waitForLeaders: false })
  endpoint.behave({ lifeSeconds: 13 })
  const lines: string[] = []
  const config = configSchema.parse({
    kafka: { brokers: [`127.0.0.1:${port}`], sasl: fromEndpoint() },
    stage: { bucket, region, endpoint: store, accessKeyId, secretAccessKey, prefix: `logins-${randomUUID()}/` },
    ingest: { freshness: '200ms' },
    status: { listen: '127.0.0.1:0' },
    tables: [{ topic: 'long', table: 'L.L', key: ['id'] }],
  })
  const running = await startRun(config, createLogger({ level: 'info', stream: sink(lines) }))
  t.after(async () => {
    endpoint.behave({ lifeSeconds: 300 })
    running.stop()
    await running.done
    await Promise.all([admin.disconnect(), producer.disconnect()])
  })
  const value = JSON.stringify({ operation: 'INSERT', before: null, after: { id: 1 } })
  for (let sent = 0; sent < 20; sent++) {
    await producer.send({ topic: 'long', messages: [{ key: '1', value }] })
    await sleep(1_000)
  }
  const metrics = async () => (await fetch(`http://127.0.0.1:${running.port}/metrics`)).text()
  await until('all of it staged', metrics, (text) => text.includes('firn_staged_offset{topic="long",partition="0"} 20'))
  assert.deepEqual(
    lines.filter((line) => !line.includes('"level":"info"')),
    [],
  )
})

function sink(lines: string[]): NodeJS.WritableStream {
  return { write: (line: string) => lines.push(line) > 0 } as unknown as NodeJS.WritableStream
}
