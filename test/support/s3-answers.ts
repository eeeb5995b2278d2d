/**
 * A proxy in front of an S3 server that answers questions about the bucket itself, which that server does not know: what is
 * asked by `?notification` and the like gets the answer that the test gives. All else is the server's.
 */
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export type S3Question = 'notification' | 'encryption' | 'versioning' | 'publicAccessBlock' | 'object'

export type S3Answers = {
  readonly endpoint: string
  /** From now on; `object` is any request for an object. `headers` alone go with the server's own answer. */
  answer(question: S3Question, reply: S3Reply | null): void
  close(): Promise<void>
}

export type S3Reply = {
  readonly status?: number
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

export async function startS3Answers(endpoint: string): Promise<S3Answers> {
  const { port } = new URL(endpoint)
  const replies = new Map<string, S3Reply>()
  const server = createServer((near, answer) => {
    const url = new URL(near.url ?? '/', endpoint)
    const asked = [...url.searchParams.keys()].find((name) => replies.has(name))
    const reply = replies.get(asked ?? (url.pathname.split('/').length > 2 ? 'object' : ''))
    if (reply?.status !== undefined) {
      near.resume().on('end', () => {
        answer.writeHead(reply.status ?? 200, { 'content-type': 'application/xml' }).end(reply.body)
      })
      return
    }
    // As it came, its host too: that is signed.
    const { method, headers } = near
    const far = request({ port, host: '127.0.0.1', method, path: near.url, headers }, (back) => {
      answer.writeHead(back.statusCode ?? 502, { ...back.headers, ...reply?.headers })
      back.pipe(answer)
    })
    far.on('error', () => answer.destroy())
    near.pipe(far)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: (question, reply) => {
      if (reply) replies.set(question, reply)
      else replies.delete(question)
    },
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** As S3 refuses: by its code. */
export function s3Error(status: number, code: string): S3Reply {
  return { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>` }
}
