/**
 * Decides whether a login is who it says: by password, or by a token signed with the user's private key.
 * Reading users' keys is openUsers; what a session may then do is not decided here.
 */
import { createHash, createPublicKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { SqlError } from '../sql/statement.ts'
import { isObject, type JsonObject } from './http.ts'
import type { LoginRequest } from './request.ts'

export type WarehouseUser = {
  readonly name: string
  /** null: no login with a password */
  readonly password: string | null
  /** PEM of the public key; null: no key-pair login */
  readonly publicKeyFile: string | null
}

export type User = {
  /** upper case */
  readonly name: string
  readonly password: string | null
  readonly publicKey: KeyObject | null
}

/** By name. @throws where a key file cannot be read */
export async function openUsers(users: readonly WarehouseUser[]): Promise<ReadonlyMap<string, User>> {
  const opened = users.map(async ({ name, password, publicKeyFile }): Promise<[string, User]> => {
    const publicKey = publicKeyFile === null ? null : createPublicKey(await readFile(publicKeyFile))
    return [name.toUpperCase(), { name: name.toUpperCase(), password, publicKey }]
  })
  return new Map(await Promise.all(opened))
}

/** @throws SqlError 390100 wrong user or password, 390144 token that proves nothing */
export function checkLogin(login: LoginRequest, users: ReadonlyMap<string, User>, nowMs: number): User {
  const user = users.get(login.user)
  if (login.authenticator === 'SNOWFLAKE') {
    if (typeof user?.password === 'string' && sameText(user.password, login.password)) return user
    throw new SqlError('390100', '08001', 'Incorrect username or password was specified.')
  }
  if (
    user?.publicKey &&
    provesKey(login.token, { account: login.account, user: user.name, key: user.publicKey, nowMs })
  ) {
    return user
  }
  throw new SqlError('390144', '08001', 'JWT token is invalid.')
}

/** In a time that does not depend on where the texts differ. */
function sameText(left: string, right: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(left), hash(right))
}

/** As Snowflake names a public key: SHA-256 over its DER form. */
export function fingerprint(key: KeyObject): string {
  const der = key.export({ format: 'der', type: 'spki' })
  return `SHA256:${createHash('sha256').update(der).digest('base64')}`
}

/** A token lives for an hour at most, and clocks may differ by a minute. */
const lifeMs = 3_600_000
const skewMs = 60_000

type Claimed = { readonly account: string; readonly user: string; readonly key: KeyObject; readonly nowMs: number }

/** Whether the token is signed by the key, issued for account and user by that key, and neither expired nor of the future. */
function provesKey(token: string, { account, user, key, nowMs }: Claimed): boolean {
  const [head = '', payload = '', signature = '', ...rest] = token.split('.')
  const header = decode(head)
  const claims = decode(payload)
  if (rest.length > 0 || header?.['alg'] !== 'RS256' || !claims) return false
  if (!verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'))) return false
  const subject = `${account}.${user}`
  if (claims['sub'] !== subject || claims['iss'] !== `${subject}.${fingerprint(key)}`) return false
  const issuedMs = toMs(claims['iat'])
  const expiresMs = toMs(claims['exp'])
  if (issuedMs === null || expiresMs === null || issuedMs > nowMs + skewMs) return false
  return nowMs < Math.min(expiresMs, issuedMs + lifeMs)
}

function decode(part: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** Clients state times in seconds or in ms; as seconds, 1e11 is the year 5138. */
function toMs(claim: unknown): number | null {
  if (typeof claim !== 'number' || !Number.isFinite(claim)) return null
  return claim < 1e11 ? claim * 1000 : claim
}
