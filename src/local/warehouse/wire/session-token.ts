/**
 * The sessions of the development warehouse and the tokens that stand for them: who may use one, when it ends.
 * Who may open one is login.ts's, what runs in one the engine's.
 */
import { randomBytes } from 'node:crypto'
import type { EngineSession } from '../engine.ts'
import { SqlError } from '../sql/statement.ts'

/** A session token is renewed with the master token after an hour; four idle hours end the session. */
export const tokenSeconds = { session: 3600, master: 4 * 3600 } as const

type Token = { readonly text: string; readonly expiresMs: number }

export type OpenSession = {
  /** a number, as Snowflake's */
  readonly id: number
  readonly engine: EngineSession
  /** resolves when all that was asked for so far has run: statements of one session run one after another */
  tail: Promise<unknown>
  token: Token
  master: Token
}

export class SessionStore {
  readonly #now: () => number
  readonly #sessions = new Map<number, OpenSession>()
  #lastId = 0

  /** @param now ms since 1970 */
  constructor(now: () => number) {
    this.#now = now
  }

  open(engine: EngineSession): OpenSession {
    this.#lastId += 1
    const { token, master } = this.#tokens()
    const session = { id: this.#lastId, engine, tail: Promise.resolve(), token, master }
    this.#sessions.set(session.id, session)
    return session
  }

  /** The session of a request. @throws SqlError 390104 unknown token, 390112 expired: renew it */
  use(authorization: string | undefined): OpenSession {
    const text = tokenOf(authorization)
    const session = this.#find((one) => one.token.text === text)
    if (!session) throw new SqlError('390104', '08001', 'Session token is invalid: it is unknown here. Log in again.')
    if (session.token.expiresMs <= this.#now()) {
      throw new SqlError('390112', '08001', 'Your session has expired. Renew it with the master token.')
    }
    session.master = { ...session.master, expiresMs: this.#now() + tokenSeconds.master * 1000 }
    return session
  }

  /** New tokens for the session of a master token; the old ones are void. @throws SqlError 390114, 390104 */
  renew(authorization: string | undefined): OpenSession {
    const text = tokenOf(authorization)
    const session = this.#find((one) => one.master.text === text)
    if (!session) throw new SqlError('390104', '08001', 'Master token is invalid: it is unknown here. Log in again.')
    if (session.master.expiresMs <= this.#now()) {
      throw new SqlError('390114', '08001', 'Authentication token has expired. Log in again.')
    }
    return Object.assign(session, this.#tokens())
  }

  /** Forgets a session at once; resolves when what it still ran has ended and is rolled back where it was open. */
  async end(session: OpenSession): Promise<void> {
    if (!this.#sessions.delete(session.id)) return
    await session.tail
    await session.engine.close()
  }

  /** Ends what nobody has used for four hours. */
  async endIdle(): Promise<void> {
    const idle = [...this.#sessions.values()].filter(({ master }) => master.expiresMs <= this.#now())
    await Promise.all(idle.map((session) => this.end(session)))
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => this.end(session)))
  }

  #find(test: (session: OpenSession) => boolean): OpenSession | undefined {
    return [...this.#sessions.values()].find(test)
  }

  #tokens(): { token: Token; master: Token } {
    const token = (seconds: number): Token => ({
      text: randomBytes(32).toString('base64url'),
      expiresMs: this.#now() + seconds * 1000,
    })
    return { token: token(tokenSeconds.session), master: token(tokenSeconds.master) }
  }
}

function tokenOf(authorization: string | undefined): string {
  return /^Snowflake Token="([^"]*)"$/.exec(authorization ?? '')?.[1] ?? ''
}
