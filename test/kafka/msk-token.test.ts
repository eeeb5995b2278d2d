/** Tokens for MSK: their form, and their signature by an arithmetic of its own. What MSK says of them, no test here can know. */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { mskTokens, signedToken } from '../../src/kafka/msk-token.ts'

const at = new Date('2026-01-31T10:20:30Z')
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const secondsLeft = (seconds: number) => new Date(at.getTime() + seconds * 1_000 + 450)

async function urlOf(credentials: Parameters<typeof signedToken>[1] extends () => Promise<infer C> ? C : never) {
  const token = await signedToken('eu-west-1', () => Promise.resolve(credentials), at)
  assert.match(token, /^[A-Za-z0-9_-]+$/)
  return new URL(Buffer.from(token, 'base64url').toString())
}

test('a token is a signed URL for kafka-cluster:Connect that holds for 15 minutes', async () => {
  const url = await urlOf({ ...keys, sessionToken: 'a/session+token=' })
  assert.equal(url.origin + url.pathname, 'https://kafka.eu-west-1.amazonaws.com/')
  const { 'X-Amz-Signature': signature, ...rest } = Object.fromEntries(url.searchParams)
  assert.match(signature ?? '', /^[0-9a-f]{64}$/)
  assert.deepEqual(rest, {
    Action: 'kafka-cluster:Connect',
    'User-Agent': 'firn',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': 'AKIDEXAMPLE/20260131/eu-west-1/kafka-cluster/aws4_request',
    'X-Amz-Date': '20260131T102030Z',
    'X-Amz-Expires': '900',
    'X-Amz-Security-Token': 'a/session+token=',
    'X-Amz-SignedHeaders': 'host',
  })
})

test('its signature is that of AWS Signature Version 4', async () => {
  const url = await urlOf({ ...keys, sessionToken: 'a/session+token=' })
  const query = url.search
    .slice(1)
    .split('&')
    .filter((parameter) => !/^(X-Amz-Signature|User-Agent)=/.test(parameter))
    .sort()
    .join('&')
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const canonical = `GET\n/\n${query}\nhost:kafka.eu-west-1.amazonaws.com\n\nhost\n${sha256('')}`
  const scope = ['20260131', 'eu-west-1', 'kafka-cluster', 'aws4_request']
  const toSign = `AWS4-HMAC-SHA256\n20260131T102030Z\n${scope.join('/')}\n${sha256(canonical)}`
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${keys.secretAccessKey}`)
  assert.equal(url.searchParams.get('X-Amz-Signature'), hmac(key, toSign).toString('hex'))
})

test('it ends with the credentials, in whole seconds', async () => {
  const life = async (seconds: number) => {
    const url = await urlOf({ ...keys, expiration: secondsLeft(seconds) })
    return url.searchParams.get('X-Amz-Expires')
  }
  assert.equal(await life(3_600), '900')
  assert.equal(await life(499), '499')
})

test('the credentials are those of the environment, as for every AWS client; without any it waits for them', async (t) => {
  const changed = { AWS_ACCESS_KEY_ID: 'AKIDOFENV', AWS_SECRET_ACCESS_KEY: 'x', AWS_EC2_METADATA_DISABLED: 'true' }
  const before = { ...process.env }
  t.after(() => {
    process.env = before
  })
  Object.assign(process.env, changed, { HOME: '/nonexistent' })
  const url = Buffer.from(await mskTokens('us-east-1')(), 'base64url').toString()
  assert.match(url, /X-Amz-Credential=AKIDOFENV%2F\d{8}%2Fus-east-1%2Fkafka-cluster%2Faws4_request/)
  delete process.env['AWS_ACCESS_KEY_ID']
  await assert.rejects(mskTokens('us-east-1')(), {
    code: 'TOKEN_UNAVAILABLE',
    message: /^the AWS credential chain has no credentials: /,
  })
})
