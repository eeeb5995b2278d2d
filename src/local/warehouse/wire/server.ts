/**
 * The HTTP server that speaks the Snowflake driver's protocol in front of an engine: which request goes where, and that
 * nothing which comes in takes it down. It knows no SQL; sessions, statements and shapes of answers have files of their own.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Engine } from '../engine.ts'
import { checkLogin, openUsers, type User, type WarehouseUser } from './login.ts'
import { QueryStore } from './query-store.ts'
import { type OpenSession, SessionStore, tokenSeconds } from './session-token.ts'
import { SqlError } from '../sql/statement.ts'
import { type Answer, internalError, parameters, refusal, success } from './answer.ts'
import { HttpError, type JsonObject, readJson, send } from './http.ts'
import { abort, ask, fetchResult, monitor, type WireQueries } from './queries.ts'
import { identifier, readLogin, readQuery } from './request.ts'

/** What the server tells of itself; a pino logger is one. */
export interface ServerLogger {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type ServerOptions = {
  /** 0: a free one */
  readonly port: number
  readonly users: readonly WarehouseUser[]
  readonly logger: ServerLogger
  /** ms since 1970 */
  readonly now?: () => number
  /** how long a request waits for its statement before it is told to ask again; 45 s, as Snowflake */
  readonly answerWithinMs?: number
}

export type WarehouseServer = {
  readonly url: string
  readonly port: number
  /** Takes no more requests, waits for what runs, rolls back what is open. The engine stays open. */
  close(): Promise<void>
}

/** Listens on 127.0.0.1 only. @throws where the port is taken or a user's key cannot be read */
export async function openServer(options: ServerOptions, engine: Engine): Promise<WarehouseServer> {
  const now = options.now ?? Date.now
  const { logger } = options
  const sessions = new SessionStore(now)
  const home: Home = {
    engine,
    users: await openUsers(options.users),
    sessions,
    now,
    logger,
    queries: {
      store: new QueryStore(now),
      answerWithinMs: options.answerWithinMs ?? 45_000,
      onDefect: (err, { id }) => {
        logger.error({ err, queryId: id }, 'a statement met a defect of the development warehouse')
      },
    },
  }
  // Longer than clients keep idle connections, so that a request never meets a closing one.
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    void respond(home, request, response)
  })
  server.listen(options.port, '127.0.0.1')
  await once(server, 'listening')
  const idle = setInterval(() => {
    sessions.endIdle().catch((err: unknown) => {
      logger.error({ err }, 'an idle session could not be ended')
    })
  }, 60_000).unref()
  const { port } = server.address() as AddressInfo
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    clearInterval(idle)
    await stop(server)
    await sessions.endAll()
  }
  return { url: `http://127.0.0.1:${port}`, port, close: () => (closing ??= close()) }
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

/** What all requests share. */
type Home = {
  readonly engine: Engine
  readonly users: ReadonlyMap<string, User>
  readonly sessions: SessionStore
  readonly queries: WireQueries
  readonly now: () => number
  readonly logger: ServerLogger
}

type Exchange = {
  readonly home: Home
  readonly query: URLSearchParams
  /** the part of the path that names a statement */
  readonly id: string
  readonly authorization: string | undefined
  readonly body: JsonObject
}

type Route = {
  readonly method: 'GET' | 'POST'
  readonly path: RegExp
  readonly answer: (exchange: Exchange) => Promise<Answer | Buffer> | Answer
}

const session = ({ home, authorization }: Exchange): OpenSession => home.sessions.use(authorization)

const routes: readonly Route[] = [
  { method: 'POST', path: /^\/session\/v1\/login-request$/, answer: login },
  { method: 'POST', path: /^\/session\/token-request$/, answer: renew },
  { method: 'POST', path: /^\/session\/heartbeat$/, answer: (exchange) => (session(exchange), success(null)) },
  { method: 'POST', path: /^\/session$/, answer: endSession },
  { method: 'POST', path: /^\/queries\/v1\/query-request$/, answer: queryRequest },
  { method: 'POST', path: /^\/queries\/v1\/abort-request$/, answer: abortRequest },
  {
    method: 'POST',
    path: /^\/queries\/([^/]+)\/abort-request$/,
    answer: (exchange) => abort(exchange.home.queries.store.find(exchange.id, session(exchange).engine.user)),
  },
  {
    method: 'GET',
    path: /^\/queries\/([^/]+)\/result$/,
    answer: (exchange) => fetchResult(exchange.home.queries, session(exchange), exchange.id),
  },
  {
    method: 'GET',
    path: /^\/monitoring\/queries\/([^/]+)$/,
    answer: (exchange) => monitor(exchange.home.queries, session(exchange), exchange.id),
  },
  { method: 'POST', path: /^\/telemetry\/send(\/sessionless)?$/, answer: () => success('Log Received') },
]

async function login({ home, query, body }: Exchange): Promise<Answer> {
  const asked = readLogin(body)
  const user = checkLogin(asked, home.users, home.now())
  const engine = await home.engine.openSession(user.name, {
    database: identifier(query.get('databaseName')),
    schema: identifier(query.get('schemaName')),
    role: identifier(query.get('roleName')),
    warehouse: identifier(query.get('warehouse')),
  })
  for (const [name, value] of asked.parameters) engine.state.parameters.set(name, value)
  const opened = home.sessions.open(engine)
  home.logger.info({ user: user.name, session: opened.id }, 'session opened')
  const { database, schema, role, warehouse } = engine.state
  return success({
    token: opened.token.text,
    masterToken: opened.master.text,
    validityInSeconds: tokenSeconds.session,
    masterValidityInSeconds: tokenSeconds.master,
    sessionId: opened.id,
    displayUserName: user.name,
    serverVersion: '0.0.0 (development warehouse)',
    parameters: parameters(engine.state),
    sessionInfo: { databaseName: database, schemaName: schema, warehouseName: warehouse, roleName: role },
  })
}

function renew({ home, authorization, body }: Exchange): Answer {
  if (body['requestType'] !== 'RENEW') throw new HttpError(400, 'the only requestType is RENEW')
  const { token, master, id } = home.sessions.renew(authorization)
  return success({
    sessionToken: token.text,
    masterToken: master.text,
    validityInSecondsST: tokenSeconds.session,
    validityInSecondsMT: tokenSeconds.master,
    sessionId: id,
  })
}

async function endSession(exchange: Exchange): Promise<Answer> {
  if (exchange.query.get('delete') !== 'true')
    throw new HttpError(400, 'all that a session can be asked is delete=true')
  await exchange.home.sessions.end(session(exchange))
  return success(null)
}

async function queryRequest(exchange: Exchange): Promise<Answer | Buffer> {
  const { home, query, body } = exchange
  return await ask(home.queries, session(exchange), query.get('requestId') ?? randomUUID(), readQuery(body))
}

function abortRequest(exchange: Exchange): Answer {
  const { requestId } = exchange.body
  if (typeof requestId !== 'string') throw new HttpError(400, 'the request names no requestId')
  return abort(exchange.home.queries.store.findRequest(session(exchange).id, requestId))
}

async function respond(home: Home, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A client that has gone away in mid-request or mid-answer is no error of ours.
  request.on('error', () => response.destroy())
  response.on('error', () => response.destroy())
  try {
    const answer = await route(home, request)
    send(response, 200, Buffer.isBuffer(answer) ? answer : Buffer.from(JSON.stringify(answer)))
  } catch (error) {
    if (request.destroyed && !request.complete) return
    const { status, refused } = refuse(home, request, error)
    send(response, status, Buffer.from(JSON.stringify(refused)))
  }
}

async function route(home: Home, request: IncomingMessage): Promise<Answer | Buffer> {
  const { path, query } = parseTarget(request.url ?? '/')
  const found = routes.filter((one) => one.path.test(path))
  if (found.length === 0) throw new HttpError(404, `there is no ${path}`)
  const chosen = found.find(({ method }) => method === request.method)
  if (!chosen) throw new HttpError(405, `${path} knows no ${request.method ?? ''}`)
  const body = chosen.method === 'POST' ? await readJson(request) : {}
  const id = chosen.path.exec(path)?.[1] ?? ''
  return await chosen.answer({ home, query, id, authorization: request.headers.authorization, body })
}

/** Clients join their URL and a path with one slash too many. */
function parseTarget(target: string): { path: string; query: URLSearchParams } {
  const at = target.indexOf('?')
  const path = at === -1 ? target : target.slice(0, at)
  return { path: path.replace(/\/{2,}/g, '/'), query: new URLSearchParams(at === -1 ? '' : target.slice(at + 1)) }
}

function refuse(home: Home, request: IncomingMessage, error: unknown): { status: number; refused: Answer } {
  if (error instanceof SqlError) return { status: 200, refused: refusal(error, null) }
  if (error instanceof HttpError) {
    const { status, message } = error
    return { status, refused: { success: false, code: `0${status}`, message, data: null } }
  }
  home.logger.error({ err: error, path: request.url }, 'a request met a defect of the development warehouse')
  return { status: 200, refused: refusal(internalError(error), null) }
}
