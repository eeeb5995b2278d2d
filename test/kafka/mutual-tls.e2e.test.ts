/** Client certificates at a real broker that demands them, and what is said where one side does not take the other's. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { KafkaConfig } from '../../src/config.ts'
import { kafkaClient, kafkaFailure } from '../../src/kafka/client.ts'
import { certificatesIn, makeCertificates } from '../../src/local/certificates.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { createLogger } from '../../src/telemetry.ts'
import { type KafkaCluster, startCluster } from '../lab/kafka-cluster.ts'

const run = promisify(execFile)

type Pair = { readonly cert: string; readonly key: string }

let folder: string
let cluster: KafkaCluster
let port: number
let ca: string
let known: Pair
let stranger: Pair

/** A client certificate of the authority in a folder. */
async function clientOf(dir: string): Promise<Pair> {
  const cwd = join(dir, 'certificates')
  const at = { cwd }
  const request = ['-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=firn', '-keyout', 'client.key', '-out', 'client.csr']
  await run('openssl', ['req', ...request], at)
  const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2']
  await run('openssl', ['x509', '-req', '-in', 'client.csr', ...authority, '-out', 'client.pem'], at)
  const [cert, key] = await Promise.all(['client.pem', 'client.key'].map((name) => readFile(join(cwd, name), 'utf8')))
  return { cert: cert ?? '', key: key ?? '' }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-mutual-'))
  const elsewhere = join(folder, 'elsewhere')
  await Promise.all([makeCertificates(folder), makeCertificates(elsewhere)])
  ;[known, stranger] = await Promise.all([clientOf(folder), clientOf(elsewhere)])
  const { caFile, serverFile } = certificatesIn(folder)
  ca = await readFile(caFile, 'utf8')
  port = (await choosePorts(1))[0] ?? 0
  const listener = 'listener.name.mutual.ssl'
  cluster = await startCluster(folder, 1, {
    listeners: { MUTUAL: { port, protocol: 'SSL' } },
    settings: {
      [`${listener}.client.auth`]: 'required',
      [`${listener}.keystore.type`]: 'PEM',
      [`${listener}.keystore.location`]: serverFile,
      [`${listener}.truststore.type`]: 'PEM',
      [`${listener}.truststore.location`]: caFile,
    },
  })
})

after(async () => {
  await cluster.down()
  await rm(folder, { recursive: true })
})

async function login(tls: Partial<Pick<KafkaConfig, 'ca' | 'cert' | 'key'>>): Promise<readonly string[]> {
  const settings = { brokers: [`127.0.0.1:${port}`], group: 'x', clientId: 'test', ssl: true, ...tls }
  const admin = kafkaClient(settings, createLogger({ level: 'silent' })).admin()
  try {
    await admin.connect()
    return await admin.listTopics()
  } catch (error) {
    throw kafkaFailure(error, 'log in')
  } finally {
    await admin.disconnect()
  }
}

test('a client certificate of the right authority logs in', async () => {
  assert.deepEqual(await login({ ca, ...known }), [])
})

test('without one, with one of another authority, and where the brokers have one of another, it is refused for good', async () => {
  const refusals = [
    [{ ca }, /^cannot log in: Connection error: (ssl|tlsv1)[^:]*(bad certificate|certificate required)$/],
    [{ ca, ...stranger }, /^cannot log in: Connection error: (ssl|tlsv1)[^:]* alert [a-z ]*$/],
    [{ ...known }, /self-signed certificate/],
    [{ ca, cert: known.cert, key: stranger.key }, /key values mismatch/],
    [{ ca, cert: 'no certificate', key: known.key }, /no start line/],
  ] as const
  for (const [tls, message] of refusals) {
    await assert.rejects(login(tls), { code: 'KAFKA_DENIED', message }, Object.keys(tls).join())
  }
})
