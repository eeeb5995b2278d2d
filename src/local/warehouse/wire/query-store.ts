/**
 * What was asked to run, and its answers. Decides that a request id runs once, however often it is sent, and how long an
 * answer is kept; running it is the caller's.
 */
import { randomUUID } from 'node:crypto'
import { SqlError } from '../sql/statement.ts'
import { type Answer, refusal } from './answer.ts'

/** As the protocol names them. */
export type QueryStatus = 'QUEUED' | 'RUNNING' | 'SUCCESS' | 'FAILED_WITH_ERROR' | 'ABORTED'

export type Query = {
  readonly id: string
  readonly sessionId: number
  readonly user: string
  readonly sql: string
  readonly startedMs: number
  endedMs: number | null
  status: QueryStatus
  /** what the answer refuses with, where it does */
  error: SqlError | null
  /** the answer's JSON; never rejects */
  answer: Promise<Buffer>
}

export type Asked = Pick<Query, 'sessionId' | 'user' | 'sql'>

/** Answers are fetched within seconds; an answer, and the memory of its request id, is kept for 10 minutes. */
const keepMs = 600_000

/** Together, apart from the newest. The oldest are forgotten first; their request ids are not. */
const answerBytesMax = 256 * 2 ** 20

export class QueryStore {
  readonly #now: () => number
  readonly #byId = new Map<string, Query>()
  readonly #byRequest = new Map<string, Query>()
  /** in the order in which they ended */
  readonly #ended: { readonly query: Query; readonly request: string | null; bytes: number }[] = []
  #bytes = 0

  /** @param now ms since 1970 */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The query of a user by its id. @throws SqlError where there is none (any more) */
  get(id: string, user: string): Query {
    const query = this.find(id, user)
    if (!query) throw new SqlError('000709', '02000', `Statement ${id} not found`)
    return query
  }

  find(id: string, user: string): Query | undefined {
    const query = this.#byId.get(id)
    return query?.user === user ? query : undefined
  }

  /** A query of a session by the request id that it came with, while it is remembered. */
  findRequest(sessionId: number, requestId: string): Query | undefined {
    this.#forget()
    return this.#byRequest.get(`${sessionId}/${requestId}`)
  }

  /**
   * Registers a query and starts it.
   *
   * Invariant: between findRequest and this no other request of the same id can come in, so nothing runs twice.
   *
   * @param requestId null for a statement among several of one request
   * @param work makes the answer; sets the status RUNNING when it begins. @throws SqlError alone
   */
  start(asked: Asked, requestId: string | null, work: (query: Query) => Promise<Answer>): Query {
    const request = requestId === null ? null : `${asked.sessionId}/${requestId}`
    const query: Query = {
      ...asked,
      id: randomUUID(),
      startedMs: this.#now(),
      endedMs: null,
      status: 'QUEUED',
      error: null,
      answer: Promise.resolve(Buffer.alloc(0)),
    }
    this.#byId.set(query.id, query)
    if (request !== null) this.#byRequest.set(request, query)
    query.answer = work(query)
      .catch((error: unknown) => refusal((query.error = error as SqlError), query.id))
      .then((answer) => this.#end(query, request, answer))
    return query
  }

  #end(query: Query, request: string | null, answer: Answer): Buffer {
    if (query.status !== 'ABORTED') query.status = answer.success ? 'SUCCESS' : 'FAILED_WITH_ERROR'
    query.endedMs = this.#now()
    const body = Buffer.from(JSON.stringify(answer))
    this.#ended.push({ query, request, bytes: body.length })
    this.#bytes += body.length
    this.#shrink()
    return body
  }

  /** Invariant: an answer that somebody waits for already is sent all the same: its promise is theirs. */
  #shrink(): void {
    for (const entry of this.#ended.slice(0, -1)) {
      if (this.#bytes <= answerBytesMax) return
      this.#bytes -= entry.bytes
      entry.bytes = 0
      const gone = new SqlError('000707', '02000', `The result of statement ${entry.query.id} is no longer kept`)
      entry.query.answer = Promise.resolve(Buffer.from(JSON.stringify(refusal(gone, entry.query.id))))
    }
  }

  #forget(): void {
    const before = this.#now() - keepMs
    for (;;) {
      const [oldest] = this.#ended
      if (!oldest || (oldest.query.endedMs ?? 0) > before) return
      this.#ended.shift()
      this.#bytes -= oldest.bytes
      this.#byId.delete(oldest.query.id)
      if (oldest.request !== null) this.#byRequest.delete(oldest.request)
    }
  }
}
