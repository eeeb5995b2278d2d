/**
 * Bytes of HTTP to JSON and back. Decides which requests are well-formed and small enough; what they mean is the server's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

export type JsonObject = Readonly<Record<string, unknown>>

/** A request that is none: answered with an HTTP status, where refusals of the protocol come with 200. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: 400 | 404 | 405 | 413

  constructor(status: HttpError['status'], message: string) {
    super(message)
    this.status = status
  }
}

/** 64 MiB, of what is sent as of what it unpacks to: far above any statement or array of binds. */
const bodyBytesMax = 64 * 2 ** 20

const unpack = promisify(gunzip)

/**
 * The JSON object of a request's body; an empty body is an empty object. A packed body is known by its first bytes: drivers
 * announce what they then do not do, and the other way round.
 *
 * @throws HttpError
 */
export async function readJson(request: IncomingMessage, bytesMax = bodyBytesMax): Promise<JsonObject> {
  const sent = await readBody(request, bytesMax)
  const bytes = sent[0] === 0x1f && sent[1] === 0x8b ? await unpackBody(sent, bytesMax) : sent
  if (bytes.length === 0) return {}
  const value = parse(bytes)
  if (!isObject(value)) throw new HttpError(400, 'the body is no JSON object')
  return value
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  // Without this option a loop that ends early would destroy the connection that the answer must go out on.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bytesMax) throw tooLarge(bytesMax)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

async function unpackBody(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    return await unpack(bytes, { maxOutputLength: bytesMax })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax)
    throw new HttpError(400, 'the body is broken gzip')
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new HttpError(400, 'the body is no JSON')
  }
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError(413, `the body is larger than ${bytesMax} bytes`)
}

/** How long the rest of a refused body is drained: a connection that is cut at once can lose the answer on its way. */
const drainMs = 1_000

export function send(response: ServerResponse, status: number, body: Buffer): void {
  if (response.destroyed) return
  const { req: request } = response
  if (!request.complete) {
    const cut = setTimeout(() => request.socket.destroy(), drainMs).unref()
    request.once('close', () => {
      clearTimeout(cut)
    })
  }
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}
