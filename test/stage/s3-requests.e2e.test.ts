/**
 * What requests to the store say, looked at on their way to a real S3 server: encryption on every put, the bucket's owner on
 * every request, and as whom they are signed.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { command as ackGap } from '../../src/commands/ack-gap.ts'
import type { StageConfig } from '../../src/config.ts'
import { probeStage } from '../../src/stage/probe.ts'
import { openStage } from '../../src/stage/s3.ts'
import {
  configOf,
  createTopic,
  endGround,
  folder,
  landingFiles,
  producer,
  insert,
  settings,
  stageAll,
} from '../ingest/run-ground.ts'
import { runCommand } from '../support/command.ts'
import { type RecordingStore, startRecordingStore } from '../support/recording-store.ts'

const owner = '111122223333'
const kmsKeyId = `arn:aws:kms:us-east-1:${owner}:key/one`
let store: RecordingStore
let dir: string

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firn-requests-'))
  store = await startRecordingStore(dir, owner)
})
after(async () => {
  await endGround()
  await store.down()
  await rm(dir, { recursive: true })
})

const config = (change: Partial<StageConfig> = {}): StageConfig => ({
  ...store.stage,
  ...{ prefix: `requests-${randomUUID()}/`, encryption: 'aws:kms', kmsKeyId, expectedBucketOwner: owner, ...change },
})

test('every kind of request names the owner, and every put the encryption and the key, signed with the rest', async () => {
  const from = store.noted.length
  const { prefix, ...more } = config()
  const stage = openStage({ prefix, ...more })
  await probeStage(stage, prefix)
  await stage.put(`${prefix}a`, Buffer.from('a'), { rows: '1' })
  await stage.copy(`${prefix}a`, `${prefix}b`)
  assert.equal((await stage.head(`${prefix}b`))?.size, 1)
  for await (const { key } of stage.list(prefix)) await stage.get(key)
  await stage.remove(`${prefix}a`)
  stage.close()
  const requests = store.noted.slice(from)
  assert.deepEqual(new Set(requests.map(({ method }) => method)), new Set(['PUT', 'GET', 'HEAD', 'DELETE']))
  for (const { method, path, headers } of requests) {
    const where = `${method} ${path}`
    const signed = /SignedHeaders=([^,]*)/.exec(String(headers['authorization']))?.[1]?.split(';') ?? []
    assert.equal(headers['x-amz-expected-bucket-owner'], owner, where)
    assert.ok(signed.includes('x-amz-expected-bucket-owner'), where)
    if (method !== 'PUT') continue
    assert.equal(headers['x-amz-server-side-encryption'], 'aws:kms', where)
    assert.equal(headers['x-amz-server-side-encryption-aws-kms-key-id'], kmsKeyId, where)
    assert.ok(signed.includes('x-amz-server-side-encryption-aws-kms-key-id'), where)
  }
})

test('an ingester puts nothing without it: landing files, epoch records, large values, gaps', async () => {
  const from = store.noted.length
  const topic = await createTopic(1)
  const stage = { ...config({ encryption: 'AES256' }), kmsKeyId: undefined }
  const given = settings({ topics: [topic], stage, ingest: { maxValueBytes: '1KiB' } })
  const run = configOf({ topics: [topic], stage: given.stage, kafka: given.kafka, ingest: { maxValueBytes: '1KiB' } })
  const large = insert(2).replace('"n"', `"${'x'.repeat(2_000)}"`)
  await producer.send({ topic, messages: [insert(1), large].map((value, key) => ({ key: String(key), value })) })
  await stageAll(run)
  const file = join(folder, 'gap.yaml')
  await writeFile(file, JSON.stringify(given))
  await producer.send({ topic, messages: [{ key: '2', value: insert(3) }] })
  const range = ['--topic', topic, '--partition', '0', '--offsets', '2-2', '--discard']
  await runCommand(ackGap, [...range, '--reason', 'a test', '--config', file])
  assert.equal((await landingFiles(run, topic, 0)).length > 0, true)
  const puts = store.noted.slice(from).filter(({ method }) => method === 'PUT')
  const kinds = [
    /\/\d{20}-\d{20}\.parquet/,
    /_firn\/[^/]+\/e1\.json/,
    /_firn\/[^/]+\/e1\/values\//,
    /_firn\/[^/]+\/e1\/gaps\//,
    /_firn\/%21probe|!probe/,
  ]
  for (const kind of kinds)
    assert.ok(
      puts.some(({ path }) => kind.test(path)),
      `${String(kind)} of ${puts.map(({ path }) => path).join(' ')}`,
    )
  for (const { path, headers } of puts) assert.equal(headers['x-amz-server-side-encryption'], 'AES256', path)
  for (const { path, headers } of store.noted.slice(from)) {
    assert.equal(headers['x-amz-expected-bucket-owner'], owner, path)
  }
})

test('without the settings no request says a word of it', async () => {
  const from = store.noted.length
  const { encryption, kmsKeyId: key, expectedBucketOwner, ...plain } = config()
  assert.ok(encryption && key && expectedBucketOwner)
  const stage = openStage(plain)
  await stage.put(`${plain.prefix}a`, Buffer.from('a'), {})
  stage.close()
  const names = store.noted.slice(from).flatMap(({ headers }) => Object.keys(headers))
  assert.ok(names.length > 0)
  assert.deepEqual(
    names.filter((name) => /owner|encryption/.test(name)),
    [],
  )
})

test('a bucket of another account is refused in words that name the setting', async () => {
  const { prefix, ...more } = config({ expectedBucketOwner: '999988887777' })
  const stage = openStage({ prefix, ...more })
  const attempts = {
    put: () => stage.put(`${prefix}a`, Buffer.from('a'), {}),
    head: () => stage.head(`${prefix}a`),
    get: () => stage.get(`${prefix}a`),
    list: () => stage.list(prefix)[Symbol.asyncIterator]().next(),
  }
  for (const [name, attempt] of Object.entries(attempts)) {
    const message = /; or it is not a bucket of account 999988887777 \(stage\.expectedBucketOwner\)$/
    await assert.rejects(attempt(), { code: 'STAGE_DENIED', message }, name)
  }
  stage.close()
})

test("without keys, a pod's role is assumed with the token that Kubernetes wrote", async (t) => {
  const asked: string[] = []
  const credentials = `<Credentials><AccessKeyId>ASIAOFTHEROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>of-the-role</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials>`
  const sts = createServer((incoming, answer) => {
    void text(incoming).then((body) => {
      asked.push(body)
      answer.writeHead(200, { 'content-type': 'text/xml' })
      answer.end(
        `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>${credentials}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
      )
    })
  })
  sts.listen(0, '127.0.0.1')
  await once(sts, 'listening')
  const tokenFile = join(dir, 'token')
  await writeFile(tokenFile, 'of-the-service-account')
  const variables = {
    AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    AWS_ROLE_ARN: `arn:aws:iam::${owner}:role/firn-ingester`,
    AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(sts.address() as AddressInfo).port}`,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  Object.assign(process.env, variables)
  t.after(() => {
    for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name)
    sts.close()
    sts.closeAllConnections()
  })
  const { accessKeyId: id, secretAccessKey: secret, prefix, ...rest } = config()
  assert.ok(id && secret)
  const stage = openStage({ prefix, ...rest })
  // The S3 server does not know the role; what is looked at is who asks.
  await assert.rejects(stage.head(`${prefix}a`))
  stage.close()
  assert.match(asked[0] ?? '', /Action=AssumeRoleWithWebIdentity/)
  assert.match(asked[0] ?? '', /WebIdentityToken=of-the-service-account/)
  const headers = store.noted.at(-1)?.headers ?? {}
  assert.match(String(headers['authorization']), /Credential=ASIAOFTHEROLE\//)
  assert.equal(headers['x-amz-security-token'], 'of-the-role')
})
