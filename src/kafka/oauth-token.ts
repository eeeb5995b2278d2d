/**
 * OAuth tokens for OAUTHBEARER: by client credentials from a token endpoint (RFC 6749, section 4.4), and from a file that
 * something else renews. Whether a token is any good is the broker's to say. Neither token nor secret is ever told.
 */
import { readFile } from 'node:fs/promises'
import { Failure } from '../failure.ts'

/** As long as a connection to a broker may take. */
const answerMs = 5_000

/**
 * kafkajs logs in anew 10 s before a token ends. With one that then ends sooner, it would do so again at once, which brokers
 * refuse: so none is given away again in its last 20 s. A long one is renewed a minute before its end.
 */
const [renewBeforeMsMin, renewBeforeMsMax] = [20_000, 60_000]

/** Brokers are logged in at one after the other at a start. A token that they refuse must not be handed out for all its life. */
const shareMsMax = 60_000

export type EndpointOptions = {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope?: string | undefined
}

type Granted = { readonly token: string; readonly staleAtMs: number }

/** Logins share a token for a minute, and not in its last seconds; those at the same time share one request. */
export function tokenFromEndpoint(options: EndpointOptions, now: () => number = Date.now): () => Promise<string> {
  let granted: Granted | null = null
  let asked: Promise<Granted> | null = null
  return async () => {
    if (granted && now() < granted.staleAtMs) return granted.token
    asked ??= ask(options, now).finally(() => {
      asked = null
    })
    granted = await asked
    return granted.token
  }
}

/** Read at each call. @throws Failure TOKEN_UNAVAILABLE */
export async function tokenFromFile(file: string): Promise<string> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code = 'no file' } = error as NodeJS.ErrnoException
    throw new Failure('TOKEN_UNAVAILABLE', `kafka.sasl.tokenFile: ${file} cannot be read: ${code}`, { cause: error })
  }
  const token = text.trim()
  if (!isToken(token)) throw new Failure('TOKEN_UNAVAILABLE', `kafka.sasl.tokenFile: ${file} holds no token`)
  return token
}

async function ask(options: EndpointOptions, now: () => number): Promise<Granted> {
  const { tokenUrl } = options
  const askedAtMs = now()
  const { status, text } = await answerOf(options)
  if (status !== 200) {
    // 408 and 429 ask to come back, and a 5xx is no word about the client.
    const isRefusal = status >= 400 && status < 500 && status !== 408 && status !== 429
    const code = isRefusal ? 'TOKEN_DENIED' : 'TOKEN_UNAVAILABLE'
    throw new Failure(code, `kafka.sasl.tokenUrl: ${tokenUrl} answered with HTTP status ${status}${reasonIn(text)}`)
  }
  const { access_token: token, expires_in: seconds } = membersOf(text)
  if (typeof token !== 'string' || !isToken(token)) {
    // A page that stands in for the endpoint is no word about the client.
    throw new Failure('TOKEN_UNAVAILABLE', `kafka.sasl.tokenUrl: ${tokenUrl} answered without an access_token`)
  }
  // An endpoint need not say how long it holds; then it serves one login.
  const said = Number(seconds ?? 0) * 1_000
  const lifeMs = Number.isFinite(said) ? said : 0
  const freshMs = lifeMs - Math.max(renewBeforeMsMin, Math.min(renewBeforeMsMax, lifeMs / 2))
  return { token, staleAtMs: askedAtMs + Math.min(freshMs, shareMsMax) }
}

async function answerOf({ tokenUrl, clientId, clientSecret, scope }: EndpointOptions) {
  const client = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  try {
    const answer = await fetch(tokenUrl, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from(client).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
      // The secret goes where it is meant to go, and nowhere else.
      redirect: 'error',
      signal: AbortSignal.timeout(answerMs),
    })
    return { status: answer.status, text: await answer.text() }
  } catch (error) {
    const { message, cause } = error as Error & {
      readonly cause?: { readonly code?: string; readonly message?: string }
    }
    const reason = cause?.code ?? cause?.message ?? message
    throw new Failure('TOKEN_UNAVAILABLE', `kafka.sasl.tokenUrl: no answer from ${tokenUrl}: ${reason}`, {
      cause: error,
    })
  }
}

/** `invalid_client` and the like. What else an endpoint says may repeat what it was sent. */
function reasonIn(text: string): string {
  const { error } = membersOf(text)
  return typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? `, ${error}` : ''
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Printable and without spaces: what stands in a login must not be able to end it. */
function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}
