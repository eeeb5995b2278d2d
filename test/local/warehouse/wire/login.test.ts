/**
 * Logins and tokens over the wire: who gets in, and for how long.
 */
import assert from 'node:assert/strict'
import { createSign, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fingerprint } from '../../../../src/local/warehouse/wire/login.ts'
import { openServer, type WarehouseServer } from '../../../../src/local/warehouse/wire/server.ts'
import { tableEngine, textResult } from '../../../support/table-engine.ts'
import { assertRefused, postLogin, wireClient } from '../../../support/wire-client.ts'

const engine = tableEngine({ one: () => textResult('1') })
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
let nowMs = Date.now()
let dir: string
let server: WarehouseServer

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firn-wire-'))
  const publicKeyFile = join(dir, 'key.pub')
  await writeFile(publicKeyFile, publicKey.export({ format: 'pem', type: 'spki' }))
  const ignore = (): void => undefined
  server = await openServer(
    {
      port: 0,
      users: [
        { name: 'FIRN', password: 'secret', publicKeyFile },
        { name: 'OTHER', password: 'other', publicKeyFile: null },
        { name: 'ROBOT', password: null, publicKeyFile: null },
      ],
      logger: { info: ignore, error: ignore },
      now: () => nowMs,
    },
    engine,
  )
})

after(async () => {
  await server.close()
  await rm(dir, { recursive: true, force: true })
})

test('an unknown token is refused, an expired one is renewed, and the old one is void then', async () => {
  const own = await wireClient(server.url, 'firn', 'secret')
  assertRefused(await own.post('/session/heartbeat', {}, 'unknown'), '390104', '08001')
  nowMs += 3_600_000
  assertRefused(await own.ask('one'), '390112', '08001')
  const renewal = { requestType: 'RENEW', oldSessionToken: own.token }
  assertRefused(await own.post('/session/token-request', renewal, own.token), '390104', '08001')
  const renewed = await own.post('/session/token-request', renewal, own.masterToken)
  assert.equal(renewed.success, true)
  assertRefused(await own.ask('one'), '390104', '08001')
  const token = String(renewed.data['sessionToken'])
  assert.equal((await own.post('/session/heartbeat', {}, token)).success, true)
  assert.equal((await own.post('/session?delete=true', {}, token)).success, true)
  assertRefused(await own.post('/session/heartbeat', {}, token), '390104', '08001')
  nowMs = Date.now()
})

test('a master token ends after four hours without use', async () => {
  const own = await wireClient(server.url, 'firn', 'secret')
  nowMs += 4 * 3_600_000
  const answer = await own.post('/session/token-request', { requestType: 'RENEW' }, own.masterToken)
  assertRefused(answer, '390114', '08001')
  nowMs = Date.now()
})

/** A token as clients sign it; each part can be another one. */
function jwt(claims: Readonly<Record<string, unknown>> = {}, alg = 'RS256', key = privateKey): string {
  const seconds = Math.floor(Date.now() / 1000)
  const all = {
    iss: `LOCAL.FIRN.${fingerprint(publicKey)}`,
    sub: 'LOCAL.FIRN',
    iat: seconds,
    exp: seconds + 60,
    ...claims,
  }
  const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const signed = `${encode({ alg, typ: 'JWT' })}.${encode(all)}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key).toString('base64url')}`
}

test('a token of a key proves its user, in seconds and in ms', async () => {
  const login = { LOGIN_NAME: 'firn', AUTHENTICATOR: 'SNOWFLAKE_JWT' }
  const nowSeconds = Math.floor(Date.now() / 1000)
  for (const claims of [{}, { iat: Date.now(), exp: Date.now() + 120_000 }, { exp: nowSeconds + 9_000 }]) {
    assert.equal((await postLogin(server.url, { ...login, TOKEN: jwt(claims) })).success, true)
  }
})

test('a token that proves nothing is denied', async () => {
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const nowSeconds = Math.floor(Date.now() / 1000)
  const [head = '', payload = ''] = jwt().split('.')
  const bad: Record<string, string> = {
    nothing: '',
    'no token': 'a.b',
    'no JSON': 'x.y.z',
    unsigned: `${head}.${payload}.`,
    'another algorithm': jwt({}, 'none'),
    'another key': jwt({}, 'RS256', stranger.privateKey),
    "another key's name": jwt({ iss: `LOCAL.FIRN.${fingerprint(stranger.publicKey)}` }),
    'another account': jwt({ sub: 'OTHER.FIRN', iss: `OTHER.FIRN.${fingerprint(publicKey)}` }),
    'another user': jwt({ sub: 'LOCAL.OTHER' }),
    expired: jwt({ iat: nowSeconds - 120, exp: nowSeconds - 1 }),
    'older than an hour': jwt({ iat: nowSeconds - 3_601, exp: nowSeconds + 60 }),
    'of the future': jwt({ iat: nowSeconds + 120, exp: nowSeconds + 180 }),
    'without end': jwt({ exp: 'never' }),
  }
  for (const [name, TOKEN] of Object.entries(bad)) {
    const answer = await postLogin(server.url, { LOGIN_NAME: 'firn', AUTHENTICATOR: 'SNOWFLAKE_JWT', TOKEN })
    assert.equal(answer.code, '390144', name)
  }
  const without = { LOGIN_NAME: 'other', AUTHENTICATOR: 'SNOWFLAKE_JWT', TOKEN: jwt() }
  assertRefused(await postLogin(server.url, without), '390144', '08001')
})

test('a login with what is not known is refused by name', async () => {
  const login = { LOGIN_NAME: 'firn', PASSWORD: 'secret' }
  const browser = await postLogin(server.url, { ...login, AUTHENTICATOR: 'externalbrowser' })
  assertRefused(browser, '000002', '0A000', /EXTERNALBROWSER/)
  const zone = await postLogin(server.url, { ...login, SESSION_PARAMETERS: { TIMEZONE: 'Europe/Zurich' } })
  assertRefused(zone, '000002', '0A000', /TIMEZONE/)
  const fine = { CLIENT_SESSION_KEEP_ALIVE: true, AUTOCOMMIT: true, QUERY_TAG: 'x' }
  assert.equal((await postLogin(server.url, { ...login, SESSION_PARAMETERS: fine })).success, true)
  const manual = await postLogin(server.url, { ...login, SESSION_PARAMETERS: { AUTOCOMMIT: false } })
  assert.match(JSON.stringify(manual.data['parameters']), /{"name":"AUTOCOMMIT","value":false}/)
  const odd = await postLogin(server.url, { ...login, SESSION_PARAMETERS: { AUTOCOMMIT: 'false' } })
  assertRefused(odd, '000002', '0A000', /AUTOCOMMIT/)
  assertRefused(await postLogin(server.url, { LOGIN_NAME: 'robot', PASSWORD: '' }), '390100', '08001')
})
