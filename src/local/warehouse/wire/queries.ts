/**
 * Statements over the protocol: ask, wait, fetch, look at, abort. Which SQL runs, and how, is the engine's.
 */
import type { EngineSession, Result } from '../engine.ts'
import type { Query, QueryStore } from './query-store.ts'
import type { OpenSession } from './session-token.ts'
import { SqlError } from '../sql/statement.ts'
import { type Answer, internalError, multipleAnswer, notYet, resultAnswer, success } from './answer.ts'
import { type QueryRequest, unsupported } from './request.ts'

export type WireQueries = {
  readonly store: QueryStore
  /** how long a request waits for its statement before it is told to ask again */
  readonly answerWithinMs: number
  /** told of errors that no SQL is to blame for */
  readonly onDefect: (error: unknown, query: Query) => void
}

/** Runs what is asked, or waits for it where the same request has been here before. */
export async function ask(
  queries: WireQueries,
  session: OpenSession,
  requestId: string,
  request: QueryRequest,
): Promise<Answer | Buffer> {
  const query =
    queries.store.findRequest(session.id, requestId) ??
    queries.store.start({ sessionId: session.id, user: session.engine.user, sql: request.sql }, requestId, (started) =>
      inTurn(session, () => run(queries, session.engine, started, request)),
    )
  return request.detached ? notYet(query.id, 'detached') : await answerOf(queries, query)
}

/** The answer of an earlier statement of the same user, waited for as for a new one. @throws SqlError */
export async function fetchResult(
  queries: WireQueries,
  session: OpenSession,
  queryId: string,
): Promise<Answer | Buffer> {
  return await answerOf(queries, queries.store.get(queryId, session.engine.user))
}

/** How an earlier statement of the same user fares; an unknown one is an empty list. */
export function monitor(queries: WireQueries, session: OpenSession, queryId: string): Answer {
  const query = queries.store.find(queryId, session.engine.user)
  return success({ queries: query ? [progress(query)] : [] })
}

function progress(query: Query): Record<string, unknown> {
  const { id, sessionId, user, sql, status, error, startedMs, endedMs } = query
  return {
    id,
    sessionId,
    userName: user,
    sqlText: sql,
    status,
    state: status,
    startTime: startedMs,
    endTime: endedMs ?? 0,
    totalDuration: endedMs === null ? 0 : endedMs - startedMs,
    errorCode: error?.code ?? null,
    errorMessage: error?.message ?? null,
  }
}

/** Takes a statement back that waits for its turn. One that runs, runs to its end: said so. @throws SqlError */
export function abort(query: Query | undefined): Answer {
  if (query?.status === 'RUNNING') throw unsupported('abort of a running statement')
  if (query?.status !== 'QUEUED') {
    throw new SqlError('000605', '57014', 'Identified SQL statement is not currently executing.')
  }
  query.status = 'ABORTED'
  return success(null)
}

async function answerOf({ answerWithinMs }: WireQueries, query: Query): Promise<Answer | Buffer> {
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, answerWithinMs, null)
  })
  const answer = await Promise.race([query.answer, waited])
  clearTimeout(timer)
  return answer ?? notYet(query.id, 'waiting')
}

/** Statements of one session run one after another, in the order in which they came. */
async function inTurn<T>(session: OpenSession, work: () => Promise<T>): Promise<T> {
  const turn = session.tail.then(work)
  session.tail = turn.then(
    () => undefined,
    () => undefined,
  )
  return await turn
}

async function run(queries: WireQueries, engine: EngineSession, query: Query, request: QueryRequest): Promise<Answer> {
  if (query.status === 'ABORTED') throw new SqlError('000604', '57014', 'SQL execution canceled')
  query.status = 'RUNNING'
  try {
    const statements = engine.split(request.sql)
    const wanted = request.statementCount ?? Number(engine.state.parameters.get('MULTI_STATEMENT_COUNT') ?? 1)
    if (wanted !== 0 && wanted !== Math.max(1, statements.length)) {
      const message = `Actual statement count ${statements.length} did not match the desired statement count ${wanted}.`
      throw new SqlError('000008', '0A000', message)
    }
    if (statements.length > 1) return await runEach(queries, engine, query, { ...request, statements })
    return resultAnswer(await engine.execute(request.sql, request.binds, query.id), engine.state, query.id)
  } catch (error) {
    throw namedError(queries, query, error)
  }
}

/** Each statement is a query of its own; the first that fails ends the request, and what ran before it stays. */
async function runEach(
  queries: WireQueries,
  engine: EngineSession,
  query: Query,
  request: QueryRequest & { readonly statements: readonly string[] },
): Promise<Answer> {
  if (Object.keys(request.binds).length > 0) throw unsupported('binds for several statements')
  const children: { readonly id: string; readonly kind: Result['kind'] }[] = []
  const { sessionId, user } = query
  for (const sql of request.statements) {
    let kind: Result['kind'] = 'ddl'
    const child = queries.store.start({ sessionId, user, sql }, null, async (started) => {
      started.status = 'RUNNING'
      try {
        const result = await engine.execute(sql, {}, started.id)
        kind = result.kind
        return resultAnswer(result, engine.state, started.id)
      } catch (error) {
        throw namedError(queries, started, error)
      }
    })
    await child.answer
    if (child.error) throw child.error
    children.push({ id: child.id, kind })
  }
  return multipleAnswer(children, engine.state, query.id)
}

function namedError({ onDefect }: WireQueries, query: Query, error: unknown): SqlError {
  if (error instanceof SqlError) return error
  onDefect(error, query)
  return internalError(error)
}
