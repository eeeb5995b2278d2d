/**
 * An S3 server of its own, whose buckets are of an AWS account as on AWS, and before it a server that notes what each request
 * says. It refuses by itself who expects another owner.
 */
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { StageConfig } from '../../src/config.ts'
import { findParts } from '../../src/local/parts.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { createBucket } from '../../src/stage/s3.ts'
import { start, stop } from '../lab/child.ts'
import { until } from './until.ts'

export type Noted = {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export type RecordingStore = {
  /** with keys that may do everything */
  readonly stage: StageConfig
  readonly noted: readonly Noted[]
  down(): Promise<void>
}

/** `dir` is the caller's to remove; `owner` is the account that its bucket is of. */
export async function startRecordingStore(dir: string, owner: string): Promise<RecordingStore> {
  const [port = 0] = await choosePorts(1)
  const objects = join(dir, 'objects')
  await mkdir(objects)
  // This server calls an account by its access key.
  const keys = { accessKeyId: owner, secretAccessKey: 'recording' }
  const env = { ROOT_ACCESS_KEY_ID: keys.accessKeyId, ROOT_SECRET_ACCESS_KEY: keys.secretAccessKey }
  const args = ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', objects]
  const child = await start(findParts().versitygw, args, join(dir, 's3.log'), env)
  const direct = {
    bucket: 'noted',
    prefix: 'firn/',
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    ...keys,
  }
  const there = () =>
    createBucket(direct).then(
      () => true,
      () => false,
    )
  await until('the S3 server', there, Boolean)

  const noted: Noted[] = []
  const server = createServer((near, answer) => {
    const { method = '', url: path = '', headers } = near
    noted.push({ method, path, headers })
    // With the host as it came: that is signed.
    const far = request({ hostname: '127.0.0.1', port, method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(answer)
    })
    far.on('error', () => answer.destroy())
    near.pipe(far)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    stage: { ...direct, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    noted,
    down: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
      await stop(child)
    },
  }
}
