/**
 * `firn check` before a real S3 server with accounts and policies: rights that are missing or too many, and how the bucket is set up.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { PutBucketPolicyCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { findParts } from '../../src/local/parts.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { createBucket } from '../../src/stage/s3.ts'
import { type Child, start, stop } from '../lab/child.ts'
import { type Checks, openChecks } from '../support/check.ts'
import { type S3Answers, s3Error, startS3Answers } from '../support/s3-answers.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const { kafka } = testStack()
const bucket = 'guarded'
const prefix = 'firn/'
const root = { accessKeyId: 'root', secretAccessKey: 'root-secret' }
const writer = { accessKeyId: 'writer', secretAccessKey: 'writer-secret' }

let folder: string
let server: Child
let answers: S3Answers
let admin: S3Client
let checks: Checks

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-guarded-'))
  const [port = 0] = await choosePorts(1)
  const endpoint = `http://127.0.0.1:${port}`
  const [iam, versions, objects] = ['iam', 'versions', 'objects'].map((name) => join(folder, name))
  assert.ok(iam && versions && objects)
  await Promise.all([iam, versions, objects].map((name) => mkdir(name)))
  const keys = { ROOT_ACCESS_KEY_ID: root.accessKeyId, ROOT_SECRET_ACCESS_KEY: root.secretAccessKey }
  const { versitygw } = findParts()
  const backend = ['posix', '--versioning-dir', versions, objects]
  const args = ['--port', `127.0.0.1:${port}`, '--quiet', '--iam-dir', iam, '--iam-cache-disable', ...backend]
  server = await start(versitygw, args, join(folder, 's3.log'), keys)
  const region = 'us-east-1'
  await until(
    'the S3 server',
    () => createBucket({ bucket, prefix, region, endpoint, ...root }).then(...settled),
    Boolean,
  )
  const login = ['--access', root.accessKeyId, '--secret', root.secretAccessKey, '--endpoint-url', endpoint]
  const user = ['--access', writer.accessKeyId, '--secret', writer.secretAccessKey, '--role', 'user']
  await promisify(execFile)(versitygw, ['admin', ...login, 'create-user', ...user])
  admin = new S3Client({ region, endpoint, forcePathStyle: true, credentials: { ...root } })
  answers = await startS3Answers(endpoint)
  checks = await openChecks()
})

const settled = [() => true, () => false] as const

after(async () => {
  await checks.close()
  await answers.close()
  admin.destroy()
  await stop(server)
  await rm(folder, { recursive: true })
})

async function allow(...actions: readonly string[]): Promise<void> {
  const [onBucket, onObjects] = [
    ['ListBucket', 'GetBucketVersioning'],
    ['PutObject', 'GetObject', 'DeleteObject'],
  ].map((some) => some.filter((action) => actions.includes(action)).map((action) => `s3:${action}`))
  const statement = (Action: readonly string[] = [], Resource: string) =>
    Action.length === 0 ? [] : [{ Effect: 'Allow', Principal: { AWS: [writer.accessKeyId] }, Action, Resource }]
  const Statement = [
    ...statement(onBucket, `arn:aws:s3:::${bucket}`),
    ...statement(onObjects, `arn:aws:s3:::${bucket}/${prefix}*`),
  ]
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
  await admin.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
}

/** Kafka is the shared stack's; its topic is not there, which is a finding of that part. */
function check(changes: object = {}, env?: Readonly<Record<string, string>>) {
  const settings = {
    kafka: { brokers: kafka.brokers },
    stage: { bucket, prefix, endpoint: answers.endpoint, ...writer, ...changes },
    log: { level: 'silent' },
    tables: [{ topic: 'guarded-nowhere', table: 'S.T', key: ['id'] }],
  }
  return checks.check(settings, env)
}

const troubles = async (changes?: object) => (await check(changes)).troubles('stage')

describe('what the key may do', { concurrency: false }, () => {
  test('put, get and list are enough, and all that it leaves are two small objects', async () => {
    await allow('PutObject', 'GetObject', 'ListBucket')
    for (let turn = 0; turn < 2; turn++) {
      const checked = await check()
      assert.deepEqual(checked.troubles('stage'), [])
      assert.equal(checked.detail('rights'), 's3://guarded/firn/ can be written, read and listed')
      assert.equal(checked.detail('If-None-Match'), 'nothing that is there is replaced')
      assert.equal(checked.detail('versioning'), 'not known: this key may not ask')
    }
    assert.deepEqual((await readdir(join(folder, 'objects', bucket, prefix, '_firn'))).sort(), ['!probe', '!rights'])
  })

  test('a right to delete is more than it needs, and nothing is removed in finding that', async () => {
    await allow('PutObject', 'GetObject', 'ListBucket', 'DeleteObject')
    const checked = await check()
    const [first = '', ...rest] = checked.troubles('stage')
    assert.match(
      first,
      /^warning right s3:DeleteObject: this key may remove what lies under s3:\/\/guarded\/firn\/ \| Take/,
    )
    assert.ok(first.includes(`firn migrate --config ${checks.file} --render DIR`), first)
    assert.deepEqual(rest, [])
    assert.deepEqual((await readdir(join(folder, 'objects', bucket, prefix, '_firn'))).sort(), ['!probe', '!rights'])
  })

  for (const [missing, on] of [
    ['PutObject', 'arn:aws:s3:::guarded/firn/*'],
    ['GetObject', 'arn:aws:s3:::guarded/firn/*'],
    ['ListBucket', 'arn:aws:s3:::guarded'],
  ] as const) {
    test(`s3:${missing} alone is missing`, async () => {
      await allow(...['PutObject', 'GetObject', 'ListBucket'].filter((action) => action !== missing))
      const checked = await check()
      assert.equal(checked.code, 3)
      const [first = '', ...rest] = checked.troubles('stage')
      assert.match(
        first,
        new RegExp(`^failure right s3:${missing}: STAGE_DENIED: cannot .* \\| Allow s3:${missing} on `),
      )
      assert.ok(first.includes(`on ${on},`), first)
      assert.deepEqual(rest, [])
    })
  }

  test('no right at all, or a wrong key, is one line', async () => {
    await allow('GetBucketVersioning')
    for (const changes of [{}, { secretAccessKey: 'wrong' }, { accessKeyId: 'nobody' }]) {
      const [first = '', ...rest] = await troubles(changes)
      assert.match(first, /^failure rights: STAGE_DENIED: .* \| The object store refuses the credentials or the right/)
      assert.deepEqual(rest, [])
    }
  })

  test('a bucket that is not there, or a store, is one line', async () => {
    const missing = await troubles({ bucket: 'no-such-bucket', ...root })
    assert.match(missing.join('\n'), /^failure bucket no-such-bucket: BUCKET_MISSING: [^\n]* \| [^\n]*stage\.bucket\.$/)
    const unreachable = await troubles({ endpoint: 'http://127.0.0.1:1' })
    assert.match(unreachable.join('\n'), /^failure bucket guarded: STAGE_UNREACHABLE: [^\n]*stage\.region\.$/)
  })
})

describe('how the bucket is set up', { concurrency: false }, () => {
  before(() => allow('PutObject', 'GetObject', 'ListBucket', 'GetBucketVersioning'))

  test('versioning that is off is a warning, and not when it is on', async () => {
    assert.match(
      (await troubles()).join('\n'),
      /^warning versioning: off: [^\n]* \| Switch it on, with a lifecycle rule/,
    )
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await admin.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
    const checked = await check()
    assert.deepEqual(checked.troubles('stage'), [])
    assert.equal(checked.detail('versioning'), 'on')
  })

  test('public access that is not blocked in all four ways is a warning', async (t) => {
    t.after(() => {
      answers.answer('publicAccessBlock', null)
    })
    const block = (last: boolean) => {
      const ways = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets']
      const members = ways.map((way, at) => `<${way}>${at < 3 || last}</${way}>`).join('')
      return { status: 200, body: `<PublicAccessBlockConfiguration>${members}</PublicAccessBlockConfiguration>` }
    }
    answers.answer('publicAccessBlock', block(true))
    assert.equal((await check()).detail('public access'), 'blocked')
    for (const reply of [block(false), s3Error(404, 'NoSuchPublicAccessBlockConfiguration')]) {
      answers.answer('publicAccessBlock', reply)
      assert.match(
        (await troubles()).join('\n'),
        /^warning public access: is not blocked on the bucket \| Block all four/,
      )
    }
    answers.answer('publicAccessBlock', s3Error(403, 'AccessDenied'))
    assert.equal((await check()).detail('public access'), 'not known: this key may not ask')
  })

  test('a store that is taken for AWS and tells of no encryption is a warning', async () => {
    const checked = await check({ endpoint: undefined }, { AWS_ENDPOINT_URL_S3: answers.endpoint })
    const [only = '', ...rest] = checked.troubles('stage')
    assert.match(
      only,
      /^warning encryption: the store tells of none for what is put; .* \| Set a default encryption on/,
    )
    assert.deepEqual(rest, [])
  })

  test('encryption is told of what is put, and of the default', async (t) => {
    t.after(() => {
      answers.answer('encryption', null)
      answers.answer('object', null)
    })
    const key = 'arn:aws:kms:eu-west-1:123456789012:key/a'
    const rule = `<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>${key}</KMSMasterKeyID>`
    const body = `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>${rule}</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`
    const told = async () => (await check()).detail('encryption')
    assert.equal(await told(), 'the store tells of none; the default is not known: the store does not tell')
    answers.answer('encryption', { status: 200, body })
    answers.answer('object', { headers: { 'x-amz-server-side-encryption': 'AES256' } })
    assert.equal(await told(), `what is put is encrypted: AES256; by default aws:kms with ${key}`)
    answers.answer('encryption', s3Error(403, 'AccessDenied'))
    assert.match(await told(), /^what is put is encrypted: AES256; the default is not known: this key may not ask$/)
    answers.answer('encryption', s3Error(404, 'ServerSideEncryptionConfigurationNotFoundError'))
    assert.match(await told(), /; by default none$/)
    // Whatever else a store says of a question that ingest does not need is no fault.
    answers.answer('encryption', s3Error(500, 'InternalError'))
    assert.match(await told(), /; the default is not known: the store does not tell$/)
  })
})
