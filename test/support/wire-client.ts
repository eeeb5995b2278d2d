/**
 * The protocol by plain HTTP, as the driver was recorded to speak it: for what its own interface does not let a test do.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

export type Wire = {
  readonly success: boolean
  readonly code: string | null
  readonly message: string | null
  readonly data: Readonly<Record<string, unknown>>
}

export type WireClient = {
  readonly token: string
  readonly masterToken: string
  post(path: string, body?: unknown, token?: string): Promise<Wire>
  get(path: string): Promise<Wire>
  /** a statement under a request id of its own, unless given */
  ask(sqlText: string, more?: Readonly<Record<string, unknown>>, requestId?: string): Promise<Wire>
}

export async function postLogin(url: string, data: Readonly<Record<string, unknown>>, search = ''): Promise<Wire> {
  const path = `${url}/session/v1/login-request?requestId=${randomUUID()}${search}`
  const response = await fetch(path, {
    method: 'POST',
    body: JSON.stringify({ data: { ACCOUNT_NAME: 'LOCAL', ...data } }),
  })
  return (await response.json()) as Wire
}

export async function wireClient(url: string, user: string, password: string): Promise<WireClient> {
  const login = await postLogin(url, { LOGIN_NAME: user, PASSWORD: password })
  const { token, masterToken } = login.data as { token: string; masterToken: string }
  const request = async (method: string, path: string, body: unknown, by: string): Promise<Wire> => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Snowflake Token="${by}"` },
      ...(method === 'POST' && { body: JSON.stringify(body) }),
    })
    return (await response.json()) as Wire
  }
  return {
    token,
    masterToken,
    post: (path, body = {}, by = token) => request('POST', path, body, by),
    get: (path) => request('GET', path, undefined, token),
    ask: (sqlText, more = {}, requestId = randomUUID()) =>
      request('POST', `/queries/v1/query-request?requestId=${requestId}`, { sqlText, ...more }, token),
  }
}

export function assertRefused(answer: Wire, code: string, sqlState: string, message = /./): void {
  assert.equal(answer.success, false)
  assert.equal(answer.code, code)
  assert.equal(answer.data['sqlState'], sqlState)
  assert.match(answer.message ?? '', message)
}
