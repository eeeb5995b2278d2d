/**
 * An OAuth token endpoint on loopback, as brokers and clients use one: it signs tokens with RS256 for one client, and shows its
 * key as a JWKS. It remembers what it was asked.
 */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export const audience = 'kafka'

export type TokenEndpoint = {
  readonly url: string
  readonly jwksUrl: string
  /** headers and body of each request for a token, in order */
  readonly asked: readonly { readonly authorization: string; readonly body: string }[]
  /** How long tokens hold from now on, and with which status it answers: 200 unless told. */
  behave(change: { readonly lifeSeconds?: number; readonly status?: number; readonly body?: string }): void
  /** A token that holds; `forged` is signed by somebody else. */
  token(forged?: 'forged'): string
  close(): Promise<void>
}

export async function startTokenEndpoint(client: {
  readonly id: string
  readonly secret: string
}): Promise<TokenEndpoint> {
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const others = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const expected = `${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`
  const asked: { authorization: string; body: string }[] = []
  let behaviour = { lifeSeconds: 300, status: 200, body: '{"error":"temporarily_unavailable"}' }

  const token = (forged?: 'forged'): string => {
    const iat = Math.floor(Date.now() / 1_000)
    const claims = { iss: 'firn-test', aud: audience, sub: client.id, scope: 'kafka', jti: randomUUID() }
    const parts = [
      { alg: 'RS256', typ: 'JWT', kid: 'one' },
      { ...claims, iat, exp: iat + behaviour.lifeSeconds },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    const signed = sign('RSA-SHA256', Buffer.from(parts.join('.')), (forged ? others : own).privateKey)
    return [...parts, signed.toString('base64url')].join('.')
  }

  async function answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: string }> {
    if (request.method === 'GET') {
      const key = { ...own.publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }
      return { status: 200, body: JSON.stringify({ keys: [key] }) }
    }
    const { authorization = '' } = request.headers
    asked.push({ authorization, body: await text(request) })
    if (behaviour.status !== 200) return { status: behaviour.status, body: behaviour.body }
    if (Buffer.from(authorization.replace('Basic ', ''), 'base64').toString() !== expected) {
      return { status: 401, body: JSON.stringify({ error: 'invalid_client', error_description: authorization }) }
    }
    const granted = { access_token: token(), token_type: 'Bearer', expires_in: behaviour.lifeSeconds }
    return { status: 200, body: JSON.stringify(granted) }
  }

  const server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `${at}/token`,
    jwksUrl: `${at}/jwks`,
    asked,
    token,
    behave: (change) => {
      behaviour = { ...behaviour, ...change }
    },
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
