/**
 * Tokens for MSK clusters with IAM access control: a signed URL for kafka-cluster:Connect, as base64url, in the place of an
 * OAuth token. Who signs is decided by the AWS credential chain. The only importer of AWS's signer and its credential chain.
 */
import { createHash, createHmac } from 'node:crypto'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { SignatureV4 } from '@smithy/signature-v4'
import { Failure } from '../failure.ts'

/** The longest that MSK takes; temporary credentials may end sooner. */
const lifeSecondsMax = 900

/** One token a call; the chain keeps its credentials until they end. The functions throw Failure TOKEN_UNAVAILABLE. */
export function mskTokens(region: string): () => Promise<string> {
  const chain = defaultProvider({ clientConfig: { region } })
  return () => signedToken(region, chain, new Date())
}

type Credentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

/** @throws Failure TOKEN_UNAVAILABLE where there are no credentials */
export async function signedToken(region: string, chain: () => Promise<Credentials>, at: Date): Promise<string> {
  const credentials = await chain().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Failure('TOKEN_UNAVAILABLE', `the AWS credential chain has no credentials: ${reason}`, { cause: error })
  })
  const { expiration } = credentials
  const leftSeconds = expiration ? Math.floor((expiration.getTime() - at.getTime()) / 1_000) : lifeSecondsMax
  const host = `kafka.${region}.amazonaws.com`
  const signer = new SignatureV4({
    service: 'kafka-cluster',
    region,
    credentials,
    sha256: Sha256,
    applyChecksum: false,
  })
  const { query = {} } = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname: host,
      path: '/',
      headers: { host },
      query: { Action: 'kafka-cluster:Connect' },
    },
    { signingDate: at, expiresIn: Math.max(1, Math.min(lifeSecondsMax, leftSeconds)) },
  )
  // The signer of MSK's own clients adds it after signing too.
  const parameters = Object.entries({ ...query, 'User-Agent': 'firn' }).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  )
  return Buffer.from(`https://${host}/?${parameters.sort().join('&')}`).toString('base64url')
}

/** Node's SHA-256 in the shape that the signer wants. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }

  reset(): void {
    throw new Error('the signer begins anew instead')
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
