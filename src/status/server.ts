/**
 * What a running Firn answers over HTTP: the status page at / for eyes, /metrics for Prometheus, /healthz and /readyz for whoever
 * restarts and routes. What is measured, shown and counts as ready is decided by those who hand it in.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Failure } from '../failure.ts'
import type { Metrics } from '../telemetry.ts'
import { pageHeaders } from './page.ts'

export type Readiness = { readonly ready: boolean }

export type StatusServer = { readonly port: number; close(): Promise<void> }

export type StatusOptions = {
  /** `host:port` */
  readonly listen: string
  readonly metrics: Pick<Metrics, 'exposition' | 'contentType'>
  /** its members are /readyz's answer */
  readonly readiness: () => Readiness
  /** the status page, as HTML */
  readonly page: () => Promise<string>
}

/** @throws Failure LISTEN_FAILED */
export async function startStatusServer({ listen, ...answers }: StatusOptions): Promise<StatusServer> {
  const server = createServer((request, response) => {
    answer(request, answers).then(
      (reply) => {
        send(request, response, reply)
      },
      (error: unknown) => {
        send(request, response, { status: 500, type: 'text/plain', body: `${String(error)}\n` })
      },
    )
  })
  const at = listen.lastIndexOf(':')
  const { promise: listening, resolve, reject } = Promise.withResolvers<undefined>()
  server.once('error', reject)
  server.listen(Number(listen.slice(at + 1)), listen.slice(0, at), () => {
    resolve(undefined)
  })
  await listening.catch((error: unknown) => {
    throw new Failure('LISTEN_FAILED', `cannot listen on ${listen}: ${String(error)}`, { cause: error })
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((closed) => {
        server.close(() => {
          closed()
        })
        server.closeAllConnections()
      }),
  }
}

type Reply = {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

async function answer(
  { method, url = '/' }: IncomingMessage,
  { metrics, readiness, page }: Omit<StatusOptions, 'listen'>,
): Promise<Reply> {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: 'text/plain', body: 'GET or HEAD\n' }
  switch (url.replace(/\?.*$/, '')) {
    case '/':
      return { status: 200, type: 'text/html; charset=utf-8', body: await page(), headers: pageHeaders }
    case '/metrics':
      return { status: 200, type: metrics.contentType, body: await metrics.exposition() }
    case '/healthz':
      return { status: 200, type: 'text/plain', body: 'ok\n' }
    case '/readyz': {
      const state = readiness()
      const body = `${JSON.stringify(state, null, 2)}\n`
      return { status: state.ready ? 200 : 503, type: 'application/json', body }
    }
    default:
      return { status: 404, type: 'text/plain', body: '/, /metrics, /healthz or /readyz\n' }
  }
}

function send({ method }: IncomingMessage, response: ServerResponse, { status, type, body, headers }: Reply): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    // It is true at this moment alone.
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(method === 'HEAD' ? undefined : body)
}
