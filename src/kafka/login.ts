/**
 * How a client logs in at the brokers, in kafkajs's words. Where a token comes from is in oauth-token.ts and msk-token.ts; when
 * one is asked for is kafkajs's: at each new connection, and 10 s before the broker ends what it has allowed.
 */
import type { KafkaConfig as KafkajsConfig, Mechanism, SASLOptions } from 'kafkajs'
import type { SaslConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import { tokenFromEndpoint, tokenFromFile } from './oauth-token.ts'

/** A token to log in with now. @throws Failure TOKEN_UNAVAILABLE, TOKEN_DENIED */
type TokenSource = () => Promise<string>

export function loginOptions(sasl: SaslConfig): NonNullable<KafkajsConfig['sasl']> {
  switch (sasl.mechanism) {
    case 'plain':
    case 'scram-sha-256':
    case 'scram-sha-512':
      return sasl as SASLOptions
    case 'oauthbearer':
      return bearer(oauthToken(sasl))
    case 'aws-msk-iam':
      return bearer(mskToken(sasl.region))
  }
}

/**
 * OAUTHBEARER (RFC 7628). Not kafkajs's own, which takes every answer for a yes: a broker refuses a token with a challenge, and
 * names the error once the client has answered that. Before, it would show the client an empty cluster.
 */
function bearer(source: TokenSource): Mechanism {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: async () => {
        const token = await source()
        const challenge = await saslAuthenticate({
          request: { encode: () => sized(`n,,\x01auth=Bearer ${token}\x01\x01`) },
          response: { decode: (answer) => answer.subarray(sizeBytes), parse: (text) => text.toString() },
        })
        if (typeof challenge !== 'string' || challenge === '') return
        await saslAuthenticate({ request: { encode: () => sized('\x01') } })
        throw new Failure('KAFKA_DENIED', `the broker refuses the token: ${challenge}`)
      },
    }),
  }
}

const sizeBytes = 4

function sized(text: string): Buffer {
  const bytes = Buffer.alloc(sizeBytes + Buffer.byteLength(text))
  bytes.writeInt32BE(bytes.length - sizeBytes)
  bytes.write(text, sizeBytes)
  return bytes
}

/** config-rules.ts has seen to it that one of the two is whole. */
function oauthToken(sasl: Extract<SaslConfig, { readonly mechanism: 'oauthbearer' }>): TokenSource {
  const { tokenUrl = '', clientId = '', clientSecret = '', scope, tokenFile } = sasl
  if (tokenFile !== undefined) return () => tokenFromFile(tokenFile)
  return tokenFromEndpoint({ tokenUrl, clientId, clientSecret, scope })
}

/** AWS's packages are loaded by those who need them. */
function mskToken(region: string): TokenSource {
  const loaded = import('./msk-token.ts').then(({ mskTokens }) => mskTokens(region))
  return async () => (await loaded)()
}
